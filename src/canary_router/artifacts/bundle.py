"""How an artifact lies on a disk: one ZIP file with three entries, or the folder that it was unpacked into.

    manifest.json    the manifest
    manifest.sig     its signature
    content.tar      the files

CodePipeline takes ZIP files only, and unpacks them before a build sees them; so both are read. Nothing is compressed:
then nothing can grow when it is read, and no version of a compression library changes the bytes. What is read here is
believed by nobody yet.
"""

import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, NoReturn

from canary_router.core.manifest import CONTENT_AT_MOST, MANIFEST_AT_MOST, Rejected
from canary_router.core.tags import shown
from canary_router.errors import InvalidInput

MANIFEST, SIGNATURE, CONTENT = "manifest.json", "manifest.sig", "content.tar"
_SIGNATURE_AT_MOST = 6144
_LIMITS = {MANIFEST: MANIFEST_AT_MOST, SIGNATURE: _SIGNATURE_AT_MOST, CONTENT: CONTENT_AT_MOST}
_END = struct.Struct("<4s4H2LH")
"""The record at the end of a ZIP file, without a comment (APPNOTE 4.3.16)."""
_DIRECTORY_AT_MOST = 1024
_1980 = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP file can say."""
_UNIX = 3
_ENCRYPTED = 1
_DAMAGED = (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError)
"""What reading a ZIP file may come to."""


@dataclass(frozen=True)
class Bundle:
    """An artifact that was opened. ``content`` opens the files' archive, from its beginning each time."""

    manifest: bytes
    signature: bytes
    content: Callable[[], IO[bytes]]


def write(out: Path, manifest: bytes, signature: bytes, content: Path) -> None:
    """Writes an artifact as a ZIP file; the same parts give the same bytes."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, size in ((MANIFEST, len(manifest)), (SIGNATURE, len(signature)), (CONTENT, content.stat().st_size)):
            entry = zipfile.ZipInfo(name, _1980)
            entry.create_system = _UNIX
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.file_size = size
            with archive.open(entry, "w") as target:
                if name != CONTENT:
                    target.write(manifest if name == MANIFEST else signature)
                    continue
                with content.open("rb") as source:
                    while part := source.read(1 << 20):
                        target.write(part)


@contextmanager
def opened(path: Path) -> Iterator[Bundle]:
    """Opens an artifact.

    Raises:
        InvalidInput: There is nothing at the path, or it cannot be read.
        Rejected: It is not the three files, or one is larger than it may be, or damaged.
    """
    with ExitStack() as until_read:
        try:
            artifact = _of_folder(path) if path.is_dir() else _of_file(until_read.enter_context(path.open("rb")))
        except OSError as error:
            advice = "Give the artifact, or the folder that CodePipeline has unpacked it into."
            raise InvalidInput(f"{path} cannot be read: {error.strerror or error}", advice=advice) from error
        except (*_DAMAGED, ValueError, RuntimeError) as error:
            _refuse(f"is damaged: {error}")
        try:
            yield artifact
        except _DAMAGED as error:
            _refuse(f"is damaged: {error}")


def _of_file(file: BinaryIO) -> Bundle:
    _check_end(file)
    return _of_zip(zipfile.ZipFile(file))


def _check_end(file: BinaryIO) -> None:
    """Sees to it that the list of entries is short before anybody reads it."""
    size = file.seek(0, os.SEEK_END)
    if size < _END.size:
        _refuse(f"has {size} bytes")
    file.seek(size - _END.size)
    mark, disk, first, here, entries, length, offset, comment = _END.unpack(file.read(_END.size))
    if mark != b"PK\5\6" or (disk, first, comment) != (0, 0, 0) or offset + length + _END.size != size:
        _refuse("is no ZIP file, or has something at its end")
    if (here, entries) != (len(_LIMITS), len(_LIMITS)) or length > _DIRECTORY_AT_MOST:
        _refuse(f"has {entries} entries")


def _of_zip(archive: zipfile.ZipFile) -> Bundle:
    entries = archive.infolist()
    _check_sizes({entry.filename: entry.file_size for entry in entries})
    for entry in entries:
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & _ENCRYPTED:
            _refuse(f"has a compressed or encrypted entry, {entry.filename}")
    parts = {name: _whole(archive.open(name), name) for name in (MANIFEST, SIGNATURE)}
    return Bundle(parts[MANIFEST], parts[SIGNATURE], lambda: archive.open(CONTENT))


def _of_folder(folder: Path) -> Bundle:
    found = {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(folder)}
    for name, state in found.items():
        if not stat.S_ISREG(state.st_mode):
            _refuse(f"has something in it that is no file: {shown(name)}")
    _check_sizes({name: state.st_size for name, state in found.items()})
    parts = {name: _whole((folder / name).open("rb"), name) for name in (MANIFEST, SIGNATURE)}
    return Bundle(parts[MANIFEST], parts[SIGNATURE], lambda: (folder / CONTENT).open("rb"))


def _check_sizes(sizes: dict[str, int]) -> None:
    if sizes.keys() != _LIMITS.keys():
        odd = sorted(sizes.keys() ^ _LIMITS.keys())
        _refuse(f"is not {', '.join(_LIMITS)} and nothing else: see {', '.join(map(shown, odd[:5]))}")
    for name, size in sizes.items():
        if size > _LIMITS[name]:
            _refuse(f"has {size} bytes of {name}, of which {_LIMITS[name]} are allowed")


def _whole(stream: IO[bytes], name: str) -> bytes:
    with stream:
        content = stream.read(_LIMITS[name] + 1)
    if len(content) > _LIMITS[name]:
        _refuse(f"has more bytes of {name} than it says")
    return content


def _refuse(problem: str) -> NoReturn:
    raise Rejected(
        "form", f"The artifact {problem}", "Give it as ci pack has made it, or unpacked into an empty folder."
    )

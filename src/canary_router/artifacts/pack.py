"""Makes an artifact of a commit: the same commit, the same bytes, on any machine.

The files are read from git's objects, not from the working tree: what a checkout, an attribute or an earlier step of
the build does to them changes nothing. Order, times, owners and modes are fixed, and a
signature by the same key is the same.
"""

import hashlib
import io
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from canary_router.adapters.git import GitRepository, TreeFile
from canary_router.artifacts import bundle
from canary_router.core.manifest import (
    ASSEMBLY,
    CONTENT_AT_MOST,
    FILES_AT_MOST,
    MANIFEST_AT_MOST,
    SOURCE,
    Manifest,
    PackedFile,
    Rejected,
    check_names,
)
from canary_router.core.tags import Accepted, Refused, shown
from canary_router.errors import InvalidInput
from canary_router.ports.delivery import Signer

_PLAIN, _EXECUTABLE = "100644", "100755"
_1980 = 315_532_800
"""Epoch seconds: files with an earlier time cannot be put into a ZIP file, such as a Lambda function's."""
_HEADER = 512


@dataclass(frozen=True)
class Packing:
    """What is to be packed.

    Attributes:
        service: Name of the service.
        locks: Paths of the dependency locks in the repository; each must be there.
        assembly: A built cloud assembly (``cdk.out``) that goes with it; None for none.
    """

    service: str
    locks: Sequence[str]
    assembly: Path | None = None


@dataclass(frozen=True)
class Packed:
    """An artifact that was written, and its SHA-256."""

    manifest: Manifest
    sha256: str


def pack(
    repository: GitRepository, accepted: Accepted, packing: Packing, signer: Signer, out: Path
) -> Packed | Refused:
    """Writes the artifact of a tag that was accepted, or says why its commit cannot be packed.

    Args:
        repository: Where the commit is.
        accepted: The decision about its tag.
        packing: What is to be packed.
        signer: The key.
        out: The file to be written; it appears when it is complete.

    Raises:
        InvalidInput: The assembly cannot be read, or the file not written.
        Unavailable: git or the key cannot be used now.
    """
    try:
        files = repository.files(accepted.commit)
        _check_packable(files, packing.locks)
        contents = _Contents(repository, files, _built(packing.assembly))
        check_names(contents.names)
        _check_at_most("number of files", len(contents.sizes), FILES_AT_MOST)
        _check_at_most("content", sum(contents.sizes) + _HEADER * len(contents.sizes), CONTENT_AT_MOST)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".canary-router-") as folder:
            content = Path(folder, bundle.CONTENT)
            manifest = _archived(contents, content, accepted, packing)
            signed = manifest.to_bytes()
            _check_at_most("manifest", len(signed), MANIFEST_AT_MOST)
            _check_at_most("content", manifest.content_size, CONTENT_AT_MOST)
            whole = Path(folder, "whole")
            bundle.write(whole, signed, signer.sign(signed), content)
            whole.replace(out)
            return Packed(manifest, _sha256(out))
    except Rejected as rejected:
        return Refused((rejected.refusal,))
    except OSError as error:
        problem = f"{error.filename or out}: {error.strerror or error}"
        raise InvalidInput(problem, advice="Look at --out and --assembly.") from error


@dataclass(frozen=True)
class _Contents:
    """The files of a commit, and those of an assembly: name in the artifact, place, and size."""

    repository: GitRepository
    files: tuple[TreeFile, ...]
    built: Sequence[tuple[str, Path, int]]

    @property
    def names(self) -> list[str]:
        return [*(f"{SOURCE}/{file.path}" for file in self.files), *(name for name, _, _ in self.built)]

    @property
    def sizes(self) -> list[int]:
        return [*(file.size for file in self.files), *(size for _, _, size in self.built)]

    def __iter__(self) -> Iterator[tuple[str, bool, bytes]]:
        for file, content in self.repository.contents(self.files):
            yield f"{SOURCE}/{file.path}", file.mode == _EXECUTABLE, content
        for name, path, _ in self.built:
            yield name, bool(path.stat().st_mode & stat.S_IXUSR), path.read_bytes()


def _archived(contents: _Contents, place: Path, accepted: Accepted, packing: Packing) -> Manifest:
    """Writes the archive, and describes it."""
    packed = []
    with tarfile.open(place, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, executable, content in contents:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(content), _1980, 0o755 if executable else 0o644
            archive.addfile(entry, io.BytesIO(content))
            packed.append(PackedFile(name, executable, len(content), hashlib.sha256(content).hexdigest()))
    hashes = {file.path: file.sha256 for file in packed}
    return Manifest(
        service=packing.service,
        tag=accepted.version,
        commit=accepted.commit,
        locks={path: hashes[f"{SOURCE}/{path}"] for path in packing.locks},
        content_sha256=_sha256(place),
        content_size=place.stat().st_size,
        files=tuple(packed),
    )


def _check_packable(files: Iterable[TreeFile], locks: Iterable[str]) -> None:
    kinds = {file.path: file.mode for file in files}
    for path, mode in kinds.items():
        if mode == "120000":
            remedy = "Commit the file itself: a link could lead out of the folder that the artifact is unpacked into."
            raise Rejected("link", f"{shown(path)} is a symbolic link", remedy)
        if mode not in (_PLAIN, _EXECUTABLE):
            remedy = "Vendor it, or build it into the assembly: its files are not part of this commit."
            raise Rejected("submodule", f"{shown(path)} is a submodule", remedy)
    for path in locks:
        if path not in kinds:
            problem = f"The commit has no dependency lock {shown(path)}"
            raise Rejected("lock", problem, "Commit the lock, or name the one that there is: --lock.")


def _built(assembly: Path | None) -> Sequence[tuple[str, Path, int]]:
    """Name in the artifact, place and size of each file of an assembly."""
    if assembly is None:
        return ()
    if not assembly.is_dir():
        raise InvalidInput(f"There is no folder {assembly}", advice="Synthesise first: cdk synth --output FOLDER.")
    found = []
    for folder, folders, names in os.walk(assembly):
        for name in [*folders, *names]:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                relative = path.relative_to(assembly).as_posix()
                found.append((f"{ASSEMBLY}/{relative}", path, path.lstat().st_size))
            elif not stat.S_ISDIR(mode):
                remedy = "Let the assembly hold files only; for assets: follow_symlinks=SymlinkFollowMode.ALWAYS."
                raise Rejected("link", f"{shown(str(path))} is no plain file", remedy)
    return sorted(found, key=lambda built: os.fsencode(built[0]))


def _check_at_most(what: str, amount: int, at_most: int) -> None:
    if amount > at_most:
        remedy = "Leave out what is not needed for a deployment: data belongs into a bucket of its own."
        raise Rejected("size", f"The {what} of the artifact would be {amount}; {at_most} is the most", remedy)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

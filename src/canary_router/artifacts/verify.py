"""Checks everything about an artifact before one of its files is written anywhere.

In this order, since each step rests on the one before:

1. three files of bounded size, nothing compressed
2. the manifest's bytes are signed by the key that whoever verifies has named
3. the manifest has its one form, and safe names
4. it is the artifact that is expected here: service, stage, tag, commit, place, and not an older version
5. the archive has the checksum that the manifest says, and each file in it
"""

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from canary_router.artifacts import bundle
from canary_router.core.manifest import Expected, Manifest, PackedFile, Rejected, manifest_from, unexpected
from canary_router.core.tags import Refused, shown
from canary_router.errors import InvalidInput
from canary_router.ports.delivery import Signer

_PART = 1 << 20
_COPY_AGAIN = "Copy it again from where it was built, and find out who has changed it."


@dataclass(frozen=True)
class Verified:
    """An artifact that is what it says, and what was expected."""

    manifest: Manifest


def verify(path: Path, signer: Signer, expected: Expected, into: Path | None = None) -> Verified | Refused:
    """Verifies an artifact and, if it is good, unpacks it.

    Args:
        path: The artifact, or the folder that CodePipeline has unpacked it into.
        signer: The key that must have signed it.
        expected: What is to be deployed.
        into: A folder that is made for its files, and appears when they are complete; None only verifies.

    Raises:
        InvalidInput: The artifact cannot be read, or the folder is there already.
        Unavailable: The key cannot be used now.
    """
    if into is not None and (into.exists() or into.is_symlink() or not into.parent.is_dir()):
        problem = f"{into} is there already" if into.parent.is_dir() else f"There is no folder {into.parent}"
        raise InvalidInput(problem, advice="Give a folder that is to be made, in one that is there.")
    try:
        with bundle.opened(path) as artifact:
            return _verified(artifact, signer, expected, into)
    except Rejected as rejected:
        return Refused((rejected.refusal,))


def _verified(artifact: bundle.Bundle, signer: Signer, expected: Expected, into: Path | None) -> Verified | Refused:
    if not signer.verify(artifact.manifest, artifact.signature):
        problem = "The manifest was not signed by this key, or was changed afterwards"
        raise Rejected("signature", problem, f"Is --key the one that signs? If so: {_COPY_AGAIN}")
    manifest = manifest_from(artifact.manifest)
    refusals = unexpected(manifest, expected)
    if refusals:
        return Refused(tuple(refusals))
    _check_content(artifact, manifest)
    if into is None:
        _walk(artifact, manifest, _read)
        return Verified(manifest)
    folder = Path(tempfile.mkdtemp(dir=into.parent, prefix=".canary-router-"))
    try:
        _walk(artifact, manifest, lambda file, source: _unpack(folder, file, source))
        folder.chmod(0o755)
        folder.rename(into)
    except OSError as error:
        raise InvalidInput(f"{into} cannot be written: {error.strerror or error}", advice="Look at --into.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Verified(manifest)


def _check_content(artifact: bundle.Bundle, manifest: Manifest) -> None:
    digest, size = hashlib.sha256(), 0
    with artifact.content() as stream:
        while part := stream.read(_PART):
            digest.update(part)
            size += len(part)
    if size != manifest.content_size or digest.hexdigest() != manifest.content_sha256:
        problem = f"{bundle.CONTENT} is not what was signed: its checksum is {digest.hexdigest()[:12]}..."
        raise Rejected("checksum", f"{problem}, and should be {manifest.content_sha256[:12]}...", _COPY_AGAIN)


def _walk(
    artifact: bundle.Bundle, manifest: Manifest, take: Callable[[PackedFile, IO[bytes]], tuple[int, str]]
) -> None:
    """Goes through the archive beside the manifest: the same files in the same order, and nothing else."""
    try:
        with artifact.content() as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for file in manifest.files:
                entry = archive.next()
                source = None if entry is None or not _is(entry, file) else archive.extractfile(entry)
                if source is None or take(file, source) != (file.size, file.sha256):
                    problem = f"The file {shown(file.path)} is not in the archive as the manifest describes it"
                    raise Rejected("checksum", problem, _COPY_AGAIN)
            if archive.next() is not None:
                raise Rejected("checksum", "The archive has files that the manifest does not list", _COPY_AGAIN)
    except tarfile.TarError as error:
        raise Rejected("checksum", f"{bundle.CONTENT} cannot be read: {error}", _COPY_AGAIN) from error


def _is(entry: tarfile.TarInfo, file: PackedFile) -> bool:
    is_plain = entry.type == tarfile.REGTYPE and not entry.issparse()
    return is_plain and entry.name == file.path


def _read(_: PackedFile, source: IO[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while part := source.read(_PART):
        digest.update(part)
        size += len(part)
    return size, digest.hexdigest()


def _unpack(folder: Path, file: PackedFile, source: IO[bytes]) -> tuple[int, str]:
    place = folder / file.path
    place.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    # The folder is new and this process's own, and no link was made in it; a file that is there is never written over.
    number = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o755 if file.executable else 0o644)
    with open(number, "wb") as target:  # noqa: PTH123 - a file descriptor
        while part := source.read(_PART):
            digest.update(part)
            size += len(part)
            target.write(part)
    return size, digest.hexdigest()

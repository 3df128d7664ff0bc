"""Artifacts that ci pack would never make, signed by the right key all the same: nothing rests on the signer."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from canary_router.artifacts import bundle
from canary_router.core.manifest import Manifest, PackedFile
from canary_router.core.tags import version_from
from canary_router.ports.delivery import Signer

Member = tuple[str, bytes]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def archive_of(members: Sequence[Member], kind: bytes = tarfile.REGTYPE, target: str = "") -> bytes:
    """A tar file of members of one kind."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.type, entry.linkname = kind, target
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def manifest_of(members: Sequence[Member], archive: bytes, **parts: Any) -> bytes:
    """A manifest that describes these members, with some of its parts changed."""
    manifest = Manifest(
        service="transformer",
        tag=version_from("v1.2.0"),
        commit="a" * 40,
        locks={},
        content_sha256=sha256(archive),
        content_size=len(archive),
        files=tuple(PackedFile(name, executable=False, size=len(data), sha256=sha256(data)) for name, data in members),
    )
    return json.dumps(json.loads(manifest.to_bytes()) | parts, indent=1, sort_keys=True).encode() + b"\n"


def artifact(folder: Path, signer: Signer, manifest: bytes, content: bytes) -> Path:
    """Writes an artifact with a good signature."""
    (folder / bundle.CONTENT).write_bytes(content)
    out = folder / "forged.zip"
    bundle.write(out, manifest, signer.sign(manifest), folder / bundle.CONTENT)
    (folder / bundle.CONTENT).unlink()
    return out


def rezipped(good: Path, out: Path, parts: Mapping[str, bytes | None], compression: int = zipfile.ZIP_STORED) -> Path:
    """The same artifact with some of its entries replaced, left out (None) or added."""
    with zipfile.ZipFile(good) as archive:
        entries: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    entries |= parts
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in entries.items():
            if content is not None:
                archive.writestr(zipfile.ZipInfo(name), content, compress_type=compression)
    return out

"""Copies between S3 and a folder: Spark on this machine has no connector to S3, as EMR's has."""

import itertools
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_BYTES = 512 * 1024 * 1024
"""That the arguments of one job may hold together, and that the cache keeps."""
SCHEME = "s3://"
_URL = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/(?P<key>.*))?")
_PATTERN = re.compile(r"[*?\[\]{}\\\x00]")


class NotCopied(Exception):
    """Something cannot be copied; the message names it."""


@dataclass(frozen=True)
class Place:
    """A place in S3.

    Attributes:
        bucket: Name of the bucket.
        key: Key of an object, or what the keys of several begin with; blank for the whole bucket.
    """

    bucket: str
    key: str

    @classmethod
    def read(cls, url: str) -> "Place":
        """Reads ``s3://bucket/key``.

        Raises:
            NotCopied: It is none, or its key cannot be the path of a file.
        """
        found = _URL.fullmatch(url)
        if not found:
            raise NotCopied(f"{url} is no place in S3: s3://bucket/key is")
        place = cls(found["bucket"], found["key"] or "")
        if _PATTERN.search(place.key):
            raise NotCopied(f"{url} is a pattern: this stand-in copies single objects, and what is below a prefix")
        _check(place.key.removesuffix("/"), url)
        return place

    def below(self, root: Path) -> str:
        """The path that stands for it, below a folder; a slash at its end stays."""
        return f"{root / self.bucket}/{self.key}"

    def holds(self, key: str) -> bool:
        """Whether it is the object's key, or a folder that the object is in."""
        folder = self.key if self.key.endswith("/") or not self.key else f"{self.key}/"
        return key == self.key or key.startswith(folder)


@dataclass(frozen=True)
class _Kept:
    """A file of the cache, and how it was when it was written."""

    etag: str
    path: Path
    state: tuple[int, int]
    size: int


@dataclass
class Copied:
    """What was copied from S3 into a folder: how each file was then, by bucket and key."""

    root: Path
    places: list[Place] = field(default_factory=list)
    files: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    bytes: int = 0


class Objects:
    """The objects in S3 that jobs read and write.

    What was copied once is kept, and copied again only when its ETag is another one.

    Args:
        s3: The client; its endpoint and credentials are the process's.
        cache: A folder of this object's own.
    """

    max_kept = MAX_BYTES

    def __init__(self, s3: "S3Client", cache: Path) -> None:
        self._s3 = s3
        self._cache = cache
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._numbers = itertools.count()

    def fetch(self, place: Place, into: Copied) -> str:
        """Copies what is at a place below the folder; a place where nothing is gives a path where nothing is.

        Raises:
            NotCopied: It is too much, or a key cannot be the path of a file.
        """
        for key, etag, size in self._listed(place):
            if (place.bucket, key) in into.files:
                continue
            into.bytes += size
            if into.bytes > MAX_BYTES:
                raise NotCopied(f"{SCHEME}{place.bucket}/{place.key}: this stand-in copies {MAX_BYTES} bytes for a job")
            path = Path(into.root, place.bucket, key)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                os.link(self._file(place.bucket, key, etag, size), path)
            except OSError as error:
                # An object and a folder of one name are fine in S3.
                raise NotCopied(f"{SCHEME}{place.bucket}/{key} cannot be a file here: {error}") from error
            into.files[place.bucket, key] = _state_of(path.lstat())
        into.places.append(place)
        return place.below(into.root)

    def publish(self, copied: Copied) -> None:
        """Writes back what has changed since it was copied: new files, other contents, and what is gone."""
        now = dict(_files(copied.root))
        changed = [
            (bucket, key)
            for (bucket, key), state in now.items()
            if copied.files.get((bucket, key)) != state
            and any(place.bucket == bucket and place.holds(key) for place in copied.places)
        ]
        # What says that all is there comes last.
        for bucket, key in sorted(changed, key=lambda one: (one[1].endswith("_SUCCESS"), one)):
            with Path(copied.root, bucket, key).open("rb") as file:
                self._s3.put_object(Bucket=bucket, Key=key, Body=file)
        for bucket, key in sorted(copied.files.keys() - now.keys()):
            self._s3.delete_object(Bucket=bucket, Key=key)

    def _listed(self, place: Place) -> Iterator[tuple[str, str, int]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
        for page in pages:
            for found in page.get("Contents", []):
                # A key that ends with a slash is what consoles show an empty folder by.
                if place.holds(found["Key"]) and not found["Key"].endswith("/"):
                    _check(found["Key"], f"{SCHEME}{place.bucket}/{found['Key']}")
                    yield found["Key"], found["ETag"], found["Size"]

    def _file(self, bucket: str, key: str, etag: str, size: int) -> Path:
        kept = self._kept.get((bucket, key))
        # A script may have written into its copy, which is the same file.
        if kept and kept.etag == etag and kept.state == _state_of(kept.path.lstat())[:2]:
            return kept.path
        self._make_room(size)
        path = self._cache / str(next(self._numbers))
        answer = self._s3.get_object(Bucket=bucket, Key=key)
        with path.open("wb") as file:
            for chunk in answer["Body"].iter_chunks():
                file.write(chunk)
        if kept:
            kept.path.unlink(missing_ok=True)
        self._kept[bucket, key] = _Kept(answer["ETag"], path, _state_of(path.lstat())[:2], size)
        return path

    def _make_room(self, size: int) -> None:
        if sum(kept.size for kept in self._kept.values()) + size > self.max_kept:
            for kept in self._kept.values():
                kept.path.unlink(missing_ok=True)
            self._kept.clear()


def _check(key: str, what: str) -> None:
    # Also what keeps a key from being a path out of the folder.
    if key and ({"", ".", ".."} & set(key.split("/")) or "\x00" in key):
        raise NotCopied(f"{what} cannot be a file here: its key has an empty part, or one of dots")


def _files(root: Path) -> Iterator[tuple[tuple[str, str], tuple[int, int, int]]]:
    """All files below the root by bucket and key, but what a job leaves behind that S3 would never see."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != "_temporary"]
        for name in names:
            path = Path(folder, name)
            state = path.lstat()
            if stat.S_ISREG(state.st_mode) and not name.endswith(".crc"):
                bucket, *parts = path.relative_to(root).parts
                yield (bucket, "/".join(parts)), _state_of(state)


def _state_of(found: os.stat_result) -> tuple[int, int, int]:
    """What changes when a file is written to, and what when another one takes its place."""
    return found.st_size, found.st_mtime_ns, found.st_ino

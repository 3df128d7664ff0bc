"""What an artifact says of itself: which commit and tag of which service, and what is in it, file by file.

- A manifest has exactly one form as bytes; a signature is of these bytes. What has another form is refused.
- It has no time in it, nor anything else that differs between two builds of one commit.
- A file's name stays inside the folder that it is unpacked into, whatever the file system, and is no two files' name.
- Which key, tag and place are expected comes from whoever verifies, never from the manifest.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from canary_router import settings
from canary_router.core.tags import Refusal, TagVersion, highest, shown, tag_version

FORMAT = "canary-router-artifact/1"
SOURCE, ASSEMBLY = "source", "assembly"
MANIFEST_AT_MOST = 8 * 1024 * 1024
CONTENT_AT_MOST = 1024 * 1024 * 1024
"""Bytes of all files of an artifact, and of their headers."""
FILES_AT_MOST = 20_000
_PATH_AT_MOST, _NAME_AT_MOST = 1024, 255
_DIGEST = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REBUILD = "Build the artifact again, with ci pack."


class Rejected(Exception):
    """An artifact is refused; never leaves the package's own code.

    Args:
        refusal: What is wrong with it.
    """

    def __init__(self, rule: str, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.refusal = Refusal(rule, problem, remedy)


@dataclass(frozen=True)
class PackedFile:
    """One file: its name in the artifact, whether it may be executed, its size in bytes and its SHA-256."""

    path: str
    executable: bool
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A whole manifest.

    Attributes:
        service: Name of the service that the artifact is of.
        tag: The tag that it was built for.
        commit: The commit that it was built from.
        locks: The SHA-256 of each dependency lock, by its path in the repository.
        content_sha256: Of all files together, as they stand in the artifact.
        content_size: Its size in bytes.
        files: The files in the order in which they are packed.
    """

    service: str
    tag: TagVersion
    commit: str
    locks: Mapping[str, str]
    content_sha256: str
    content_size: int
    files: tuple[PackedFile, ...]

    @property
    def prefix(self) -> str:
        """Where in the bucket the artifact belongs: whoever may read a stage's prefix sees no other's."""
        return f"{self.tag.stage}/{self.service}/{self.tag}/"

    @property
    def object_key(self) -> str:
        """The artifact's key in the bucket."""
        return f"{self.prefix}{self.service}-{self.tag}.zip"

    def to_bytes(self) -> bytes:
        """The one form that is signed."""
        document = {
            "format": FORMAT,
            "service": self.service,
            "tag": str(self.tag),
            "stage": self.tag.stage.value,
            "commit": self.commit,
            "locks": dict(self.locks),
            "content": {"sha256": self.content_sha256, "size": self.content_size},
            "files": [asdict(file) for file in self.files],
        }
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=True).encode() + b"\n"


def manifest_from(content: bytes) -> Manifest:
    """Reads a manifest whose signature was checked; its contents are believed no more than that.

    Raises:
        Rejected: It has another form than ``to_bytes`` gives, or a file's name is not safe.
    """
    try:
        manifest = _manifest(json.loads(content))
        is_the_form = manifest.to_bytes() == content
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        _malformed(f"{type(error).__name__}: {shown(str(error))}")
    if not is_the_form:
        _malformed("it is written in another form than ci pack writes it")
    check_names(file.path for file in manifest.files)
    hashes = {file.path: file.sha256 for file in manifest.files}
    for path, sha256 in manifest.locks.items():
        if hashes.get(f"{SOURCE}/{path}") != sha256:
            _malformed(f"the lock {shown(path)} is not among its files")
    return manifest


def _manifest(given: Any) -> Manifest:
    tag = tag_version(given["tag"])
    if not all(isinstance(it["path"], str) and isinstance(it["executable"], bool) for it in given["files"]):
        _malformed("a file is not described as it should be")
    if tag is None or given["format"] != FORMAT or len(given["files"]) > FILES_AT_MOST:
        _malformed("its format, its tag or the number of its files is not one that this version takes")
    manifest = Manifest(
        service=given["service"],
        tag=tag,
        commit=given["commit"],
        locks=given["locks"],
        content_sha256=given["content"]["sha256"],
        content_size=given["content"]["size"],
        files=tuple(PackedFile(**file) for file in given["files"]),
    )
    digests = [manifest.content_sha256, *manifest.locks.values(), *(file.sha256 for file in manifest.files)]
    sizes = [manifest.content_size, *(file.size for file in manifest.files)]
    if not settings.NAME_PATTERN.fullmatch(manifest.service) or not _COMMIT.fullmatch(manifest.commit):
        _malformed("its service or its commit does not have the form of one")
    if not all(_DIGEST.fullmatch(digest) for digest in digests):
        _malformed("a checksum does not have the form of one")
    if not all(type(size) is int and 0 <= size <= CONTENT_AT_MOST for size in sizes):
        _malformed("a size is out of its range")
    return manifest


def _malformed(problem: str) -> NoReturn:
    raise Rejected("manifest", f"The manifest cannot be used: {problem}", _REBUILD)


def check_names(paths: Iterable[str]) -> None:
    """Checks that each name stays inside a folder, and that no two are one file, or one a folder of another.

    Raises:
        Rejected: One does not.
    """
    seen = set[str]()
    folders = set[str]()
    for path in paths:
        problem = "is there twice" if path in seen else _name_problem(path)
        if problem:
            remedy = "Rename it; names are relative, with / between their parts, and have no . or .. for one."
            raise Rejected("path", f"The file name {shown(path)} {problem}", remedy)
        seen.add(path)
        parts = path.split("/")
        folders.update("/".join(parts[:count]) for count in range(1, len(parts)))
    if seen & folders:
        both = shown(min(seen & folders))
        raise Rejected("path", f"{both} is a file and a folder", "Rename one of the two.")


def _name_problem(path: str) -> str:
    try:
        encoded = path.encode()
    except UnicodeEncodeError:
        return "is not text in UTF-8"
    parts = path.split("/")
    if parts[0] not in (SOURCE, ASSEMBLY) or len(parts) < 2:  # noqa: PLR2004 - the folder, and what is in it
        return f"is neither in {SOURCE} nor in {ASSEMBLY}"
    if not path.isprintable() or "\\" in path:
        return "has a character in it that not every file system takes"
    if any(part in ("", ".", "..") or part.casefold() == ".git" for part in parts):
        return "has a part that is empty, ., .. or .git"
    if len(encoded) > _PATH_AT_MOST or any(len(part.encode()) > _NAME_AT_MOST for part in parts):
        return f"is longer than {_PATH_AT_MOST} bytes, or a part of it than {_NAME_AT_MOST}"
    return ""


@dataclass(frozen=True)
class Expected:
    """What whoever verifies knows beforehand; empty where nothing is known.

    Attributes:
        service: Name of the service that is to be deployed.
        stage: The stage that the deployment is for.
        tag: The tag that is to be deployed.
        commit: The commit that it should be.
        object_key: Where the artifact was read from: its key in the bucket.
        deployed: The commit of each version that was deployed before, by its tag; empty where it is not known:
            such a version is not deployed again.
    """

    service: str
    stage: str
    deployed: Mapping[str, str]
    tag: str = ""
    commit: str = ""
    object_key: str = ""


def unexpected(manifest: Manifest, expected: Expected) -> list[Refusal]:
    """All in which an artifact is not the one that is to be deployed here; empty when it is."""
    found = []
    for rule, what, is_, wanted in (
        ("service", "the service", manifest.service, expected.service),
        ("stage", "the stage", manifest.tag.stage.value, expected.stage),
        ("tag", "the tag", str(manifest.tag), expected.tag),
        ("commit", "the commit", manifest.commit, expected.commit),
    ):
        if wanted and is_ != wanted:
            problem = f"The artifact is of {what} {is_}, and {shown(wanted)} is to be deployed"
            found.append(Refusal(rule, problem, "Give the artifact that was built for this deployment."))
    if expected.object_key and not expected.object_key.startswith(manifest.prefix):
        problem = f"The artifact lies at {shown(expected.object_key)} and belongs below {manifest.prefix}"
        found.append(Refusal("prefix", problem, "Find out who has copied it there; nothing else should write there."))
    return [*found, *_older(manifest, expected.deployed)]


def _older(manifest: Manifest, deployed: Mapping[str, str]) -> list[Refusal]:
    """What is not above all that was deployed: that may be repeated from the commit on record, and from no other."""
    top = highest(deployed)
    if top is None or manifest.tag > top:
        return []
    if manifest.tag < top:
        remedy = "Deploy a version above it; to go back to one that stands, order a rollback."
        return [Refusal("below", f"{manifest.tag} is below {top}, which was deployed before", remedy)]
    recorded = deployed[str(top)]
    if recorded == manifest.commit:
        return []
    if not recorded:
        # The tag may have been moved since: that it is the same commit cannot be told.
        problem = f"{top} is here already, and no commit is on record for it: it may be another than this one"
        remedy = "Give the commit a version of its own. What is deployed with the context commit has it on record."
        return [Refusal("commit", problem, remedy)]
    problem = f"{top} was deployed from the commit {recorded[:12]}, and this is {manifest.commit[:12]}"
    return [Refusal("commit", problem, "Give the new commit a version of its own.")]

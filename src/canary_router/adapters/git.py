"""What git says of a clone and of its remote.

Reads only: where the clone lacks a branch's newest commits, they are fetched as objects, and no reference is changed.

Nothing that a clone's own files say can change the answers: not replacement objects or grafts, which would forge an
ancestry, nor hooks, nor the variables by which git is pointed at another repository.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from canary_router.core.tags import Branch, Stage, TagFacts, TagVersion, shown
from canary_router.errors import ConfigurationError, InvalidInput, Unavailable

_SECONDS = 120
_ANSWER_AT_MOST = 2000
_PORTION = 64 * 1024 * 1024
"""Bytes of files that are asked for at once."""
_SHA1_DIGITS = 40
_ELSEWHERE = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""Variables that point git at another repository than the one it runs in, as it sets them for its hooks."""
_TRUSTING_NOTHING = {
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_SETTINGS = ("core.fsmonitor=false", f"core.hooksPath={os.devnull}", "core.commitGraph=false", "core.quotePath=false")


@dataclass(frozen=True)
class TreeFile:
    """One entry of a commit's tree, as git lists it. ``size`` is in bytes."""

    path: str
    mode: str
    object_id: str
    size: int


class GitRepository:
    """A clone with a working tree.

    Args:
        folder: The working tree, or a folder in it.
        remote: Name or address of the remote that has the last word about tags and branches.

    Raises:
        ConfigurationError: git is not installed.
        InvalidInput: There is no working tree of git's, or the remote's name cannot be one.
    """

    def __init__(self, folder: Path, remote: str = "origin") -> None:
        if not remote or remote.startswith("-"):
            raise InvalidInput(f"{shown(remote)} cannot be a remote", advice="Give its name or address, as origin.")
        self._remote = remote
        self._folder = folder
        top = self._ask("rev-parse", "--show-toplevel")
        self._folder = Path(top.rstrip("\n"))

    def facts(self, version: TagVersion, branches: Mapping[Stage, str]) -> TagFacts:
        """Finds out what is true of a tag, here and at the remote.

        Args:
            version: The version that the tag is.
            branches: Name of the branch that stands for each stage.

        Raises:
            Unavailable: The remote does not answer, or git cannot read the clone.
        """
        reference = f"refs/tags/{version}"
        shallow = self._ask("rev-parse", "--is-shallow-repository").strip() == "true"
        commit = self._commit_of(reference)
        tips = self._remote_references(reference, *(f"refs/heads/{name}" for name in branches.values()))
        return TagFacts(
            kind=self._kind_of(reference),
            commit=commit,
            remote_commit=tips.get(f"{reference}^{{}}", tips.get(reference, "")),
            head=self._commit_of("HEAD"),
            dirty=self._dirty(),
            shallow=shallow,
            branches={
                stage: self._branch(name, tips.get(f"refs/heads/{name}", ""), "" if shallow else commit)
                for stage, name in branches.items()
            },
        )

    def files(self, commit: str) -> tuple[TreeFile, ...]:
        """Lists all files of a commit, in the order that git keeps them in.

        Raises:
            InvalidInput: A path is not text in UTF-8.
            Unavailable: git cannot read the commit, or has lost a file of it.
        """
        listed = self._run(["ls-tree", "-r", "-z", "-l", "--full-tree", commit])
        return tuple(_tree_file(line) for line in listed.split(b"\0") if line)

    def contents(self, files: tuple[TreeFile, ...]) -> Iterator[tuple[TreeFile, bytes]]:
        """Reads files of a commit, one after the other, byte for byte as they were committed.

        Raises:
            Unavailable: git cannot read one, or has other bytes than its id says.
        """
        for some in _portions(files):
            # All questions at once: git gives fewer bytes than it says of a file that is cut off, and waiting for
            # the others would never end.
            asked = "".join(f"{file.object_id}\n" for file in some).encode()
            answer = memoryview(self._run(["cat-file", "--batch"], asked))
            at = 0
            for file in some:
                at += len(f"{file.object_id} blob {file.size}\n")
                content = bytes(answer[at : at + file.size])
                at += file.size + 1
                if _blob_id(content, len(file.object_id)) != file.object_id:
                    advice = "Its object is damaged here: clone the repository anew."
                    raise Unavailable(f"git cannot read {shown(file.path)} as it was committed", advice=advice)
                yield file, content

    def _branch(self, name: str, tip: str, commit: str) -> Branch:
        if not tip or not commit:
            return Branch(name, tip)
        if not self._has(tip):
            # Somebody has pushed since the clone was made. Objects only: no reference of the clone's is changed.
            self._run(
                [
                    *("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--refmap="),
                    *("--", self._remote, f"refs/heads/{name}"),
                ]
            )
            if not self._has(tip):
                raise Unavailable(f"The branch {shown(name)} was rewritten while it was read", advice="Run it again.")
        return Branch(name, tip, contains=self._says_yes("merge-base", "--is-ancestor", commit, tip))

    def _remote_references(self, *names: str) -> dict[str, str]:
        # What ends like a name matches it as well, so only exact names count.
        lines = self._ask("ls-remote", "--quiet", "--", self._remote, *names, f"{names[0]}^{{}}").splitlines()
        found = {name: object_id for object_id, _, name in (line.partition("\t") for line in lines)}
        return {name: found[name] for name in (*names, f"{names[0]}^{{}}") if name in found}

    def _dirty(self) -> tuple[str, ...]:
        listed = self._run(
            ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=none"]
        )
        return tuple(entry[3:].decode(errors="backslashreplace") for entry in listed.split(b"\0") if entry)

    def _kind_of(self, reference: str) -> str:
        if not self._says_yes("show-ref", "--verify", "--quiet", reference):
            return ""
        return self._ask("cat-file", "-t", reference).strip()

    def _commit_of(self, reference: str) -> str:
        done = self._finished(["rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}"])
        return done.stdout.decode().strip() if done.returncode == 0 else ""

    def _has(self, commit: str) -> bool:
        return self._finished(["cat-file", "-e", f"{commit}^{{commit}}"]).returncode == 0

    def _says_yes(self, *arguments: str) -> bool:
        done = self._finished(list(arguments))
        if done.returncode not in (0, 1):
            raise _failure(arguments[0], done)
        return done.returncode == 0

    def _ask(self, *arguments: str) -> str:
        return self._run(list(arguments)).decode(errors="backslashreplace")

    def _run(self, arguments: list[str], given: bytes = b"") -> bytes:
        done = self._finished(arguments, given)
        if done.returncode != 0:
            raise _failure(arguments[0], done)
        return done.stdout

    def _finished(self, arguments: list[str], given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        try:
            return subprocess.run(
                self._command(arguments),
                env=_environment(),
                cwd=self._folder,
                input=given,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                f"git {arguments[0]} did not end within {_SECONDS} s", advice="Is the remote up, and the network?"
            ) from error
        except FileNotFoundError as error:
            if not self._folder.is_dir():
                raise InvalidInput(f"There is no folder {self._folder}", advice="Give --repository.") from error
            raise ConfigurationError("git is not installed", advice="Install git 2.29 or newer.") from error
        except NotADirectoryError as error:
            raise InvalidInput(f"{self._folder} is not a folder", advice="Give --repository.") from error

    def _command(self, arguments: list[str]) -> list[str]:
        return ["git", *(part for setting in _SETTINGS for part in ("-c", setting)), *arguments]


def _portions(files: tuple[TreeFile, ...]) -> Iterator[list[TreeFile]]:
    """The files in portions of bounded size, a larger file alone."""
    portion: list[TreeFile] = []
    size = 0
    for file in files:
        if portion and size + file.size > _PORTION:
            yield portion
            portion, size = [], 0
        portion.append(file)
        size += file.size
    if portion:
        yield portion


def _blob_id(content: bytes, digits: int) -> str:
    """The id that git gives a file's content; repositories differ in the length of their ids."""
    digest = hashlib.sha1(usedforsecurity=False) if digits == _SHA1_DIGITS else hashlib.sha256()
    digest.update(b"blob %d\0" % len(content))
    digest.update(content)
    return digest.hexdigest()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _ELSEWHERE} | _TRUSTING_NOTHING


def _tree_file(line: bytes) -> TreeFile:
    description, _, path = line.partition(b"\t")
    mode, _, object_id, size = description.decode("ascii").split()
    try:
        text = path.decode()
    except UnicodeDecodeError as error:
        advice = "Rename it: an artifact takes names in UTF-8 only."
        raise InvalidInput(f"The name of the file {path!r} is not text in UTF-8", advice=advice) from error
    if size == "BAD":
        raise Unavailable(f"git cannot read {shown(text)}", advice="Clone the repository anew.")
    return TreeFile(text, mode, object_id, 0 if size == "-" else int(size))


def _failure(verb: str, done: "subprocess.CompletedProcess[bytes]") -> InvalidInput | Unavailable:
    lines = done.stderr.decode(errors="backslashreplace").strip()[:_ANSWER_AT_MOST].splitlines()
    # The last of git's lines is often advice; the first that says "fatal" is what happened.
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[-1] if lines else "no reason")
    if verb == "rev-parse":
        advice = "Give the working tree of a git clone: --repository."
        if "dubious ownership" in said:
            advice = "It is another user's; if you trust it: git config --global --add safe.directory FOLDER."
        return InvalidInput(f"git does not take this for a clone: {said}", advice=advice)
    return Unavailable(f"git {verb} failed: {said}", advice="Is the remote the right one, up, and readable from here?")

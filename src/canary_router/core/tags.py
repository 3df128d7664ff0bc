"""Which tags are releases, in which order they come, and whether a tag may be built.

- Two forms, and no others: ``v1.2.0`` is for production, ``v1.2.0-rc.1`` for staging. A number has no leading zero.
- A form says where a tag wants to go. That it may is never believed from a name: its commit must be an ancestor of the
  branch that stands for the stage, as the remote has that branch now.
- A decision is data: a stage with the commit, or refusals. All that is wrong is said at once, each with its remedy.

What git was asked is in ``TagFacts``; who asks it is ``adapters/git.py``.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import total_ordering
from typing import TypeAlias

from canary_router.errors import InvalidInput

_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_TAG = re.compile(rf"v({_NUMBER})\.({_NUMBER})\.({_NUMBER})(?:-rc\.({_NUMBER}))?")
_SHOWN = 80
_PATHS_SHOWN = 5


class Stage(StrEnum):
    """Where a version goes."""

    STAGING = "staging"
    PRODUCTION = "production"


@total_ordering
@dataclass(frozen=True)
class TagVersion:
    """A tag that is a semantic version. ``candidate`` is the N of ``-rc.N``; None for a final version."""

    major: int
    minor: int
    patch: int
    candidate: int | None = None

    @property
    def stage(self) -> Stage:
        """Where it wants to go."""
        return Stage.PRODUCTION if self.candidate is None else Stage.STAGING

    def __str__(self) -> str:
        """The tag."""
        final = f"v{self.major}.{self.minor}.{self.patch}"
        return final if self.candidate is None else f"{final}-rc.{self.candidate}"

    def __lt__(self, other: "TagVersion") -> bool:
        """Precedence, https://semver.org item 11: a candidate comes before its final version, 10 after 9."""
        return self._order() < other._order()

    def _order(self) -> tuple[int, int, int, bool, int]:
        return self.major, self.minor, self.patch, self.candidate is None, self.candidate or 0


def tag_version(tag: str) -> TagVersion | None:
    """The version that a tag is; None when it has neither of the two forms."""
    match = _TAG.fullmatch(tag)
    if match is None:
        return None
    major, minor, patch, candidate = match.groups()
    return TagVersion(int(major), int(minor), int(patch), None if candidate is None else int(candidate))


def version_from(tag: str) -> TagVersion:
    """The version that a tag is.

    Raises:
        InvalidInput: It has neither of the two forms.
    """
    version = tag_version(tag)
    if version is None:
        refusal = malformed(tag)
        raise InvalidInput(refusal.problem, advice=refusal.remedy)
    return version


def highest(tags: Iterable[str]) -> TagVersion | None:
    """The highest version among tags; what is no version, such as a function's name, is none."""
    return max((version for tag in tags if (version := tag_version(tag)) is not None), default=None)


@dataclass(frozen=True)
class Branch:
    """The branch that stands for a stage, as the remote has it now.

    Attributes:
        name: Its name.
        commit: The commit at its tip; empty when the remote has no such branch.
        contains: Whether the tag's commit is its tip or an ancestor of it.
    """

    name: str
    commit: str = ""
    contains: bool = False


@dataclass(frozen=True)
class TagFacts:
    """What is true of a tag in a clone, and at the remote that the clone is of.

    Attributes:
        kind: What the clone's tag names: ``commit``, or ``tag`` for an annotated one; empty when there is no such tag.
        commit: The commit behind the clone's tag; empty when it leads to none.
        remote_commit: The same at the remote; empty when the remote has no such tag.
        head: The commit that is checked out.
        dirty: Paths that are changed, or there and not tracked.
        shallow: Whether the clone's history is cut off.
        branches: The branch of each stage.
    """

    kind: str
    commit: str
    remote_commit: str
    head: str
    dirty: tuple[str, ...]
    shallow: bool
    branches: Mapping[Stage, Branch]

    @property
    def is_annotated(self) -> bool:
        """Whether the tag is an object of its own, with an author and a message."""
        return self.kind == "tag"


@dataclass(frozen=True)
class Refusal:
    """One thing that is wrong. ``rule`` is a word for scripts; the other two are for people."""

    rule: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class Accepted:
    """The tag may be built from this commit, for this stage."""

    version: TagVersion
    commit: str
    branch: str

    @property
    def stage(self) -> Stage:
        """Where it goes."""
        return self.version.stage


@dataclass(frozen=True)
class Refused:
    """The tag may not be built, for all of these reasons."""

    refusals: tuple[Refusal, ...]


Decision: TypeAlias = Accepted | Refused


@dataclass(frozen=True)
class Asked:
    """What is known besides the repository.

    Attributes:
        commit: The commit that the build was started for; empty when nobody has said.
        deployed: Tags of the versions that were deployed before.
        stage: The one stage that is built for here; empty when any is.
    """

    commit: str = ""
    deployed: Sequence[str] = ()
    stage: str = ""


def malformed(tag: str) -> Refusal:
    """The refusal of a tag that has neither form."""
    return Refusal(
        "form",
        f"{shown(tag)} is no tag for a release",
        "Tag vMAJOR.MINOR.PATCH for production or vMAJOR.MINOR.PATCH-rc.N for staging, such as v1.2.0 or v1.3.0-rc.1.",
    )


def classify(tag: str, facts: TagFacts, asked: Asked) -> Decision:
    """Decides where a tag goes, or why it goes nowhere."""
    version = tag_version(tag)
    if version is None:
        return Refused((malformed(tag),))
    found = [*_stage(version, asked.stage), *_clone(facts), *_identity(tag, facts, asked.commit)]
    branch = facts.branches[version.stage]
    # Without the tag there is no commit, and of half a history nothing is known.
    if facts.commit and not facts.shallow:
        found += _ancestry(tag, version.stage, facts, branch)
    found += not_above(version, asked.deployed)
    return Refused(tuple(found)) if found else Accepted(version, facts.commit, branch.name)


def _stage(version: TagVersion, stage: str) -> list[Refusal]:
    if stage in ("", version.stage):
        return []
    remedy = f"Build it where tags for {version.stage} are built: each stage has a role and a key of its own."
    return [Refusal("stage", f"{version} is for {version.stage}, and this is a build for {stage}", remedy)]


def _clone(facts: TagFacts) -> list[Refusal]:
    found = []
    if facts.shallow:
        found.append(
            Refusal(
                "shallow",
                "The clone is shallow: its history is cut off, so nothing can be said about branches",
                "Clone all of it: git fetch --unshallow --tags; in CodeBuild set the source's git clone depth to full.",
            )
        )
    if facts.dirty:
        more = len(facts.dirty) - _PATHS_SHOWN
        paths = ", ".join(shown(path) for path in facts.dirty[:_PATHS_SHOWN]) + (
            f" and {more} more" if more > 0 else ""
        )
        found.append(
            Refusal(
                "dirty",
                f"The working tree is not what was committed: {paths}",
                "Build in a clean checkout; what a build makes belongs into .gitignore or outside of the checkout.",
            )
        )
    return found


def _identity(tag: str, facts: TagFacts, expected: str) -> list[Refusal]:
    if not facts.kind:
        where = "the remote has it" if facts.remote_commit else "nor has the remote"
        remedy = "Fetch it: git fetch --tags." if facts.remote_commit else f"Push it first: git push origin {tag}."
        return [Refusal("missing", f"There is no tag {tag} in this clone; {where}", remedy)]
    if not facts.commit:
        return [Refusal("no-commit", f"The tag {tag} does not lead to a commit", "Tag the commit to be released.")]
    found = []
    here = f"{facts.commit[:12]} here"
    if not facts.remote_commit:
        remedy = "Push it, or find out who has deleted it: what the remote does not know of is not built."
        found.append(Refusal("unpublished", f"The remote has no tag {tag}", remedy))
    elif facts.remote_commit != facts.commit:
        found.append(_moved(tag, f"{here}, and {facts.remote_commit[:12]} at the remote"))
    if expected and expected != facts.commit:
        found.append(_moved(tag, f"{here}, and the build was started for {expected[:12]}"))
    if facts.head != facts.commit:
        problem = f"The tag {tag} is {here}, and {facts.head[:12] or 'nothing'} is checked out"
        found.append(Refusal("checkout", problem, f"Check the tag out: git checkout --detach {tag}."))
    return found


def _moved(tag: str, where: str) -> Refusal:
    remedy = "Never move a tag: put it back where it was, and give the new commit a version of its own."
    return Refusal("moved", f"The tag {tag} was moved: it is {where}", remedy)


def _ancestry(tag: str, stage: Stage, facts: TagFacts, branch: Branch) -> list[Refusal]:
    if not branch.commit:
        remedy = f"Name the branch that goes to {stage}: --{stage}-branch."
        return [Refusal("no-branch", f"The remote has no branch {shown(branch.name)}", remedy)]
    if branch.contains:
        return []
    elsewhere = [other.name for other in facts.branches.values() if other.contains]
    also = f", but of {shown(elsewhere[0])}" if elsewhere else ""
    problem = f"{facts.commit[:12]}, which is {tag}, is no commit of the branch {shown(branch.name)}{also}"
    remedy = f"Only that branch goes to {stage}: merge first, and tag a commit of it."
    return [Refusal("branch", problem, remedy)]


def not_above(version: TagVersion, deployed: Iterable[str]) -> list[Refusal]:
    """The refusal of a version that is not above the highest of those deployed; none if it is, or none were."""
    top = highest(deployed)
    if top is None or version > top:
        return []
    how = "was deployed before" if version == top else f"is below {top}, which was deployed before"
    return [Refusal("not-above", f"{version} {how}", f"Give the commit a version above {top}.")]


def shown(text: str) -> str:
    """A text from outside as it may stand in a message: quoted, on one line, and not endless."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")

"""What a stage's pipeline is told that waits for the verdict on the version that it has deployed.

- The record of releases decides, and of it the newest release of that version's tag. Only what is closed is an answer.
- What is not known is never an answer: with a write of ``latest`` that no release was made of yet, the pipeline waits
  on.
- A write of ``latest`` that was replaced or blanked before any release was opened for it has no verdict to come: the
  version is turned away, so that no execution queued behind it waits for days.
- A release from before this execution is believed, since a deployment that changes nothing releases nothing; but not at
  once: a newer write may not show yet.
- A version that was promoted and then rolled back is turned away: the pipeline must not end well with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from canary_router.core.model import Basis, Release, ReleaseState, Version
from canary_router.core.pointers import Invalid, Pointers
from canary_router.core.tags import shown

_LAG = 60_000
"""Milliseconds after which a read of SSM is no longer believed to be older than a write (``lifecycle.py``)."""
_PUT_BACK = 3 * _LAG
"""Milliseconds within which the controller, which looks each minute, has put back what a blank of its own covered."""
_BECAME_CURRENT = (ReleaseState.PROMOTING, ReleaseState.PROMOTED)


@dataclass(frozen=True)
class Approve:
    """The version has become current."""

    reason: str


@dataclass(frozen=True)
class Reject:
    """The version was turned away."""

    reason: str


@dataclass(frozen=True)
class Wait:
    """There is nothing to tell yet.

    Attributes:
        reason: What is being waited for.
        soon: Whether it is a matter of seconds: the decision is made, and is being carried out.
    """

    reason: str
    soon: bool = False


Answer: TypeAlias = Approve | Reject


@dataclass(frozen=True)
class Question:
    """What became of a tag, asked by one execution.

    Attributes:
        tag: The version's.
        started: When the execution started, epoch milliseconds.
        since: When it began to wait, epoch milliseconds.
    """

    tag: str
    started: int
    since: int


def answer_to(question: Question, pointers: Pointers, releases: Sequence[Release], now: int) -> Answer | Wait:
    """Answers a question, or has it wait.

    Args:
        question: Of one execution.
        pointers: Read before the releases: what was opened from them in between is then among those.
        releases: All of the service.
        now: Epoch milliseconds.
    """
    newest_first = sorted(releases, key=lambda it: (it.opened_at, it.write), reverse=True)
    mine = next((it for it in newest_first if it.target.tag == question.tag), None)
    if _is_unopened(question.tag, pointers, mine):
        return Wait(f"latest holds {question.tag}, and no release was opened for it yet")
    if mine is None:
        return _without_release(question, pointers, now)
    if mine.state in (ReleaseState.ABORTED, ReleaseState.SUPERSEDED, ReleaseState.PROMOTED):
        if mine.opened_at <= question.started and now - question.since < _LAG:
            return Wait(f"{mine.release_id} of {question.tag} is from before; a newer one may not show yet")
        return _closed(mine, newest_first)
    return Wait(
        f"{mine.release_id} of {question.tag} is {mine.state.value}: {mine.counts}",
        soon=not mine.state.can_be_decided,
    )


def _without_release(question: Question, pointers: Pointers, now: int) -> Answer | Wait:
    """The tag was never released, and ``latest``, which was read before the releases, does not hold it."""
    written = pointers.write.modified if pointers.write else 0
    if now - question.since < _LAG or now - written < _PUT_BACK:
        return Wait(f"{question.tag} has no release yet")
    holder = pointers.latest
    if isinstance(holder, Version):
        became = f"replaced by {holder.tag}"
    elif isinstance(holder, Invalid):
        became = f"replaced by {shown(holder.value)}, which is no version"
    else:
        became = "blanked"
    return Reject(f"{question.tag} has no release, and latest does not hold it: it was {became} before one was opened")


def _is_unopened(tag: str, pointers: Pointers, mine: Release | None) -> bool:
    if not isinstance(pointers.latest, Version) or pointers.latest.tag != tag or pointers.write is None:
        return False
    return mine is None or mine.write < pointers.write


def _closed(mine: Release, newest_first: Sequence[Release]) -> Answer:
    said = f"{mine.target.tag} ({mine.release_id}): {mine.reason or mine.counts}"
    if mine.state is not ReleaseState.PROMOTED:
        return Reject(f"{mine.state.value} {said}")
    newer = newest_first[: newest_first.index(mine)]
    after = next((it for it in reversed(newer) if it.state in _BECAME_CURRENT), None)
    if after is not None and after.basis is Basis.ROLLBACK:
        return Reject(f"PROMOTED, and then rolled back to {after.target.tag}: {said}")
    return Approve(f"PROMOTED {said}")

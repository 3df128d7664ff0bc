"""The gate as a picture: a place for each job of the budget on the way to a barrier, and the time that is left.

Only numbers and names of shapes are made here; the template draws them.
"""

from dataclasses import dataclass

from canary_router.core.announcement import release_summary
from canary_router.core.durations import duration
from canary_router.core.model import Basis, Release, ReleaseState
from canary_router.core.outlook import jobs_it_takes
from canary_router.core.policy_words import tolerated

_FIRST, _LAST, _Y = 34.0, 232.0, 44.0
_APART = 42.0
"""From one place to the next, at least, when they are drawn in full size."""
_BARRIERS = {
    ReleaseState.OPEN: "closed",
    ReleaseState.PAUSED: "paused",
    ReleaseState.PROMOTING: "open",
    ReleaseState.PROMOTED: "open",
    ReleaseState.ABORTING: "shut",
    ReleaseState.ABORTED: "shut",
    ReleaseState.SUPERSEDED: "shut",
}
_SAID = {
    "closed": "the gate is closed",
    "paused": "the gate is closed, and the release is paused",
    "open": "the gate is open",
    "shut": "the gate stays shut",
}


@dataclass(frozen=True)
class Place:
    """A place of the budget: ``succeeded``, ``failed``, ``running`` or ``free``, where it is drawn, and how large."""

    kind: str
    x: float
    scale: float
    y: float = _Y


@dataclass(frozen=True)
class Gate:
    """What there is to draw.

    Attributes:
        barrier: ``closed``, ``paused``, ``open`` or ``shut``.
        elapsed: Share of the time to the deadline that is over, 0 to 1; it stops with the decision.
        text: All of it in a sentence, for whoever does not see it.
        budget: How many jobs it may be sent in all.
        needed: How many have to succeed; None when nothing could promote it any more, or nobody knows yet.
        allowed: How many jobs may fail; None when nobody knows yet.
        left: What is to be said of the deadline.
    """

    places: tuple[Place, ...]
    barrier: str
    elapsed: float
    text: str
    budget: int
    needed: int | None
    allowed: int | None
    left: str


def gate(release: Release, now: int) -> Gate | None:
    """The picture of a release; None for one that had no canary to pass. ``now`` in epoch milliseconds."""
    if release.basis is not Basis.CANARY:
        return None
    free = max(0, jobs_it_takes(release) - release.admitted)
    kinds = [
        *["succeeded"] * release.succeeded,
        *["failed"] * release.failures,
        *["running"] * max(0, release.running),
        *["free"] * free,
    ]
    step = (_LAST - _FIRST) / max(3, len(kinds) - 1)
    barrier = _BARRIERS[release.state]
    until = now if release.state.can_be_decided else release.decided_at or release.closed_at or now
    elapsed = (until - release.opened_at) / (release.deadline_at - release.opened_at)
    left = _left(release, now)
    asked = release_summary(release)
    budget, needed, allowed = asked["requests"], asked["required"], asked["max_failures"]
    if release.policy.gate is None:
        allowed = tolerated(release.policy)
    text = (
        f"Of {budget} jobs {release.succeeded} succeeded, {release.failures} failed, "
        f"{release.running} running, {free} still to be sent; {_demand(needed)}; "
        f"{_SAID[barrier]}; {left}."
    )
    # The places stand in front of the barrier, however few they are.
    offset = _LAST - step * (len(kinds) - 1)
    scale = round(min(1.0, step / _APART), 3)
    places = tuple(Place(kind, round(offset + step * index, 1), scale) for index, kind in enumerate(kinds))
    return Gate(places, barrier, round(min(1.0, max(0.0, elapsed)), 4), text, budget, needed, allowed, left)


def _demand(needed: int | None) -> str:
    return "a person decides, or its gate is not planned yet" if needed is None else f"{needed} successes are needed"


def _left(release: Release, now: int) -> str:
    if not release.state.can_be_decided:
        if release.decided_at is None:
            return f"its deadline was {duration(release.policy.deadline * 1000)} after its opening"
        return f"decided after {duration(release.decided_at - release.opened_at)}"
    if now >= release.deadline_at:
        return f"overdue for {duration(now - release.deadline_at)}"
    return f"{duration(release.deadline_at - now)} to the deadline"

"""Whether a write of ``latest`` that never became a release could have become one: was there anybody to open it?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from canary_router.core.model import ReleaseState
from canary_router.core.policy import parse_policy
from canary_router.errors import InvalidPolicy
from canary_router.settings import BLANK, RELEASE_TTL
from canary_router.sim.evidence import PUT_BACK, Evidence, is_by_person, is_release, names, original_of
from canary_router.sim.journal import PointerWrite
from canary_router.sim.world import is_valid, tag_of

_SEEN = 3_000.0
"""After this time every read shows a write of a parameter, in milliseconds."""
_ACCEPTED = 202
_BEING_WRITTEN = (ReleaseState.PROMOTING, ReleaseState.ABORTING)


@dataclass(frozen=True)
class _Look:
    """Somebody looked at the pointers and met no fault: a pass of reconciliation, or a router for a request."""

    who: str
    began: float
    ended: float


def check_opened(evidence: Evidence, write: PointerWrite, later: Sequence[PointerWrite]) -> Iterator[str]:
    """A write that is no release was one that nobody could open before its place was taken.

    Its place is taken by a newer release, by a person's write, or by the blank that withdraws it. A blank that was
    made for another release only hides it, and whoever looks has to put it back. Nobody could open it if no clean
    look at the pointers lay entirely between, while the policy and ``current`` were valid and steady, no release was
    being promoted or aborted, and none was opened or closed by somebody else during the look.
    """
    name = f"{write.who}'s write {write.version} of {tag_of(str(write.value))}"
    taken = next((other for other in later if _takes_place(evidence, other, write)), None)
    if taken is None:
        yield f"{name} was never opened"
        return
    hidden = next(other.at for other in later)
    since = write.at + _SEEN
    passes = (_Look(one.who, one.began, one.ended) for one in evidence.journal.passes if one.clean)
    routers = (look for look in _routers(evidence, since) if look.ended < hidden)
    looks = [*(look for look in passes if look.ended < taken.at), *routers]
    for look in looks:
        # A pass that began before the write was hidden may have seen either.
        across = look.began < hidden + _SEEN and look.ended > hidden
        if look.began > since and not across and _is_free(evidence, look, write):
            yield f"{name} was never opened, and {look.who} at {look.began} could have"
            return


def _takes_place(evidence: Evidence, other: PointerWrite, write: PointerWrite) -> bool:
    if other.note.startswith(PUT_BACK):
        # What is put back takes the place of what came before it, not of a newer write that it hides.
        return original_of(evidence, other).at >= original_of(evidence, write).at
    return is_release(other) or is_by_person(other) or names(evidence, other, write)


def _routers(evidence: Evidence, since: float) -> Iterator[_Look]:
    """Requests without a key that were answered without a fault, by routers that remembered nothing older.

    A router that was refused, or met trouble with the table, asks nobody for a second; the look begins before that.
    """
    remembered = evidence.plan.pointer_ttl * 1000
    attempts = evidence.journal.attempts
    silent = [attempt for attempt in attempts if attempt.faults_at("pointers") - {"stale"}]
    troubled = [attempt for attempt in attempts if attempt.faults_at("ledger")]
    for attempt in attempts:
        if attempt.key is not None or attempt.faults or attempt.status != _ACCEPTED:
            continue
        # While SSM is silent, what is remembered goes on being used.
        asked = attempt.sent - remembered
        if asked < since or any(other.answered > asked - _SEEN and other.sent < attempt.sent for other in silent):
            continue
        began = attempt.sent - RELEASE_TTL * 1000
        if not any(other.answered > began and other.sent < attempt.sent for other in troubled):
            yield _Look(attempt.task, began, attempt.answered)


def _is_free(evidence: Evidence, look: _Look, write: PointerWrite) -> bool:
    """Whether nothing kept this look from opening the write."""
    current = set(evidence.held("current", look.began - _memory(evidence), look.ended))
    if len(current) > 1 or not all(value is None or value == BLANK or is_valid(value) for value in current):
        return False
    if look.who.startswith("request") and current <= {None, BLANK, write.value}:
        return False  # only the controller opens what needs no canary
    if not all(_is_policy(value) for value in evidence.held("policy", look.began - _memory(evidence), look.ended)):
        return False
    changes = evidence.journal.transitions
    decided = (one for one in changes if one.after in _BEING_WRITTEN and one.at < look.began)
    if any(_ends(evidence, one.release_id) > look.began for one in decided):
        return False
    return not any(look.began <= one.at <= look.ended for one in changes)


def _memory(evidence: Evidence) -> float:
    return _SEEN + evidence.plan.pointer_ttl * 1000


def _ends(evidence: Evidence, release_id: str) -> float:
    closed = (ReleaseState.PROMOTED, ReleaseState.ABORTED)
    changes = (one for one in evidence.journal.transitions if one.release_id == release_id)
    return next((one.at for one in changes if one.after in closed), float("inf"))


def _is_policy(value: str | None) -> bool:
    try:
        parse_policy(value)
    except InvalidPolicy:
        return False
    return True

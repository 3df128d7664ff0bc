"""Changes of releases: opened, superseded, decided, closed."""

from dataclasses import replace
from typing import TYPE_CHECKING

from canary_router.core.changes.clauses import (
    EXPECTED_STATE,
    KNOWN,
    NEW,
    NEWER,
    SAME_CURRENT,
    SAME_OPEN,
    UNDECIDED_OLDER,
    UNPLANNED,
    Commit,
    as_judged,
    as_read,
)
from canary_router.core.conditions import Clause, Op, Value, Write
from canary_router.core.model import UNDECIDED, Basis, Release, ReleaseState, Version, WriteMark
from canary_router.core.records import release_item, release_key, state_fields, state_key, version_fields

if TYPE_CHECKING:
    from canary_router.core.gate import Plan


def open_release(release: Release, older: str | None, seen: WriteMark | None = None) -> Commit:
    """Opens a release, and supersedes the one that is open (``older``), in one transaction.

    Refused when: this write of ``latest`` or a newer one was opened already; another release was opened or closed
    since ``older`` was read; the older one is decided and its pointers are being written; a write of ``current`` after
    the one that was ``seen`` is on record, so that what the release was compared with is not current any more.
    """
    same = as_read(SAME_OPEN, "open_release", older)
    newer = Clause(NEWER, "newest", Op.BELOW_OR_ABSENT, release.write.sortable)
    compared: tuple[Clause, ...] = ()
    if seen is not None:
        # By its time too: a parameter that was deleted and made anew counts from 1 again.
        compared = (
            Clause(SAME_CURRENT, "current_write", Op.BELOW_OR_ABSENT, seen.version + 1),
            Clause(SAME_CURRENT, "current_write_at", Op.BELOW_OR_ABSENT, seen.modified + 1),
        )
    state = Write(
        state_key(release.service),
        (same, newer, *compared),
        assign={"open_release": release.release_id, "newest": release.write.sortable},
    )
    created = Write(
        release_key(release.service, release.release_id),
        (Clause(NEW, "release_id", Op.ABSENT),),
        put=release_item(replace(release, supersedes=older)),
    )
    if older is None:
        return (state, created)
    superseded = Write(
        release_key(release.service, older),
        (Clause(UNDECIDED_OLDER, "state", Op.ONE_OF, UNDECIDED),),
        assign={
            **state_fields(ReleaseState.SUPERSEDED, release.policy),
            "closed_at": release.opened_at,
            "reason": f"superseded by {release.release_id} ({release.target.tag})",
        },
    )
    return (state, created, superseded)


def decide(release: Release, state: ReleaseState, reason: str, now: int) -> Commit:
    """Records a verdict. Only an undecided release can be decided, and only as it was judged."""
    return (
        Write(
            release_key(release.service, release.release_id),
            as_judged(release),
            assign={**state_fields(state, release.policy), "decided_at": now, "reason": reason},
        ),
    )


def plan_gate(release: Release, plan: "Plan", places: int) -> Commit:
    """Records what a release's sequential gate comes to, with its first places. It is planned once, and stays so.

    Nothing was admitted before: an item without a plan has no places.
    """
    return (
        Write(
            release_key(release.service, release.release_id),
            (
                Clause(EXPECTED_STATE, "state", Op.EQUALS, release.state.value),
                Clause(UNPLANNED, "plan", Op.ABSENT),
            ),
            assign={"plan": plan.to_json(), "requests": places},
        ),
    )


def grant(judged: Release, after: Release) -> Commit:
    """Gives a held release the places that its outcomes bring. Only as it was judged: its counts say how many."""
    return (
        Write(release_key(judged.service, judged.release_id), as_judged(judged), assign={"requests": after.places}),
    )


def close_promoted(release: Release, previous: Version | None, current_write: WriteMark | None, now: int) -> Commit:
    """Records that both pointers are written: the target is current and the service has no open release.

    None for ``current_write``: the target was current already, and something else has become so by hand since; what
    is on record of that stands. The release whose place a rollback took is closed with it.
    """
    written: dict[str, Value] = {"lease_until": 0}
    if current_write is not None:
        written |= {
            **version_fields("current", release.target),
            **version_fields("previous", previous),
            "current_write": current_write.version,
            "current_write_at": current_write.modified,
        }
    commit = (
        _closed(release.service, release.release_id, ReleaseState.PROMOTING, ReleaseState.PROMOTED, now),
        Write(
            state_key(release.service),
            (Clause(SAME_OPEN, "open_release", Op.EQUALS, release.release_id),),
            assign=written,
            remove=("open_release",),
        ),
    )
    if release.basis is not Basis.ROLLBACK or release.supersedes is None:
        return commit
    return (*commit, _closed(release.service, release.supersedes, ReleaseState.ABORTING, ReleaseState.ABORTED, now))


def close_aborted(release: Release, now: int) -> Commit:
    """Records that ``latest`` no longer holds the release's write, and that the service has no open release."""
    return (
        _closed(release.service, release.release_id, ReleaseState.ABORTING, ReleaseState.ABORTED, now),
        Write(
            state_key(release.service),
            (Clause(SAME_OPEN, "open_release", Op.EQUALS, release.release_id),),
            assign={"lease_until": 0},
            remove=("open_release",),
        ),
    )


def _closed(service: str, release_id: str, before: ReleaseState, after: ReleaseState, now: int) -> Write:
    return Write(
        release_key(service, release_id),
        (Clause(EXPECTED_STATE, "state", Op.EQUALS, before.value),),
        assign={"state": after.value, "closed_at": now},
    )


def tell(release: Release) -> Commit:
    """Records that somebody was told of the state that the release is in."""
    return (
        Write(
            release_key(release.service, release.release_id),
            (Clause(KNOWN, "release_id", Op.PRESENT),),
            assign={"told": release.state.value},
        ),
    )

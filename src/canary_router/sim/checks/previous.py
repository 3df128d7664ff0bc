"""Where a rollback leads that names no version, and what the record says was current before.

The parameter's history tells. It is more than the record can know in one corner: what was written by hand and replaced
before any pass of reconciliation could look at it may be missing on record, or not. Nothing else is left out.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from canary_router.core.model import Basis
from canary_router.sim.checks.orders import orders_on_record
from canary_router.sim.evidence import PROMOTED, Evidence, is_by_person
from canary_router.sim.journal import PointerWrite
from canary_router.sim.world import is_valid, tag_of

_SEEN = 3_000.0
_SLIPPED_IN = 65_000.0
"""What was written so shortly before a rollback the person who has ordered it need not have seen, milliseconds."""
_Known: TypeAlias = tuple[str, str]
"""Tags of what is current and of what was current before; empty for none."""


def check_rollbacks(evidence: Evidence) -> Iterator[str]:
    """A rollback that names no version goes to the one that was current just before the present one."""
    writes = evidence.writes("current")
    given = {one.release_id: one.order.order_id for one in orders_on_record(evidence)}
    named = {one.order_id for one in evidence.journal.orders if one.to is not None}
    for change in evidence.journal.transitions:
        release = evidence.releases[change.release_id]
        if change.before or release.basis is not Basis.ROLLBACK or given.get(change.release_id) in named:
            continue
        sizes = range(sum(write.at <= change.at - _SLIPPED_IN for write in writes), len(writes) + 1)
        known = [writes[:size] for size in sizes if all(write.at <= change.at for write in writes[:size])]
        before = {previous for some in known for _, previous in _possible(evidence, some, change.at)}
        if release.target.tag not in before:
            expected = " or ".join(sorted(before)) or "nothing"
            yield f"{change.release_id} leads back to {release.target.tag}, but {expected} was current before"


def check_previous(evidence: Evidence) -> Iterator[str]:
    """At rest the record says what is current and what was before, as the parameter's history does."""
    state = evidence.state
    on_record = tuple("" if version is None else version.tag for version in (state.current, state.previous))
    possible = _possible(evidence, evidence.writes("current"), evidence.now)
    if on_record not in possible:
        yield f"the record says {on_record} were current, its history says {' or '.join(map(str, sorted(possible)))}"


def _possible(evidence: Evidence, writes: Sequence[PointerWrite], until: float) -> set[_Known]:
    """All that can be known of the last two versions at a moment, after these writes of ``current``."""
    known: set[_Known] = {("", "")}
    ends = [*(after.at for _, after in pairwise(writes)), until]
    for write, end in zip(writes, ends, strict=False):
        if not is_valid(write.value):
            continue
        since = write.at + _SEEN
        after = {_followed(one, tag_of(str(write.value))) for one in known}
        known = after if _is_known(evidence, write, since, end) else known | after
    return known


def _followed(known: _Known, tag: str) -> _Known:
    current, _ = known
    return known if tag == current else (tag, current)


def _is_known(evidence: Evidence, write: PointerWrite, since: float, until: float) -> bool:
    """Whether a write must have come on record: it is our own, or somebody has looked at it without a fault.

    Whoever deletes the parameter takes its history with it, and what it says of a write whose maker has died.
    """
    if not is_by_person(write):
        changes = (one for one in evidence.journal.transitions if write.note == f"{PROMOTED}{one.release_id}")
        closed = next((one.at for one in changes if one.after == "PROMOTED"), float("inf"))
        deletions = (one.at for one in evidence.writes("current") if one.value is None and one.at > write.at)
        deleted = next(deletions, float("inf"))
        return closed < deleted or deleted == float("inf")
    return any(one.clean and since < one.began and one.ended < until for one in evidence.journal.passes)

"""The guards by name. A refusal says them, tests and mutants take single ones away."""

from typing import TypeAlias

from canary_router.core.conditions import Clause, Op, Value, Write
from canary_router.core.model import Release

Commit: TypeAlias = tuple[Write, ...]

NEW = "does not exist yet"
NEWER = "newer than any write seen"
SAME_OPEN = "no other release came between"
UNDECIDED_OLDER = "the older release is not decided"
OPEN = "the release is open"
ROOM = "the budget has room"
UNSETTLED_JOB = "its end is not on record yet"
SOLE = "no other attempt was made"
EXPECTED_STATE = "the release is in the state that was judged"
LEASE_FREE = "nobody holds the lease"
LEASE_OWN = "the lease is ours"
KNOWN = "the item exists"
SAME_CURRENT = "no newer write of current is on record"
SEEN_WRITE = "no other write of current came on record"
SAME_ORDERS = "no other order was carried out meanwhile"
SAME_RETIREMENTS = "nobody began to retire a stack meanwhile"
FREE = "nobody else is retiring it"
OWN = "it is this retirement"
QUIET = "this outcome decides nothing"
SAME_COUNTS = "no other job was admitted or counted meanwhile"
UNPLANNED = "its gate is not planned yet"


def as_judged(release: Release) -> tuple[Clause, ...]:
    """That a release still is what was judged: a decision, and its reason, are of the item as it stands on record."""
    counts = ("admitted", "succeeded", "failed", "not_started")
    return (
        Clause(EXPECTED_STATE, "state", Op.EQUALS, release.state.value),
        *(Clause(SAME_COUNTS, name, Op.EQUALS, getattr(release, name)) for name in counts),
    )


def as_read(name: str, field: str, seen: Value | None) -> Clause:
    """That a field still is what was read of it; None: it was absent."""
    return Clause(name, field, Op.ABSENT) if seen is None else Clause(name, field, Op.EQUALS, seen)

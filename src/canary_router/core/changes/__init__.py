"""Every write of the record, as data, with the guard that makes it safe.

This is the only place where a write's conditions are composed. Read it as the protocol's second column: for each
change, what must still be true of the stored items at the moment of the write.

The request path admits like this; two routers race for the last place of the budget:

    router A   read release (admitted 1)  ........  admit: admitted 1 < 2, state OPEN -> done, admitted 2
    router B   ......  read release (admitted 1)  ..............  admit: admitted 2 < 2 -> refused -> current

What either had read does not matter: the clauses are held against the stored item.

What people order is in ``changes.orders``, which the request function does not load.
"""

from canary_router.core.changes.clauses import (
    EXPECTED_STATE,
    KNOWN,
    LEASE_FREE,
    LEASE_OWN,
    NEW,
    NEWER,
    OPEN,
    QUIET,
    ROOM,
    SAME_COUNTS,
    SAME_CURRENT,
    SAME_OPEN,
    SAME_ORDERS,
    SEEN_WRITE,
    SOLE,
    UNDECIDED_OLDER,
    UNPLANNED,
    UNSETTLED_JOB,
    Commit,
)
from canary_router.core.changes.releases import (
    close_aborted,
    close_promoted,
    decide,
    grant,
    open_release,
    plan_gate,
    tell,
)
from canary_router.core.changes.services import adopt, look, return_lease, take_lease, turn_page
from canary_router.core.changes.transforms import (
    admit,
    attempt_rescue,
    deciding,
    join_attempt,
    leave_attempt,
    mark_running,
    quietly,
    record,
    release_rescue,
    rescue_for,
    settle,
    settle_not_started,
    start_again,
    started_again,
)

__all__ = [
    "EXPECTED_STATE",
    "KNOWN",
    "LEASE_FREE",
    "LEASE_OWN",
    "NEW",
    "NEWER",
    "OPEN",
    "QUIET",
    "ROOM",
    "SAME_COUNTS",
    "SAME_CURRENT",
    "SAME_OPEN",
    "SAME_ORDERS",
    "SEEN_WRITE",
    "SOLE",
    "UNDECIDED_OLDER",
    "UNPLANNED",
    "UNSETTLED_JOB",
    "Commit",
    "admit",
    "adopt",
    "attempt_rescue",
    "close_aborted",
    "close_promoted",
    "decide",
    "deciding",
    "grant",
    "join_attempt",
    "leave_attempt",
    "look",
    "mark_running",
    "open_release",
    "plan_gate",
    "quietly",
    "record",
    "release_rescue",
    "rescue_for",
    "return_lease",
    "settle",
    "settle_not_started",
    "start_again",
    "started_again",
    "take_lease",
    "tell",
    "turn_page",
]

"""Changes that people order: each together with the order itself, so that no order is on record without its effect.

    operator   read r7 (OPEN, 0 orders) ... pause: the answer is lost ............. arrives: orders is 2 -> refused
    operator   ............................ pause again: PAUSED, 1 ... resume: OPEN, 2 ...

An order that was sent twice is one order, by its id. One that was given up and arrives late finds that another order
came between, and changes nothing.
"""

from dataclasses import replace

from canary_router.core.changes.clauses import (
    NEW,
    SAME_OPEN,
    SAME_ORDERS,
    SAME_RETIREMENTS,
    SEEN_WRITE,
    UNDECIDED_OLDER,
    Commit,
    as_judged,
    as_read,
)
from canary_router.core.conditions import Clause, Op, Value, Write
from canary_router.core.model import UNDECIDED, Release, ReleaseState, ServiceState
from canary_router.core.order_records import order_item, order_key
from canary_router.core.orders import Order, reason_of
from canary_router.core.records import release_item, release_key, state_fields, state_key


def carry_out(order: Order, release: Release, after: ReleaseState) -> Commit:
    """Brings an undecided release into the state that was ordered.

    Args:
        order: The order, which is put on record with it.
        release: The release as the person saw it. What came meanwhile refuses the order.
        after: The state.
    """
    fields: dict[str, Value] = {**state_fields(after, release.policy)}
    if not after.can_be_decided:
        fields |= {"decided_at": order.at, "reason": reason_of(order, release), "ordered_by": order.who}
    return (
        Write(
            release_key(release.service, release.release_id),
            (
                *as_judged(release),
                Clause(SAME_ORDERS, "orders", Op.BELOW_OR_ABSENT, release.orders + 1),
            ),
            assign=fields,
            add={"orders": 1},
        ),
        _on_record(order, release),
    )


def roll_back(order: Order, rollback: Release, state: ServiceState) -> Commit:
    """Makes an older version current again: a release without a canary that takes the open one's place.

    The open release is aborted with it, and closed when the pointers are written. Refused while the pointers of a
    decided release are being written, and when another release, or another write of ``current``, came on record since
    ``state`` was read: what the person saw is not what is there.

    Args:
        order: The order, which is put on record with it.
        rollback: The release that the controller carries to its end.
        state: The service's state as it was read.
    """
    older = state.open_release
    commit = (
        Write(
            state_key(order.service),
            (
                as_read(SAME_OPEN, "open_release", older),
                as_read(SEEN_WRITE, "current_write", state.current_write or None),
                # The stack that it goes back to may be the one: changes/retirements.py
                as_read(SAME_RETIREMENTS, "retirements", state.retirements or None),
            ),
            assign={"open_release": rollback.release_id},
        ),
        Write(
            release_key(order.service, rollback.release_id),
            (Clause(NEW, "release_id", Op.ABSENT),),
            put=release_item(replace(rollback, supersedes=older)),
        ),
        _on_record(order, rollback),
    )
    if older is None:
        return commit
    aborted = Write(
        release_key(order.service, older),
        (Clause(UNDECIDED_OLDER, "state", Op.ONE_OF, UNDECIDED),),
        assign={
            **state_fields(ReleaseState.ABORTING, rollback.policy),
            "decided_at": order.at,
            "reason": rollback.reason,
            "ordered_by": order.who,
        },
    )
    return (*commit, aborted)


def _on_record(order: Order, release: Release) -> Write:
    return Write(order_key(order), (Clause(NEW, "order_id", Op.ABSENT),), put=order_item(order, release))

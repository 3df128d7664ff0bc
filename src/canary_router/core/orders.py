"""What people order about a release, and when an order can be carried out.

- An order is carried out on the release that is open, or not at all.
- Only an undecided release takes orders: a decision stands, whoever made it.
- To promote by hand needs no successes; that a person has ordered it is on record, with the counts of that moment.
- A rollback is a release of its own, to a version that was current before.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from canary_router.core.model import Basis, Release, ReleaseState, Version, WriteMark
from canary_router.core.policy import Policy
from canary_router.errors import InvalidInput, OrderRefused

TEXT_AT_MOST = 500
"""Characters of an order's texts: they become part of reasons, events and messages."""
_ORDER_ID = re.compile(r"[a-z0-9-]{1,64}")


class OrderKind(StrEnum):
    """What is ordered."""

    PROMOTE = "promote"
    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    ROLLBACK = "rollback"


@dataclass(frozen=True)
class Order:
    """One order of one person.

    Attributes:
        order_id: The same id is the same order, however often it is given. Lower-case letters, digits, dashes.
        who: Who gives it: the caller's identity.
        why: In the person's words; may be empty. 500 characters at most.
        at: Epoch milliseconds; it belongs to the order's place on record, so a repetition carries the same.

    Raises:
        InvalidInput: The id is malformed, or a text is too long.
    """

    order_id: str
    kind: OrderKind
    service: str
    who: str
    why: str
    at: int

    def __post_init__(self) -> None:
        if not _ORDER_ID.fullmatch(self.order_id):
            raise InvalidInput(
                f"{self.order_id[:100]!r} is no id of an order", advice=f"It has the form {_ORDER_ID.pattern}."
            )
        for name, text in (("who", self.who), ("why", self.why)):
            if len(text) > TEXT_AT_MOST:
                raise InvalidInput(
                    f"{name!r} has {len(text)} characters, {TEXT_AT_MOST} are allowed", advice="Say it in fewer words."
                )


@dataclass(frozen=True)
class GivenOrder:
    """An order that was carried out, as it is on record: on which release, and what its counts were."""

    order: Order
    release_id: str
    version: str
    counts: str


_AFTER = {
    OrderKind.PROMOTE: ReleaseState.PROMOTING,
    OrderKind.ABORT: ReleaseState.ABORTING,
    OrderKind.PAUSE: ReleaseState.PAUSED,
    OrderKind.RESUME: ReleaseState.OPEN,
}


def state_after(order: Order, release: Release) -> ReleaseState:
    """The state that an order brings a release into.

    Raises:
        OrderRefused: It cannot be carried out on a release in this state.
    """
    after, named = _AFTER[order.kind], f"{release.release_id} ({release.target.tag})"
    if not release.state.can_be_decided:
        raise OrderRefused(
            f"{named} is {release.state} already: {release.reason}", advice="What was decided stands; nothing was done."
        )
    if release.state is after:
        raise OrderRefused(f"{named} is {release.state} already", advice="Nothing was done.")
    return after


def reason_of(order: Order, release: Release) -> str:
    """Why a release was decided, as its record and the announcement say it."""
    done = {OrderKind.PROMOTE: "promoted", OrderKind.ABORT: "aborted"}[order.kind]
    return f"{done} by order of {order.who}{_because(order)} ({release.counts})"


def _because(order: Order) -> str:
    return f": {order.why}" if order.why else ""


def rollback_release(order: Order, target: Version, open_release: Release | None) -> Release:
    """The release that makes an older version current again. It is decided from the beginning.

    Its write of ``latest`` is the one that has to go with it: that of the release whose place it takes.
    """
    return Release(
        service=order.service,
        release_id=f"b-{order.order_id}",
        target=target,
        write=WriteMark(order.at, 0) if open_release is None else open_release.write,
        state=ReleaseState.PROMOTING,
        basis=Basis.ROLLBACK,
        policy=Policy(),
        opened_at=order.at,
        decided_at=order.at,
        reason=f"rolled back to {target.tag} by order of {order.who}{_because(order)}",
        supersedes=None if open_release is None else open_release.release_id,
        ordered_by=order.who,
    )

"""The checks of what people have ordered: done when it was said to be done, and nothing but what was ordered."""

from collections import Counter
from collections.abc import Iterator

from canary_router.core.model import Basis, Release
from canary_router.core.order_records import ORDER_PREFIX, order_of
from canary_router.core.orders import GivenOrder, OrderKind
from canary_router.sim.evidence import Evidence
from canary_router.sim.world import is_valid, tag_of

_EFFECTS = {
    OrderKind.PROMOTE: "PROMOTING",
    OrderKind.ABORT: "ABORTING",
    OrderKind.PAUSE: "PAUSED",
    OrderKind.RESUME: "OPEN",
    OrderKind.ROLLBACK: "PROMOTING",
}


def orders_on_record(evidence: Evidence) -> list[GivenOrder]:
    """The orders that were carried out, as the record has them."""
    return [order_of(item) for key, item in evidence.items.items() if key.sort.startswith(ORDER_PREFIX)]


def check_orders(evidence: Evidence) -> Iterator[str]:
    """An order that was acknowledged has had its effect, once; one that was refused never has one."""
    on_record = orders_on_record(evidence)
    by_id = {given.order.order_id: given for given in on_record}
    if len(by_id) < len(on_record):
        yield f"an order is on record more than once: {sorted(given.order.order_id for given in on_record)}"
    for order_id, given in by_id.items():
        told = [one for one in evidence.journal.orders if one.order_id == order_id]
        if all(one.kind is not given.order.kind for one in told):
            yield f"{order_id} is on record as {given.order.kind}, but nobody has ordered that"
        if told and told[-1].answer in ("refused", "not done") and _is_certain(evidence, order_id):
            yield f"{order_id} was answered {told[-1].answer!r}, and carried out on {given.release_id}"
    for one in evidence.journal.orders:
        word, _, release_id = one.answer.partition(" ")
        if word == "done" and (one.order_id not in by_id or by_id[one.order_id].release_id != release_id):
            yield f"{one.order_id} was answered {one.answer!r}, but is not on record so"
    yield from _effects(evidence, on_record)


def _is_certain(evidence: Evidence, order_id: str) -> bool:
    """Whether a refusal excludes that an earlier try, whose answer was lost, still arrives.

    It does not for a rollback, and where the pointers are the reason, not the record: ``current`` is invalid, or a
    release that is to be promoted has lost its write of ``latest``.
    """
    told = [one for one in evidence.journal.orders if one.order_id == order_id]
    if len(told) == 1:
        return True
    if told[-1].answer == "not done":
        return False
    since, until = told[0].sent - 5_000, told[-1].answered
    if told[0].kind is OrderKind.PROMOTE and len(list(evidence.held("latest", since, until))) > 1:
        return False
    held = evidence.held("current", since, until)
    return told[0].kind is not OrderKind.ROLLBACK and all(is_valid(value) for value in held)


def _effects(evidence: Evidence, on_record: list[GivenOrder]) -> Iterator[str]:
    """Each order stands for one change of its release, and what only people may do was ordered."""
    ordered = Counter((given.release_id, _EFFECTS[given.order.kind]) for given in on_record)
    changed = Counter((one.release_id, one.after) for one in evidence.journal.transitions)
    for (release_id, after), count in ordered.items():
        if changed[release_id, after] < count:
            yield f"{count} orders made {release_id} {after}, which it became {changed[release_id, after]} times"
    for one in evidence.journal.transitions:
        by_people = one.after == "PAUSED" or (one.before == "PAUSED" and one.after in ("OPEN", "PROMOTING"))
        by_people = by_people or (not one.before and one.after == "PROMOTING")
        if by_people and not ordered[one.release_id, one.after]:
            yield f"{one.who}: {one.release_id} went from {one.before or 'new'} to {one.after} without an order"


def is_promoted_by_order(evidence: Evidence, release: Release) -> bool:
    """Whether a person has ordered a release's promotion, on record."""
    return any(
        given.release_id == release.release_id and given.order.kind is OrderKind.PROMOTE
        for given in orders_on_record(evidence)
    )


def wrong_rollback(evidence: Evidence, release: Release) -> str:
    """What is wrong with a rollback; empty when it was ordered so, and goes to what was current before."""
    given = next((one for one in orders_on_record(evidence) if one.release_id == release.release_id), None)
    if given is None or release.basis is not Basis.ROLLBACK:
        return "nobody has ordered it back"
    told = next((one for one in evidence.journal.orders if one.order_id == given.order.order_id), None)
    if told is not None and told.to not in (None, release.target.tag):
        return f"{told.to} was ordered"
    ordered = next(one.at for one in evidence.journal.transitions if one.release_id == release.release_id)
    before = [write for write in evidence.writes("current") if write.at < ordered]
    if all(write.value is None or tag_of(write.value) != release.target.tag for write in before):
        return "it was never current"
    return ""

"""What people order: each order is one conditional write, on record with its effect. Pointers are the controller's.

Whoever gives an order nudges the controller afterwards. It carries a decision to its end within a minute anyway.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from canary_router.core import order_records, records
from canary_router.core.changes import Commit
from canary_router.core.changes import orders as ordered
from canary_router.core.lifecycle import is_behind, is_unrecorded, obstacle, release_from
from canary_router.core.model import Basis, Release, ReleaseState, ServiceState, Version
from canary_router.core.orders import Order, rollback_release, state_after
from canary_router.core.pointers import Invalid, Pointers, understand, version_of
from canary_router.errors import NotFound, NotVisible, OrderRefused, Unavailable, Uncertain
from canary_router.flows.inspect import releases
from canary_router.flows.opening import open_release
from canary_router.flows.retired import check_stays
from canary_router.ports import Ports
from canary_router.ports.operation import Functions, Stacks

_log = logging.getLogger(__name__)
_Prepared: TypeAlias = tuple[Release, Commit]
"""A release as an order leaves it, and the commit that does so."""
_ROUNDS = 4
"""How often the record is read again because somebody else has changed it meanwhile, or an answer was lost."""


def give_order(ports: Ports, order: Order, release_id: str | None = None) -> Release:
    """Promotes, aborts, pauses or resumes the open release of a service.

    Args:
        ports: The world.
        order: The order.
        release_id: The release that is meant; None means the one that is open, whichever it is by then.

    Returns:
        The release as the order has left it. The same order given again finds its own effect.

    Raises:
        NotFound: Nothing was ever written for the service.
        OrderRefused: There is no open release, or another than is meant, or it is decided already, or it is in that
            state already.
        Unavailable: A dependency does not answer; nothing was done.
        Uncertain: It may have been carried out, or may still be; give the same order again.
    """

    def prepared(pointers: Pointers) -> _Prepared:
        release = _open_release(ports, pointers)
        if release_id not in (None, release.release_id):
            raise OrderRefused(
                f"{release.release_id} ({release.target.tag}) took the place of {release_id} meanwhile",
                advice="Nothing was done; look at the status.",
            )
        after = state_after(order, release)
        _check_pointers(pointers, release, after)
        return replace(release, state=after), ordered.carry_out(order, release, after)

    return _until_known(ports, order, prepared)


def roll_back(
    ports: Ports,
    order: Order,
    to: str | None = None,
    functions: Functions | None = None,
    stacks: Stacks | None = None,
) -> Release:
    """Orders that an older version becomes current again. An open release is aborted with it.

    Args:
        ports: The world.
        order: The order.
        to: Tag of a version that was current before; the previous one when it is None.
        functions: Where to look whether that version's pipeline is still there; None does not look.
        stacks: Where to look whether its stack is being deleted; None does not look.

    Returns:
        The rollback as it is on record; the controller writes the pointers.

    Raises:
        NotFound: Nothing was ever written for the service, or that version was never current.
        OrderRefused: There is nothing to go back from or to, that version's pipeline is gone or its stack is going, or
            the pointers of a decided release are being written.
        Unavailable, Uncertain: As ``give_order``.
    """

    def prepared(pointers: Pointers) -> _Prepared:
        state = records.state_of(order.service, ports.ledger.get(records.state_key(order.service)))
        target = _target(ports, pointers, state, to)
        _check_is_there(functions, target)
        check_stays(ports.ledger, stacks, order.service, target, ports.clock.now())
        rollback = rollback_release(order, target, _undecided(ports, state))
        return rollback, ordered.roll_back(order, rollback, state)

    return _until_known(ports, order, prepared)


def surely(give: Callable[[], Release], order: Order) -> Release:
    """Gives an order, and once more if its answer was lost: the same order finds its own effect.

    Args:
        give: Gives it, by one of the functions above.
        order: The order.

    Raises:
        Uncertain: Nobody can tell whether it was carried out.
        NotFound, OrderRefused, Unavailable: As ``give``.
    """
    try:
        return give()
    except Uncertain:
        pass
    try:
        return give()
    except Uncertain as error:
        raise Uncertain(
            f"It is not known whether the order to {order.kind} was carried out: {error}",
            advice=f"If it was, it is in: canary-router history {order.service}. Only then order again.",
        ) from error


def rollback_target(
    ports: Ports,
    service: str,
    to: str | None = None,
    functions: Functions | None = None,
    stacks: Stacks | None = None,
) -> Version:
    """The version that a rollback would make current. Nothing is changed.

    Raises:
        NotFound, OrderRefused, Unavailable: As ``roll_back``.
    """
    pointers = _pointers(ports, service)
    state = records.state_of(service, ports.ledger.get(records.state_key(service)))
    target = _target(ports, pointers, state, to)
    _check_is_there(functions, target)
    check_stays(ports.ledger, stacks, service, target, ports.clock.now())
    return target


def _check_is_there(functions: Functions | None, target: Version) -> None:
    """Refuses a version whose stack was removed: every job sent to it would fail."""
    if functions is None:
        return
    try:
        found = functions.find(target.arn)
    except NotVisible as error:
        # Who may order a rollback need not be allowed to look at functions.
        _log.warning("Whether %s is still there could not be looked up: %s", target.arn, error)
        return
    if found is None:
        raise OrderRefused(
            f"{target.tag} cannot serve: its pipeline function {target.arn} is gone",
            advice="Deploy its stack again, which releases it; or name another version with --to.",
        )


def _until_known(ports: Ports, order: Order, prepare: Callable[[Pointers], _Prepared]) -> Release:
    """Commits an order, and looks again until it is known whether it was carried out.

    Once an answer was lost in this call, only an order on record is certain: the lost one may arrive yet.
    """
    doubt: Uncertain | None = None
    for _ in range(_ROUNDS):
        try:
            release = _once(ports, order, prepare)
        except Uncertain as lost:
            doubt = lost
        except (OrderRefused, NotFound, Unavailable) as error:
            if doubt is None:
                raise
            raise Uncertain(f"{doubt}; then: {error}", advice="Give the same order again.") from error
        else:
            if release is not None:
                return release
    if doubt is not None:
        raise doubt
    raise Unavailable("The record was changed by others all the time; nothing was done", advice="Order it again.")


def _once(ports: Ports, order: Order, prepare: Callable[[Pointers], _Prepared]) -> Release | None:
    """Commits an order; None when somebody has changed the record meanwhile.

    What refuses an order may be its own effect, by an earlier try that arrived late: the record tells, and it is asked
    after the refusal, since that try may arrive at any moment before.
    """
    refused: OrderRefused | NotFound | None = None
    try:
        release, commit = prepare(_pointers(ports, order.service))
        if ports.ledger.commit(commit) is None:
            return release
    except (OrderRefused, NotFound) as error:
        refused = error
    done = _carried_out(ports, order)
    if done is None and refused is not None:
        raise refused
    return done


def _check_pointers(pointers: Pointers, release: Release, after: ReleaseState) -> None:
    """Refuses what the pointers do not allow, whatever the record says."""
    if not after.can_be_decided and isinstance(pointers.current, Invalid):
        raise OrderRefused(
            f"current of {release.service} holds {pointers.current.value[:200]!r}, which nothing is written over",
            advice="Correct the parameter first; pause the release if its jobs have to wait.",
        )
    in_the_way = obstacle(pointers, release) if after is ReleaseState.PROMOTING else ""
    if in_the_way:
        raise OrderRefused(
            f"{release.release_id} ({release.target.tag}): {in_the_way}", advice="Nothing was done; look at the status."
        )


def _pointers(ports: Ports, service: str) -> Pointers:
    readings = ports.pointers.read(service)
    if not readings.exist:
        raise NotFound(f"There is no service {service!r}", advice="Nothing was ever released for it here.")
    return understand(service, readings)


def _carried_out(ports: Ports, order: Order) -> Release | None:
    """The release that an order was carried out on, by an earlier try; None when it is not on record."""
    item = ports.ledger.get(order_records.order_key(order))
    if item is None:
        return None
    given = order_records.order_of(item)
    stored = ports.ledger.get(records.release_key(order.service, given.release_id))
    return None if stored is None else records.release_of(stored)


def _open_release(ports: Ports, pointers: Pointers) -> Release:
    """The open release; one that nobody has opened yet is opened now, as a request would."""
    asked = release_from(pointers, ports.clock.now())
    if asked is not None and asked.basis is Basis.CANARY:
        open_release(ports.ledger, asked)
    service = pointers.service
    state = records.state_of(service, ports.ledger.get(records.state_key(service)))
    item = state.open_release and ports.ledger.get(records.release_key(service, state.open_release))
    if not item:
        raise OrderRefused(
            f"{service} has no open release",
            advice="There is nothing to order until a deployment, or `canary-router release`, writes latest.",
        )
    return records.release_of(item)


def _undecided(ports: Ports, state: ServiceState) -> Release | None:
    if state.open_release is None:
        return None
    item = ports.ledger.get(records.release_key(state.service, state.open_release))
    if item is None:
        return None
    release = records.release_of(item)
    if not release.state.can_be_decided:
        raise OrderRefused(
            f"The pointers of {release.target.tag} are being written ({release.state})", advice="Try again in a moment."
        )
    return release


def _target(ports: Ports, pointers: Pointers, state: ServiceState, to: str | None) -> Version:
    if not isinstance(pointers.current, Version):
        raise OrderRefused(
            f"{state.service} has no valid current version to go back from", advice="Correct the parameter 'current'."
        )
    now = ports.clock.now()
    if is_behind(pointers, state, now):
        raise Unavailable(
            f"current of {state.service} was read as it was a moment ago", advice="Try again in a moment."
        )
    # What somebody has written by hand is not on record yet; then the version on record is the previous one.
    is_ahead = is_unrecorded(pointers.current_write, state, now)
    previous = state.previous_to(pointers.current) if is_ahead else state.previous
    target = previous if to is None else _was_current(ports, state, to)
    if target is None:
        raise OrderRefused(f"{state.service} has no previous version", advice="Name one with --to, or release one.")
    if version_of(state.service, target.arn) is None:
        raise OrderRefused(
            f"The record of {state.service} says {target.arn[:200]!r}, which is no function",
            advice="Name one with --to.",
        )
    if target == pointers.current:
        raise OrderRefused(f"{target.tag} is current already", advice="Name another version with --to.")
    return target


def _was_current(ports: Ports, state: ServiceState, tag: str) -> Version:
    """A version that was current before: it has proven itself, or a person has stood for it."""
    known = [
        release.target for release in releases(ports.ledger, state.service) if release.state is ReleaseState.PROMOTED
    ]
    known += [version for version in (state.previous, state.current) if version is not None]
    found = next((version for version in known if version.tag == tag), None)
    if found is None:
        tags = ", ".join(dict.fromkeys(version.tag for version in known)) or "none"
        raise NotFound(
            f"{tag} of {state.service} was never current", advice=f"Those that were: {tags}. Any other is released."
        )
    return found

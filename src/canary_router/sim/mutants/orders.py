"""Orders of people, broken on purpose."""

from dataclasses import replace
from typing import Any

from canary_router.core import changes, verdict
from canary_router.core.changes import orders as ordered
from canary_router.core.conditions import Write
from canary_router.core.model import Basis, Release, ReleaseState
from canary_router.core.verdict import judge as _judge
from canary_router.errors import CanaryRouterError, OrderRefused
from canary_router.flows import drive, orders
from canary_router.sim.mutants.protocol import Mutant, without


def _judged_as_open(release: Release, now: int) -> Any:
    paused = release.state is ReleaseState.PAUSED
    return _judge(replace(release, state=ReleaseState.OPEN) if paused else release, now)


def _without_the_older(order: Any, rollback: Any, state: Any) -> tuple[Write, ...]:
    return _ROLL_BACK(order, rollback, state)[:3]


def _forgets_the_older(release: Release, *args: Any) -> tuple[Write, ...]:
    return _CLOSE(release, *args)[:2]


def _forgets_the_order(order: Any, release: Release, after: ReleaseState) -> tuple[Write, ...]:
    return _CARRY_OUT(order, release, after)[:1]


def _believes_in_refusals(ports: Any, order: Any, prepare: Any) -> Release:
    try:
        return _UNTIL_KNOWN(ports, order, prepare)
    except CanaryRouterError as error:
        raise OrderRefused(str(error)) from error


def _unless_it_seems_current(self: Any, release: Release, pointers: Any) -> Any:
    seems = pointers.current == release.target
    return pointers.current_write if seems else _WRITE_CURRENT(self, release, pointers)


def _any_is_overtaken(release: Release, pointers: Any) -> bool:
    return _IS_OVERTAKEN(release, pointers) or release.basis is Basis.ROLLBACK


_ROLL_BACK = ordered.roll_back
_CLOSE = changes.close_promoted
_CARRY_OUT = ordered.carry_out
_UNTIL_KNOWN = orders._until_known  # noqa: SLF001 - what a mutant replaces it has to call
_WRITE_CURRENT = drive.Driver._write_current  # noqa: SLF001
_IS_OVERTAKEN = drive._is_overtaken  # noqa: SLF001

ORDERS: tuple[Mutant, ...] = (
    Mutant("a paused release is promoted by its successes", "evidence", ((verdict, "judge", _judged_as_open),)),
    Mutant("an order against a decision", "finality", (without("carry_out", changes.EXPECTED_STATE, owner=ordered),)),
    Mutant(
        "an order that arrives after others", "evidence", (without("carry_out", changes.SAME_ORDERS, owner=ordered),)
    ),
    Mutant("an order without its record", "evidence", ((ordered, "carry_out", _forgets_the_order),)),
    Mutant("a refusal though the answer was lost", "evidence", ((orders, "_until_known", _believes_in_refusals),)),
    Mutant("a rollback leaves the open release open", "progress", ((ordered, "roll_back", _without_the_older),)),
    Mutant(
        "a rollback while pointers are being written",
        "finality",
        (without("roll_back", changes.UNDECIDED_OLDER, owner=ordered),),
    ),
    Mutant("a rollback beside an open release", "progress", (without("roll_back", changes.SAME_OPEN, owner=ordered),)),
    Mutant(
        "a rollback that does not write current", "pointers at rest", ((drive, "_is_overtaken", _any_is_overtaken),)
    ),
    Mutant(
        "a rollback is written already, says an old read",
        "pointers at rest",
        ((drive.Driver, "_write_current", _unless_it_seems_current),),
    ),
    Mutant(
        "a rollback that never closes what it stopped", "progress", ((changes, "close_promoted", _forgets_the_older),)
    ),
)

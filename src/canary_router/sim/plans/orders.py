"""What people order in a run. Drawn from a stream of its own, so that the rest of a seed's plan is what it was."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from canary_router.core.orders import OrderKind

_WEIGHTS = {
    OrderKind.PAUSE: 4,
    OrderKind.RESUME: 3,
    OrderKind.PROMOTE: 2,
    OrderKind.ABORT: 2,
    OrderKind.ROLLBACK: 4,
}
_TAGS = ("v0.9.0", "v1.0.0", "v1.1.0")


@dataclass(frozen=True)
class PlannedOrder:
    """A person gives an order, and gives the same one again until it is answered, three times at most.

    Attributes:
        to: For a rollback: the version that is named; None leaves it to the record.
    """

    name: str
    at: float
    kind: OrderKind
    to: str | None = None


def orders_for(seed: int, releases: Sequence[float], chaos: float) -> tuple[PlannedOrder, ...]:
    """The orders of a seed; in most runs there are none.

    Args:
        seed: The run's.
        releases: When versions are released, virtual seconds: that is when people have something to order.
        chaos: When the faults end.
    """
    chance = random.Random(f"{seed} orders")
    found: list[PlannedOrder] = []
    for number in range(1, chance.choices((0, 1, 2, 4, 7), (6, 2, 2, 1, 1))[0] + 1):
        close = found and chance.random() < 0.5
        if close:
            at = found[-1].at + chance.choice((0.02, 3.0, 30.0)) * chance.random()
        elif releases:
            at = chance.choice(releases) + chance.expovariate(1 / 30)
        else:
            at = chance.uniform(0, chaos)
        kind = chance.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if close and found[-1].kind is OrderKind.PAUSE and chance.random() < 0.5:
            kind = OrderKind.RESUME
        to = chance.choice(_TAGS) if kind is OrderKind.ROLLBACK and chance.random() < 0.3 else None
        found.append(PlannedOrder(f"operator-{number}", at, kind, to))
    return tuple(found)


def crossing_orders(seed: int, releases: Sequence[float]) -> tuple[PlannedOrder, ...]:
    """Several people at once, who do not know of each other: their orders meet at the same release."""
    chance = random.Random(f"{seed} crossing orders")
    found: list[PlannedOrder] = []
    for release in releases:
        at = release + chance.choice((0.5, 2.0))
        for kind, after in [one for _ in range(3) for one in _crossing(chance)]:
            at += after
            found.append(PlannedOrder(f"operator-{len(found) + 1}", at, kind))
    return tuple(found)


def _crossing(chance: random.Random) -> list[tuple[OrderKind, float]]:
    """Kinds of orders, each with the seconds since the one before."""
    match chance.choice(("late", "decided", "any")):
        case "late":  # the first one is given up, and arrives when the other two are done
            resumed = chance.uniform(6, 24)
            return [(OrderKind.PAUSE, 1.0), (OrderKind.PAUSE, chance.random()), (OrderKind.RESUME, resumed)]
        case "decided":
            pair = chance.choice(((OrderKind.PROMOTE, OrderKind.ROLLBACK), (OrderKind.ROLLBACK, OrderKind.PROMOTE)))
            return [(pair[0], chance.choice((0.5, 2.0))), (pair[1], chance.choice((0.01, 0.03, 0.5)))]
        case _:
            kinds = chance.choices(list(_WEIGHTS), (6, 6, 2, 1, 2), k=chance.choice((2, 4, 8)))
            return [(kind, chance.expovariate(chance.choice((20.0, 0.3)))) for kind in kinds]

"""What is released when, and which writes of a pointer the controller is killed at."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.chaos.faults import Fault
from tests.chaos.versions import BAD, GOOD, STUCK

_AT_CURRENT = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.KILLED_NEXT)
_AT_LATEST = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.KILLED_NEXT, Fault.OVERTAKEN_KILLED)


@dataclass(frozen=True)
class Order:
    """A write of ``latest``.

    Attributes:
        tag: The version that is released.
        waits: Whether the service's next order comes only when this release is over; else it comes at once.
    """

    tag: str
    waits: bool = True


@dataclass(frozen=True)
class Plan:
    """Orders by service, and the faults that wait for the next calls of a label (``faults.py``)."""

    orders: Mapping[str, Sequence[Order]]
    appointments: Mapping[str, Sequence[Fault]]

    @property
    def releases(self) -> int:
        """How many orders there are."""
        return sum(len(orders) for orders in self.orders.values())


def drawn(services: int, releases: int, seed: int) -> Plan:
    """A long plan. On each service the controller dies once at ``current`` and twice at ``latest``, in turn."""
    names = [f"batch{number}" for number in range(services)]
    appointments: dict[str, Sequence[Fault]] = {}
    for number, name in enumerate(names):
        appointments[f"{name}/current"] = [_AT_CURRENT[number % len(_AT_CURRENT)]]
        appointments[f"{name}/latest"] = [_AT_LATEST[(number + more) % len(_AT_LATEST)] for more in (0, 2)]
    shares = [len(range(number, releases, services)) for number in range(services)]
    orders = {name: _orders(f"{seed}/{name}", share) for name, share in zip(names, shares, strict=True)}
    return Plan(orders, appointments)


def _orders(seed: str, share: int) -> list[Order]:
    draw = random.Random(seed)  # noqa: S311 - a test's fate
    # Whatever comes after, the first one is promoted: without that nobody ever writes current.
    first = [Order(GOOD[1])]
    return [*first, *(Order(draw.choice([*GOOD, BAD, BAD, STUCK]), draw.random() < 0.8) for _ in range(share - 1))]


SHORT = Plan(
    orders={
        "batch0": [Order(GOOD[1]), Order(GOOD[2])],
        "batch1": [Order(BAD)],
        "batch2": [Order(STUCK, waits=False), Order(GOOD[1]), Order(STUCK)],
    },
    appointments={
        # The first release meets two deaths at each pointer, the second one dies between them, and after both.
        "batch0/current": [Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.KILLED_NEXT],
        "batch0/latest": [Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.KILLED_NEXT],
        # The blank hides another release, and nobody knows; the one who finds out hides a third by putting it back.
        "batch1/latest": [Fault.KILLED_BEFORE, Fault.OVERTAKEN_KILLED, Fault.OVERTAKEN_KILLED, Fault.KILLED_AFTER],
        # Nobody dies: a write comes when it is given up, then answers are lost.
        "batch2/current": [Fault.LATE],
        "batch2/latest": [Fault.LOST_AFTER, Fault.ERROR_AFTER],
        # Jobs of a version that nobody is trying out: of the others none may fail, or the releases above are aborted.
        "batch2-v1-0-0-pipeline": [Fault.KILLED_BEFORE, Fault.KILLED_AFTER],
        "batch2-v1-0-0": [Fault.KILLED_BEFORE, Fault.KILLED_AFTER],
        # The controller's other calls.
        "GetParameterHistory": [Fault.THROTTLED, Fault.LOST_BEFORE],
        "PutEvents": [Fault.TWICE, Fault.LOST_AFTER],
        "Query": [Fault.ERROR_BEFORE],
    },
)
"""Every place at which a writer of pointers may die, once, in half a minute."""

"""The instances of the request function, and who serves the next request."""

import logging
from array import array
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import ceil

from canary_router.errors import CanaryRouterError
from canary_router.flows.keyed import submit_keyed
from canary_router.flows.request import Job, Router
from canary_router.ports import Ports
from canary_router.settings import Settings
from canary_router.sim.load.services import Gate
from canary_router.sim.scheduler import START, Task
from canary_router.sim.world import SERVICE

COLD_START = 200.0
"""Assumed milliseconds until a new instance begins with its request."""
_SPARE = 1.2
"""Warm instances for each one that is busy: arrivals are not even."""


@dataclass(eq=False)
class Instance:
    """One function: a router with caches of its own. It serves one request at a time, and is cold at first."""

    router: Router
    task: Task
    has_served: bool = False


class Fleet:
    """Instances, of which any free one gets the next request; when none is free, a new one starts.

    AWS does not say which instance it takes. Any: so that all of them stay warm, and read for themselves.
    """

    def __init__(self, gate: Gate, ports: Ports, settings: Settings, keyed: float) -> None:
        """Args: time and counts, ports, settings, and the part of all requests that carries an Idempotency-Key."""
        self._gate = gate
        self._ports = ports
        self._settings = settings
        self._keyed = keyed
        self._chance = gate.scheduler.chance("fleet")
        self._ids = count(1)
        self._free: list[Instance] = []
        self.size = 0
        self.answers: Counter[str] = Counter()
        self.latencies = array("d")

    def warm_up(self, busy: float, milliseconds: float) -> None:
        """Makes the fleet for so many busy instances, and lets each read its pointers at some moment of a time."""
        for _ in range(max(1, ceil(_SPARE * busy + 3 * busy**0.5))):
            instance = self._new()
            at = START + self._chance.random() * milliseconds
            instance.has_served = True
            self._gate.scheduler.spawn(instance.task, partial(instance.router.view.pointers, SERVICE), at)
            self._free.append(instance)

    def arrivals(self, rate: float, until: float) -> None:
        """Lets requests arrive, so many a second on average, until a moment."""
        scheduler, chance = self._gate.scheduler, self._chance

        def arrive() -> None:
            following = scheduler.now + chance.expovariate(rate) * 1000
            if following < until:
                scheduler.at(following, arrive)
            self._begin()

        scheduler.at(scheduler.now + chance.expovariate(rate) * 1000, arrive)

    def _begin(self) -> None:
        free = self._free
        if free:
            place = int(self._chance.random() * len(free))
            free[place], free[-1] = free[-1], free[place]
            instance, cold = free.pop(), False
        else:
            instance, cold = self._new(), True
        self._gate.scheduler.spawn(instance.task, partial(self._serve, instance, cold=cold))

    def _serve(self, instance: Instance, *, cold: bool) -> None:
        scheduler = self._gate.scheduler
        if cold:
            scheduler.pause(COLD_START)
        began = scheduler.now
        key = f"key-{next(self._ids)}" if self._keyed and self._chance.random() < self._keyed else None
        job = Job(SERVICE, None, "", key)
        try:
            done = instance.router.submit(job) if key is None else submit_keyed(instance.router, job, key)
            self.answers[f"202 {done.route.value}"] += 1
            instance.has_served = True
        except CanaryRouterError as error:
            self.answers[f"{type(error).__name__}{'' if instance.has_served else ', cold'}"] += 1
        self.latencies.append(scheduler.now - began)
        self._free.append(instance)

    def _new(self) -> Instance:
        self.size += 1
        router = Router(self._ports, self._settings, draw=self._chance.random, new_id=self._new_id)
        return Instance(router, Task(f"instance {self.size}", self._chance))

    def _new_id(self) -> str:
        return f"t-{next(self._ids)}"


def quiet() -> None:
    """A throttled fleet logs an error at every request; the counts say it too."""
    logging.getLogger("canary_router").setLevel(logging.CRITICAL)

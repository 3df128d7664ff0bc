"""A whole service in memory: pointers, record, pipelines, one router, and a controller whenever one is wanted."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from canary_router import settings
from canary_router.adapters.aws.outbox import HeardOutbox
from canary_router.adapters.memory import (
    ManualClock,
    MemoryLedger,
    MemoryMeter,
    MemoryNotifier,
    MemoryPipelines,
    MemoryPointers,
)
from canary_router.core import records
from canary_router.core.conditions import Item, Key, Refusal, Write
from canary_router.core.model import Release, ReleaseState, ServiceState, Status, Transform
from canary_router.core.pointers import Readings
from canary_router.core.routing import canonical_input, input_hash
from canary_router.errors import Unavailable, Uncertain
from canary_router.flows import inspect
from canary_router.flows.budget import Budget
from canary_router.flows.keyed import submit_keyed
from canary_router.flows.outcome import Controller, Ended
from canary_router.flows.reconcile import Reconciler
from canary_router.flows.request import Job, Router
from canary_router.ports import Ports

SERVICE = "transformer"


def arn(tag: str, service: str = SERVICE) -> str:
    """The ARN of a version's pipeline."""
    return f"arn:aws:lambda:eu-west-1:123456789012:function:{settings.pipeline_function_name(service, tag)}"


class World:
    """Version v1.0.0 serves; everything else is up to the test."""

    def __init__(self, *, draw: float = 0.0, pointer_ttl: float = 0.0, current: str = "v1.0.0") -> None:
        self.clock = ManualClock()
        self.pointers = MemoryPointers(self.clock)
        self.ledger = FaultyLedger()
        self.pipelines = MemoryPipelines()
        self.notifier = MemoryNotifier()
        self.meter = MemoryMeter()
        self.draw = draw
        self.settings = settings.Settings("test", (SERVICE,), pointer_ttl=pointer_ttl)
        self.ports = Ports(
            self.pointers,
            self.ledger,
            HeardOutbox(self.ledger),
            self.pipelines,
            self.pipelines,
            self.notifier,
            self.meter,
            self.clock,
        )
        self._ids = count(1)
        self.router = self.new_router()
        if current:
            self.pointers.put(SERVICE, "current", arn(current), "")

    def new_router(self) -> Router:
        """Another warm function, with caches of its own."""
        return Router(self.ports, self.settings, draw=lambda: self.draw, new_id=self._new_id)

    def _new_id(self) -> str:
        return f"t-{next(self._ids)}"

    def controller(self) -> Controller:
        return Controller(self.ports, self.settings, owner=f"run-{next(self._ids)}")

    def reconcile(self) -> None:
        """One pass, a minute after whatever was before."""
        self.clock.advance(60)
        reconciler = Reconciler(self.controller(), self.settings)
        reconciler.reconcile(SERVICE)
        reconciler.settle_pending(SERVICE, Budget(self.clock, settings.OUTCOME_TIMEOUT))

    def write_latest(self, tag: str, note: str = "") -> None:
        """A deployment, a second after whatever was before."""
        self.clock.advance(1)
        self.pointers.put(SERVICE, "latest", arn(tag), note)

    def submit(self, document: Any = None, *, key: str | None = None, router: Router | None = None) -> Transform:
        job = Job(SERVICE, document, input_hash(canonical_input(document)), key)
        chosen = router or self.router
        return chosen.submit(job) if key is None else submit_keyed(chosen, job, key)

    def end(self, transform: Transform, status: Status = Status.SUCCEEDED, *, tell: bool = True) -> None:
        """The job ends; EventBridge tells the controller, unless the event is lost."""
        assert transform.execution_arn is not None
        self.pipelines.end(transform.execution_arn, status)
        if tell:
            self.controller().on_ended(Ended(transform.transform_id, transform.execution_arn, status))

    @property
    def state(self) -> ServiceState:
        return records.state_of(SERVICE, self.ledger.get(records.state_key(SERVICE)))

    @property
    def releases(self) -> list[Release]:
        return inspect.releases(self.ledger, SERVICE)

    @property
    def release(self) -> Release:
        """The newest release."""
        return self.releases[0]

    def release_state(self) -> ReleaseState:
        """The newest release's state, at this moment."""
        return self.release.state

    def recorded(self, transform_id: str, *, fallback: bool = False) -> Transform:
        item = self.ledger.get(records.transform_key(transform_id, fallback=fallback))
        assert item is not None
        return records.transform_of(item)

    @property
    def readings(self) -> Readings:
        return self.pointers.read(SERVICE)

    def pointer(self, leaf: str) -> str:
        reading = getattr(self.readings, leaf)
        return "" if reading is None else str(reading.value)

    def replace_ports(self, **ports: Any) -> None:
        """Puts something between the flows and the world."""
        self.ports = replace(self.ports, **ports)
        self.router = self.new_router()


class FaultyLedger(MemoryLedger):
    """Does what it should, until it is told otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False
        self.lose_answers: list[bool] = []
        """For each of the next commits whose answer gets lost: whether it happens."""
        self.gets = 0
        self.commits: list[tuple[Write, ...]] = []

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        self.gets += 1
        if self.down:
            raise Unavailable("the table is down")
        return super().get(key, consistent=consistent)

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        if self.down:
            raise Unavailable("the table is down")
        self.commits.append(tuple(writes))
        if self.lose_answers:
            if self.lose_answers.pop(0):
                super().commit(writes)
                raise Uncertain("the answer was lost")
            raise Uncertain("nothing happened, and nobody can tell")
        return super().commit(writes)

"""One run: a warm fleet, a deployment that wakes it, jobs that end well, and the fleet on the new version."""

from dataclasses import dataclass
from typing import Any

from canary_router.adapters.memory import MemoryNotifier
from canary_router.core import records
from canary_router.core.model import Status
from canary_router.errors import CanaryRouterError
from canary_router.flows.outcome import Controller, Ended
from canary_router.ports import Ports
from canary_router.settings import POINTER_TTL, Settings
from canary_router.sim.faulty import SilentMeter
from canary_router.sim.load.fleet import Fleet
from canary_router.sim.load.limits import NONE, Limits
from canary_router.sim.load.services import Gate, LoadedLedger, LoadedPipelines, LoadedPointers
from canary_router.sim.scheduler import START, Scheduler, Task
from canary_router.sim.world import SERVICE, TrueClock, arn

AT_REST = 1.0
"""Seconds of the window before the deployment."""
_EVENT_TRIES = 3
"""Of the controller's function, for an event that it failed at; here after a second, in AWS after minutes."""
OLD, NEW = "v1.0.0", "v1.1.0"


@dataclass(frozen=True)
class Load:
    """What is simulated.

    Attributes:
        rate: Requests a second.
        latency: Milliseconds that an invocation of the pipeline's function takes.
        jobs: Seconds that a job lasts.
        after: Seconds of the window after the jobs' end.
        pointer_ttl: As in ``RouterOptions``.
        spread: Over how much of that time the instances' first looks are spread; a fleet that started at once has 0.
        warm: Whether there are instances before the window, all with pointers read.
        keyed: The part of the requests that carries an ``Idempotency-Key``.
        limits: What AWS takes.
        seed: Of all chance.
    """

    rate: float
    latency: float = 50.0
    jobs: float = 5.5
    after: float = 1.0
    pointer_ttl: float = POINTER_TTL
    spread: float = 1.0
    warm: bool = True
    keyed: float = 0.0
    limits: Limits = NONE
    seed: int = 1

    @property
    def seconds(self) -> float:
        """The window."""
        return AT_REST + self.jobs + self.after


def simulate(load: Load) -> dict[str, Any]:
    """Runs a load and gives its figures: calls a second, races for the release, answers, latencies."""
    scheduler = Scheduler(load.seed)
    gate = Gate(scheduler)
    pointers, ledger = LoadedPointers(gate), LoadedLedger(gate)
    pipelines = LoadedPipelines(gate, load.latency)
    notifier, clock = MemoryNotifier(), TrueClock(scheduler)
    ports = Ports(pointers, ledger, ledger, pipelines, pipelines, notifier, SilentMeter(), clock)
    settings = Settings("load", (SERVICE,), pointer_ttl=load.pointer_ttl)
    fleet = Fleet(gate, ports, settings, load.keyed)
    person, controller = (Task(name, scheduler.chance(name)) for name in ("deployment", "controller"))

    def begin() -> None:
        gate.limit(load.limits)
        fleet.arrivals(load.rate, gate.counts.begins + load.seconds * 1000)

    def controlled(ended: Ended) -> None:
        for run in range(_EVENT_TRIES):
            try:
                Controller(ports, settings, owner=f"run {run} of {ended.name}").on_ended(ended)
            except CanaryRouterError:
                gate.count("controller's runs that failed")
                scheduler.pause(1_000)
            else:
                return

    def end_jobs() -> None:
        for name, execution_arn in pipelines.started[NEW]:
            ended = Ended(name, execution_arn, Status.SUCCEEDED)
            controlled(ended)

    scheduler.spawn(person, lambda: pointers.put(SERVICE, "current", arn(OLD), ""))
    warming = max(load.pointer_ttl * 1000, 100.0)
    # Whatever was read first is read again within the window, at the same place of the time to live.
    gate.counts.begins = START + 100 + warming
    if load.warm:
        scheduler.at(START + 50, lambda: fleet.warm_up(load.rate * load.latency / 1000, warming * load.spread))
    scheduler.at(gate.counts.begins, begin)
    woken_at = gate.counts.begins + AT_REST * 1000
    scheduler.spawn(person, lambda: pointers.put(SERVICE, "latest", arn(NEW), ""), woken_at)
    scheduler.spawn(controller, end_jobs, woken_at + load.jobs * 1000)
    scheduler.run(gate.counts.begins + load.seconds * 1000 + 3_000)
    seen = sorted((at - woken_at) / 1000 for at in pointers.woken.values())
    state = records.state_of(SERVICE, ledger.now(records.state_key(SERVICE)))
    return {
        "rate": load.rate,
        "instances": fleet.size,
        "answers": dict(sorted(fleet.answers.items())),
        "calls": _calls(gate, load),
        "awake": _awake(gate, seen, fleet.answers["202 latest"]),
        "current": None if state.current is None else state.current.tag,
        "latency": _latencies(fleet),
    }


def _calls(gate: Gate, load: Load) -> dict[str, dict[str, float]]:
    counts = gate.counts
    return {
        name: {"a second": round(counts.total(name) / load.seconds, 1), "peak": counts.peak(name)}
        for name in sorted(counts.seconds)
    }


def _awake(gate: Gate, seen: list[float], admitted: int) -> dict[str, float | None]:
    counts = gate.counts
    return {
        "instances that saw it": len(seen),
        "half saw it after": round(seen[len(seen) // 2], 2) if seen else None,
        "the last saw it after": round(seen[-1], 2) if seen else None,
        "admitted": admitted,
        "openings refused": counts.total("opening refused"),
        "admissions refused": counts.total("admission refused"),
        "transactions in conflict": counts.total("TransactWriteItems in conflict"),
        "last refusal after": round(counts.last["admission refused"] - AT_REST, 2)
        if "admission refused" in counts.last
        else None,
    }


def _latencies(fleet: Fleet) -> dict[str, float]:
    ordered = sorted(fleet.latencies)
    return {
        "median": round(ordered[len(ordered) // 2], 1),
        "p99": round(ordered[len(ordered) * 99 // 100], 1),
        "p99.9": round(ordered[len(ordered) * 999 // 1000], 1),
    }

"""The ports as the flows get them: every call takes time, and may go wrong in each way that its port allows.

    call ....... effect ....... answer
         slow             slow
         refused          lost (done)
         killed           killed (done)
         lost, and the effect comes up to 20 seconds later, or never

A write that is sent is out of its sender's hands: when the sender is killed while it waits, the effect may come yet.
One that nobody waits for comes while its sender goes on, in a moment, up to 20 seconds later, or never.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

from canary_router.core.announcement import Announcement
from canary_router.core.conditions import Item, Key, Refusal, Write
from canary_router.core.pointers import Readings
from canary_router.errors import CanaryRouterError, Throttled, Unavailable, Uncertain
from canary_router.ports import Accepted, Broke, Execution, Invocation, Lost, Page, Ports, Refused
from canary_router.sim.journal import Arrival, Journal
from canary_router.sim.plans.plan import FAULTS, PIPELINE_FAULTS, Behaviour, Plan
from canary_router.sim.scheduler import Killed, Scheduler, Task
from canary_router.sim.world import SERVICE, Parameters, Pipelines, Table, tag_of

T = TypeVar("T")
LATE = 20_000.0
"""How long after its sender gave up a write may still arrive, milliseconds."""
PATIENCE = 5_000.0
INVOKE_PATIENCE = 10_000.0
PIPELINE_LASTS = 900_000.0
_TAKES = {"late start": (10.0, PIPELINE_LASTS), "slow": (2_500.0, 5_500.0)}
"""Milliseconds of an invocation that takes long, at least and beyond that at most; a router waits nine seconds."""
STALE = 3_000.0
STALE_AND_SEEN = "stale, and seen"
_READ_FAULTS = ("refused", "throttled", "slow", "killed before", "killed after")


class Gate:
    """Through which every call goes: it takes time, counts, and draws faults."""

    def __init__(self, scheduler: Scheduler, journal: Journal, plan: Plan) -> None:
        """Args: the run's time, record and plan."""
        self.scheduler = scheduler
        self.journal = journal
        self.plan = plan
        self._write_faults = _table({name: plan.rates[name] for name in FAULTS if name != "stale"})
        self._read_faults = _table({name: plan.rates[name] for name in _READ_FAULTS})
        self.pipeline_faults = _table(
            {name: plan.rates[f"pipeline {name}"] for name in PIPELINE_FAULTS if name != "describe lag"}
        )

    def draw(self, task: Task, table: list[tuple[float, str]], port: str) -> str:
        """The fault of this call; empty for none. What follows the port's name says whose call it is."""
        self.journal.calls += 1
        task.calls += 1
        number = task.chance.random()
        seconds = self.scheduler.seconds
        down = (outage for outage in self.plan.outages if outage.at <= seconds < outage.until)
        if any(outage.port in (port, port.split(maxsplit=1)[0]) for outage in down):
            self._note(task, "outage", port)
            return "refused"
        if number >= table[-1][0] or seconds >= self.plan.chaos or (task.name, task.calls) in self.plan.muted:
            return ""
        fault = next(name for limit, name in table if number < limit)
        self._note(task, fault, port)
        return fault

    def lag(self, rate: str, port: str, most: float) -> float:
        """How old the answer of a read is, in milliseconds."""
        if self.scheduler.seconds >= self.plan.chaos:
            return 0.0
        task = self.scheduler.running
        if task.chance.random() >= self.plan.rates[rate] or (task.name, -task.calls) in self.plan.muted:
            return 0.0
        self.journal.fault(rate, port, task.name, -task.calls)
        task.faults.append((rate, "read"))
        return task.chance.random() * most

    def latency(self, task: Task) -> float:
        """Milliseconds of one way; now and then much more than usual."""
        number = task.chance.random()
        return 1 + 10 * number if number < 0.95 else 10 + 8_000 * (number - 0.95)

    def read(self, port: str, effect: Callable[[], T]) -> T:
        """A call without effect.

        Raises:
            Unavailable: As the fault has it.
        """
        task = self.scheduler.running
        fault = self.draw(task, self._read_faults, port)
        self._before(task, fault)
        found = effect()
        self._after(task, fault)
        return found

    def write(self, port: str, effect: Callable[[], T], lost: type[CanaryRouterError] = Uncertain) -> T:
        """A call with an effect.

        Raises:
            Unavailable, Uncertain: As the fault has it.
        """
        task = self.scheduler.running
        fault = self.draw(task, self._write_faults, port)
        try:
            self._before(task, fault)
        except Killed:
            if fault != "killed before" and task.chance.random() < 0.5:
                self._later(task, effect)
            raise
        if fault in ("lost, not done", "lost, done later"):
            self.scheduler.pause(PATIENCE)
            if fault == "lost, done later":
                self._later(task, effect)
            raise lost(f"{port}: the answer did not come in time")
        if fault == "killed, done later":
            self._later(task, effect)
            raise Killed
        found = effect()
        self._after(task, fault)
        if fault == "lost, done":
            raise lost(f"{port}: the answer was lost")
        return effect() if fault == "repeated" else found

    def unheard(self, port: str, effect: Callable[[], object]) -> None:
        """A call whose sender goes on at once, and is never told what came of it."""
        task = self.scheduler.running
        fault = self.draw(task, self._write_faults, port)
        if fault == "killed before":
            raise Killed
        if fault in ("lost, done later", "killed, done later"):
            self._later(task, effect)
        elif fault not in ("refused", "throttled", "lost, not done"):
            takes = self.latency(task) + (task.chance.random() * LATE if fault == "slow" else 0.0)
            self.scheduler.at(self.scheduler.now + takes, effect)
        if fault in ("killed after", "killed, done later"):
            raise Killed

    def _before(self, task: Task, fault: str) -> None:
        self.scheduler.pause(self.latency(task))
        if fault == "slow":
            self.scheduler.pause(task.chance.random() * LATE)
        elif fault == "killed before":
            raise Killed
        elif fault == "refused":
            raise Unavailable("it does not answer")
        elif fault == "throttled":
            raise Throttled("too many calls")

    def _after(self, task: Task, fault: str) -> None:
        if fault == "killed after":
            raise Killed
        self.scheduler.pause(self.latency(task))

    def _later(self, task: Task, effect: Callable[[], object]) -> None:
        def arrive() -> None:
            self.journal.say(self.scheduler.now, task.name, "(a write of it that was given up arrives)")
            effect()

        self.scheduler.at(self.scheduler.now + task.chance.random() * LATE, arrive)

    def _note(self, task: Task, fault: str, port: str) -> None:
        task.faults.append((fault, port))
        self.journal.fault(fault, port.split(maxsplit=1)[0], task.name, task.calls)
        self.journal.say(self.scheduler.now, task.name, f"meets a fault at {port}: {fault}")


class FaultyPointers:
    """SSM."""

    def __init__(self, gate: Gate, parameters: Parameters) -> None:
        """Args: the gate and the parameters behind it."""
        self._gate = gate
        self._parameters = parameters

    def read(self, service: str) -> Readings:
        """Each parameter may be shown as it was some seconds ago."""
        del service
        gate = self._gate
        lags = (self._lag(), self._lag(), self._lag())
        return gate.read("pointers", lambda: self._noted(self._parameters.read(lags), self._parameters.read()))

    def _lag(self) -> float:
        return self._gate.lag("stale", "pointers", STALE)

    def _noted(self, shown: T, true: T) -> T:
        """A read that lags matters only where it shows something else than what is there."""
        self._gate.journal.faults[STALE_AND_SEEN, "pointers"] += shown != true
        return shown

    def put(self, service: str, leaf: str, value: str, note: str) -> int:
        """Writes."""
        del service
        who = self._gate.scheduler.running.name
        # The adapter sends it once: a second try of its own would be a second version.
        done: list[int] = []

        def effect() -> int:
            done.append(self._parameters.put(who, leaf, value, note))
            return done[-1]

        return self._gate.write("pointers", effect)

    def history(self, service: str, leaf: str, after_version: int) -> tuple[Any, ...]:
        """The newest writes may be missing."""
        del service
        lag, history = self._lag(), partial(self._parameters.history, leaf, after_version)
        return self._gate.read("pointers", lambda: self._noted(history(lag), history()))

    def services(self) -> tuple[str, ...]:
        """There is one."""
        return self._gate.read("pointers", lambda: (SERVICE,))


class FaultyLedger:
    """DynamoDB."""

    def __init__(self, gate: Gate, table: Table) -> None:
        """Args: the gate and the table behind it."""
        self._gate = gate
        self._table = table

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """A read that need not be consistent may be a little old."""
        lag = 0.0 if consistent else self._gate.lag("stale", "ledger", 1_000)
        return self._gate.read("ledger", lambda: (self._table.behind(lag) if lag else self._table).get(key))

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        """A transaction carries a token: sent twice it happens once. A single write does not."""
        who = self._gate.scheduler.running.name
        answers: list[Refusal | None] = []

        def effect() -> Refusal | None:
            if answers and len(writes) > 1:
                return answers[0]
            answers.append(self._table.commit_as(who, writes))
            return answers[-1]

        return self._gate.write("ledger", effect)

    def by_index(
        self, index: str, value: str, *, cursor: str | None = None, limit: int = 100, newest_first: bool = False
    ) -> Page:
        """An index follows with a little delay."""
        lag = self._gate.lag("stale", "ledger", 2_000)
        source = self._table.behind(lag) if lag else self._table
        return self._gate.read(
            "ledger", lambda: source.by_index(index, value, cursor=cursor, limit=limit, newest_first=newest_first)
        )

    def by_prefix(self, partition: str, prefix: str, *, cursor: str | None = None, limit: int = 100) -> Page:
        """A query of the table itself."""
        return self._gate.read("ledger", lambda: self._table.by_prefix(partition, prefix, cursor=cursor, limit=limit))


class FaultyOutbox:
    """The same table, written to by those who do not wait."""

    def __init__(self, gate: Gate, table: Table) -> None:
        """Args: the gate and the table behind it."""
        self._gate = gate
        self._table = table

    def send(self, write: Write) -> None:
        """Sends."""
        who = self._gate.scheduler.running.name
        self._gate.unheard("ledger", lambda: self._table.commit_as(who, (write,)))


class FaultyPipelines:
    """Lambda and Step Functions. A pipeline runs by itself: it may start its job long after its caller is gone."""

    def __init__(self, gate: Gate, pipelines: Pipelines) -> None:
        """Args: the gate and the pipelines behind it."""
        self._gate = gate
        self._pipelines = pipelines

    def invoke(self, function_arn: str, payload: dict[str, Any]) -> Invocation:
        """Invokes once."""
        gate, scheduler = self._gate, self._gate.scheduler
        task, sent, tag = scheduler.running, scheduler.now, tag_of(function_arn)
        fault = gate.draw(task, gate.pipeline_faults, f"invoker {tag}")
        scheduler.pause(gate.latency(task))
        if self._pipelines.behaviour(tag) is Behaviour.MISSING:
            task.faults.append(("missing", f"invoker {tag}"))
            return Refused("there is no such function")
        if fault in ("refused", "throttled"):
            return Refused("the function does not run")
        if fault == "broke before":
            scheduler.pause(gate.latency(task))
            return Broke("it failed before the start")
        least, most = _TAKES.get(fault, (10.0, 400.0))
        takes = least + task.chance.random() * most
        lag = gate.lag("pipeline describe lag", "executions", 2_000)
        if fault != "request lost":
            name = str(payload["transform_id"])

            def arrive() -> None:
                self._pipelines.start(function_arn, payload, lag)
                gate.journal.arrivals.append(Arrival(name, tag, task.name, sent, scheduler.now))

            scheduler.at(scheduler.now + takes, arrive)
        if fault == "killed":
            raise Killed
        if fault in ("request lost", "late start", "answer lost"):
            scheduler.pause(INVOKE_PATIENCE)
            return Lost("no answer in time")
        scheduler.pause(takes + gate.latency(task))
        if fault == "broke after":
            return Broke("it failed after the start")
        return Accepted(None if fault == "no arn" else self._pipelines.start(function_arn, payload, lag))

    def describe(self, execution_arn: str) -> Execution | None:
        """Looks an execution up."""
        return self._gate.read("executions", lambda: self._pipelines.describe(execution_arn))


class FaultyNotifier:
    """EventBridge."""

    def __init__(self, gate: Gate) -> None:
        """Args: the gate; what was told goes into the journal."""
        self._gate = gate

    def tell(self, announcement: Announcement) -> None:
        """Tells."""
        gate = self._gate
        told = (gate.scheduler.now, announcement)
        try:
            gate.write("notifier", lambda: gate.journal.told.append(told), lost=Unavailable)
        except Unavailable:
            gate.journal.untold.add((str(announcement.detail["release_id"]), announcement.detail_type))
            raise


class SkewedClock:
    """The clock of the machine that the running task is on."""

    def __init__(self, scheduler: Scheduler) -> None:
        """Args: where true time is kept."""
        self._scheduler = scheduler

    def now(self) -> int:
        """Milliseconds since the epoch, as this machine has them."""
        return int(self._scheduler.now + self._scheduler.running.skew)

    def pause(self, seconds: float) -> None:
        """The running task waits."""
        self._scheduler.pause(seconds * 1000)


class SilentMeter:
    """Metrics are not what is simulated."""

    def count(self, metric: str, service: str, value: float = 1, **dimensions: str) -> None:
        """Does nothing."""

    def together(self) -> AbstractContextManager[None]:
        """Nothing together is nothing."""
        return nullcontext()


def faulty_ports(gate: Gate, parameters: Parameters, table: Table, pipelines: Pipelines) -> Ports:
    """The ports that all tasks share; whose call it is, the scheduler knows."""
    starter = FaultyPipelines(gate, pipelines)
    return Ports(
        pointers=FaultyPointers(gate, parameters),
        ledger=FaultyLedger(gate, table),
        outbox=FaultyOutbox(gate, table),
        invoker=starter,
        executions=starter,
        notifier=FaultyNotifier(gate),
        meter=SilentMeter(),
        clock=SkewedClock(gate.scheduler),
    )


def _table(rates: dict[str, float]) -> list[tuple[float, str]]:
    found, total = [], 0.0
    for name, rate in rates.items():
        total += rate
        found.append((total, name))
    return found

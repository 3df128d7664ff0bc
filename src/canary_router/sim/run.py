"""One run: build the world, let the plan happen, wait until all is at rest, check."""

import logging
from dataclasses import dataclass

from canary_router.core import records
from canary_router.core.conditions import Item, Key
from canary_router.core.model import Status
from canary_router.sim.actors import Control, Deployers, FrontEnds, Stage, plan_deed
from canary_router.sim.checks import check
from canary_router.sim.evidence import Evidence, Violation
from canary_router.sim.faulty import Gate, faulty_ports
from canary_router.sim.journal import Journal
from canary_router.sim.operators import Operators
from canary_router.sim.plans.plan import Plan
from canary_router.sim.scheduler import START, Scheduler
from canary_router.sim.world import SERVICE, Parameters, Pipelines, Table, arn, behaviours, is_valid

_PATIENCE = 4_500.0
"""Virtual seconds after the last fault within which everything has to come to rest."""
_QUIET = 120.0


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    plan: Plan
    journal: Journal
    violations: tuple[Violation, ...]
    seconds: float
    releases: int


class _Run:
    def __init__(self, plan: Plan, *, story: bool) -> None:
        self.plan = plan
        self.journal = Journal(story=[] if story else None)
        self.scheduler = Scheduler(plan.seed)
        self.table = Table(self.scheduler, self.journal)
        self.parameters = Parameters(self.scheduler, self.journal)
        self.pipelines = Pipelines(self.scheduler, self.journal, behaviours(plan.deployments))
        gate = Gate(self.scheduler, self.journal, plan)
        ports = faulty_ports(gate, self.parameters, self.table, self.pipelines)
        self.stage = Stage(plan, gate, ports, self.parameters)
        self.control = Control(self.stage)
        self.front_ends = FrontEnds(self.stage)
        self.pipelines.listeners.append(self.control.on_end)

    def begin(self) -> None:
        """Plans everything that the plan has."""
        self.parameters.put("person-0", "policy", self.plan.policy, "by hand")
        if self.plan.initial is not None:
            self.parameters.put("person-0", "current", arn(self.plan.initial), "by hand")
        deployers = Deployers(self.stage, self.control)
        for deployment in self.plan.deployments:
            deployers.plan(deployment)
        for request in self.plan.requests:
            self.front_ends.plan(request)
        for deed in self.plan.deeds:
            plan_deed(self.stage, deed)
        operators = Operators(self.stage, self.control)
        for order in self.plan.orders:
            operators.plan(order)
        for at in self.plan.passes:
            self.scheduler.at(START + at * 1000, lambda: self.control.nudge("again"))

    def finish(self) -> None:
        """Lets time go by, minute by minute, until nothing is left to do."""
        ends = (outage.until for outage in self.plan.outages)
        deeds, orders = (one.at for one in self.plan.deeds), (one.at for one in self.plan.orders)
        last = max((self.plan.chaos, *ends, *deeds, *orders))
        quiet = 0.0
        for minute in range(1, int((last + _PATIENCE) / 60)):
            self.control.minute(minute)
            self.scheduler.run(START + minute * 60_000)
            quiet = quiet + 60 if self.scheduler.seconds > last and self.at_rest() else 0.0
            if quiet >= _QUIET:
                break
        self.scheduler.run()

    def at_rest(self) -> bool:
        """Whether nothing is under way: no request, no open release, no job whose end is not on record."""
        latest = self.parameters.read().latest
        if self.front_ends.outstanding or (latest is not None and is_valid(latest.value)):
            return False
        items = self.table.everything()
        state = items.get(records.state_key(SERVICE), {})
        if "open_release" in state or int(state.get("lease_until", 0)) > self.scheduler.now:
            return False
        return not any(self._is_pending(key, item) for key, item in items.items())

    def _is_pending(self, key: Key, item: Item) -> bool:
        if key.sort not in ("TRANSFORM", "FALLBACK"):
            return False
        status = Status(str(item["status"]))
        if status is Status.ADMITTED:
            return True
        job = self.journal.jobs.get(str(item.get("execution_arn", "")))
        return status is Status.RUNNING and job is not None and job.ends is not None


class _Storyteller(logging.Handler):
    """What the program logs belongs into the story, under the name of the task that logged it."""

    def __init__(self, scheduler: Scheduler, journal: Journal) -> None:
        super().__init__(logging.INFO)
        self._scheduler = scheduler
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Adds a line."""
        self._journal.say(self._scheduler.now, self._scheduler.running.name, f"logs: {record.getMessage()}")


def run(plan: Plan, *, story: bool = False) -> Outcome:
    """Runs a plan and checks what came of it.

    Args:
        plan: What is to happen.
        story: Note who did what, for a reader; it changes nothing about the run.
    """
    simulated = _Run(plan, story=story)
    log = logging.getLogger("canary_router")
    handler = _Storyteller(simulated.scheduler, simulated.journal)
    level, propagate = log.level, log.propagate
    log.setLevel(logging.INFO if story else logging.CRITICAL)
    log.propagate = False
    log.addHandler(handler)
    unforeseen: list[Violation] = []
    try:
        simulated.begin()
        simulated.finish()
    except Exception as error:  # noqa: BLE001 - whatever a flow lets through is what is being looked for
        unforeseen.append(Violation("unforeseen", f"{type(error).__name__}: {error}"))
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate
    items = simulated.table.everything()
    evidence = Evidence(plan, simulated.journal, items, simulated.parameters.read(), simulated.scheduler.now)
    violations = (*unforeseen, *check(evidence)) if not unforeseen else tuple(unforeseen)
    releases = sum(not transition.before for transition in simulated.journal.transitions)
    return Outcome(plan, simulated.journal, tuple(violations), simulated.scheduler.seconds, releases)

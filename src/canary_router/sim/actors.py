"""Who does something in a run: front-ends with their routers, the controller, deployments, people."""

import json
import logging
from collections.abc import Callable
from typing import Any

from canary_router import settings
from canary_router.api import respond
from canary_router.errors import CanaryRouterError
from canary_router.flows.budget import Budget
from canary_router.flows.operate import Released, release, withdraw
from canary_router.flows.outcome import Controller, Ended
from canary_router.flows.reconcile import Reconciler
from canary_router.flows.request import Router
from canary_router.ports import Ports
from canary_router.sim.faulty import Gate
from canary_router.sim.journal import Attempt, Job, Pass
from canary_router.sim.plans.plan import Deed, Deployment, Plan, Request
from canary_router.sim.scheduler import START, Scheduler, Task
from canary_router.sim.world import SERVICE, Parameters, arn

_log = logging.getLogger(__name__)
REQUEST_TIMEOUT = 29.0
"""What API Gateway and the request function allow."""
_ORDER_TRIES = 3
"""Lambda delivers an asynchronous event three times at most."""
_EVENT_DELAY = 90.0
_DELETED_AFTER = 5_000.0
"""Milliseconds from a withdrawal until the version's function is gone."""
_A_SECOND = 1_000.0
ENVIRONMENT = "simulated"


class Stage:
    """What every actor stands on."""

    def __init__(self, plan: Plan, gate: Gate, ports: Ports, parameters: Parameters) -> None:
        """Args: the plan, and the simulated world."""
        self.plan = plan
        self.gate = gate
        self.ports = ports
        self.parameters = parameters
        self.scheduler: Scheduler = gate.scheduler
        self.journal = gate.journal
        self.settings = settings.Settings(ENVIRONMENT, (SERVICE,), pointer_ttl=plan.pointer_ttl)

    def task(self, name: str, seconds: float | None, when: float, skew: float | None = None) -> Task:
        """A process that begins at a virtual second and is ended after so many."""
        chance = self.scheduler.chance(name)
        wrong = (2 * chance.random() - 1) * self.plan.skew if skew is None else skew
        begins = START + when * 1000
        deadline = None if seconds is None else max(begins, self.scheduler.now) + seconds * 1000
        return Task(name, chance, wrong, deadline)

    def begin(self, name: str, seconds: float | None, work: Callable[[Task], None], after: float = 0.0) -> None:
        """Starts a process after so many seconds from now."""
        when = self.scheduler.seconds + after
        task = self.task(name, seconds, when)
        self.note_clock(task)

        def body() -> None:
            self.journal.began[name] = self.scheduler.now
            work(task)

        self.scheduler.spawn(task, body, START + when * 1000)

    def note_clock(self, task: Task) -> None:
        """Counts a process whose clock is wrong by a second or more."""
        self.journal.faults["clock off by seconds", "clocks"] += abs(task.skew) >= _A_SECOND


class FrontEnds:
    """Front-end applications, and the warm router functions that answer them, each with its own memory."""

    def __init__(self, stage: Stage) -> None:
        """Args: the stage."""
        self._stage = stage
        self._idle: list[tuple[Router, float]] = []
        self._made = 0
        self.outstanding = 0

    def plan(self, request: Request) -> None:
        """Plans the first try of a request."""
        self.outstanding += 1
        self._later(request, 1, request.at)
        if request.twin:
            self.outstanding += 1
            self._later(request, 101, request.at + self._stage.scheduler.chance(request.name).choice((0.01, 0.1, 4.0)))
        if request.other_body:
            self.outstanding += 1
            self._later(request, 201, request.at + 10)

    def _later(self, request: Request, number: int, at: float) -> None:
        self._stage.scheduler.at(START + at * 1000, lambda: self._send(request, number))

    def _send(self, request: Request, number: int) -> None:
        stage, scheduler = self._stage, self._stage.scheduler
        task = stage.task(f"{request.name}.{number}", REQUEST_TIMEOUT, scheduler.seconds)
        router, task.skew = self._router(task)
        stage.note_clock(task)
        scheduler.spawn(task, lambda: self._serve(request, number, task, router))

    def _router(self, task: Task) -> tuple[Router, float]:
        if self._idle and task.chance.random() < 0.9:
            return self._idle.pop(int(task.chance.random() * len(self._idle)))
        self._made += 1
        return Router(self._stage.ports, self._stage.settings, draw=self._draw, new_id=self._new_id), task.skew

    def _draw(self) -> float:
        return self._stage.scheduler.running.chance.random()

    def _new_id(self) -> str:
        return f"t-{self._stage.scheduler.running.name}-{self._stage.scheduler.running.chance.getrandbits(24):x}"

    def _serve(self, request: Request, number: int, task: Task, router: Router) -> None:
        sent = self._stage.scheduler.now
        event = _event(request, number)
        task.calls = 0
        status, document = 0, {}
        try:
            answer = respond(router, event)
            status, document = int(answer["statusCode"]), json.loads(answer["body"])
            self._idle.append((router, task.skew))
        finally:
            self._answered(request, number, task, (sent, status, document))

    def _answered(self, request: Request, number: int, task: Task, answer: tuple[float, int, dict[str, Any]]) -> None:
        sent, status, document = answer
        now = self._stage.scheduler.now
        other = number > 200
        self._stage.journal.attempts.append(
            Attempt(request.name, number, request.key, other, sent, now, status, document, tuple(task.faults))
        )
        said = f"{status} {document.get('transform_id', '')} {document.get('detail', document.get('route', ''))}"
        self._stage.journal.say(now, task.name, f"answers {said}" if status else "is gone without an answer")
        once_only = request.key is not None
        again = status in (502, 503) or (once_only and status in (0, 504))
        if not again or other or number % 100 >= request.tries:
            self.outstanding -= 1
            return
        delay = task.chance.choice((1.0, 3.0, 5.0, 15.0, 40.0))
        if request.is_patient:
            delay = 40.0 + 60 * task.chance.random()
        elif once_only and task.chance.random() < 0.06:
            delay = settings.GRACE_SECONDS + 10
        self._later(request, number + 1, self._stage.scheduler.seconds + delay)


def _event(request: Request, number: int) -> dict[str, Any]:
    document: dict[str, Any] = {"request": request.name}
    if request.key is None:
        document["attempt"] = number
    if number > 200:
        document["other"] = True
    return {
        "httpMethod": "POST",
        "pathParameters": {"service": SERVICE},
        "headers": {} if request.key is None else {"Idempotency-Key": request.key},
        "body": json.dumps(document),
    }


class Control:
    """The controller's function: once a minute, at each end of a job, and whenever it is nudged."""

    def __init__(self, stage: Stage) -> None:
        """Args: the stage."""
        self._stage = stage
        self._runs = 0
        self._newest_told = 0.0

    def minute(self, number: int) -> None:
        """One pass of the schedule."""
        chance = self._stage.scheduler.chance(f"schedule {number}")
        chaos = self._stage.scheduler.seconds < self._stage.plan.chaos
        if chaos and chance.random() < self._stage.plan.rates["event lost"] / 4:
            return
        self._stage.begin(f"minute-{number}", settings.OUTCOME_TIMEOUT, self._pass, after=chance.random())

    def nudge(self, who: str) -> None:
        """A pass at once."""
        self._runs += 1
        self._stage.begin(f"nudge-{who}-{self._runs}", settings.OUTCOME_TIMEOUT, self._pass)

    def _pass(self, task: Task) -> None:
        stage = self._stage
        began = stage.scheduler.now
        controller = Controller(stage.ports, stage.settings, owner=task.name)
        try:
            reconciler = Reconciler(controller, stage.settings)
            reconciler.reconcile(SERVICE)
            reconciler.settle_pending(SERVICE, Budget(controller.ports.clock, settings.OUTCOME_TIMEOUT))
        except CanaryRouterError as error:
            stage.journal.say(stage.scheduler.now, task.name, f"gives up: {error}")
            return
        clean = not task.faults and task.name not in stage.journal.without_lease
        stage.journal.passes.append(Pass(task.name, began, stage.scheduler.now, clean=clean))

    def on_end(self, job: Job) -> None:
        """EventBridge tells of an execution's end: at least once, at most never, and in no order."""
        stage = self._stage
        chance = stage.scheduler.chance(f"event {job.arn}")
        chaos = stage.scheduler.seconds < stage.plan.chaos
        rates = stage.plan.rates if chaos else dict.fromkeys(("event lost", "event twice", "event late"), 0.0)
        lost, twice, late = (chance.random() < rates[kind] for kind in ("event lost", "event twice", "event late"))
        for happened, kind in ((lost, "event lost"), (twice, "event twice"), (late, "event late")):
            stage.journal.faults[kind, "events"] += happened
        for copy in range(0 if lost else 2 if twice else 1):
            delay = chance.random() * (_EVENT_DELAY if late or copy else 0.5)
            self._deliver(job, f"event-{job.name}-{job.tag}-{copy}", 1, delay)

    def _deliver(self, job: Job, name: str, number: int, delay: float) -> None:
        def run(task: Task) -> None:
            done = False
            self._note_order(job)
            try:
                Controller(self._stage.ports, self._stage.settings, owner=task.name).on_ended(
                    Ended(job.name, job.arn, job.outcome)
                )
                done = True
            except CanaryRouterError as error:
                self._stage.journal.say(self._stage.scheduler.now, task.name, f"gives up: {error}")
            finally:
                if not done and number < _ORDER_TRIES:
                    self._deliver(job, name, number + 1, 60.0 * number)

        self._stage.begin(f"{name}.{number}", settings.OUTCOME_TIMEOUT, run, after=delay)

    def _note_order(self, job: Job) -> None:
        ended = job.ends or 0.0
        self._stage.journal.faults["event reordered", "events"] += ended < self._newest_told
        self._newest_told = max(self._newest_told, ended)


class Deployers:
    """CloudFormation at the end of a deployment: writes ``latest``; and at its rollback: withdraws that write."""

    def __init__(self, stage: Stage, control: Control) -> None:
        """Args: the stage, and whom to nudge."""
        self._stage = stage
        self._control = control

    def plan(self, deployment: Deployment) -> None:
        """Plans a deployment."""
        self._stage.scheduler.at(START + deployment.at * 1000, lambda: self._order(deployment, 1, 0.0))

    def _order(self, deployment: Deployment, number: int, delay: float) -> None:
        def run(_task: Task) -> None:
            released: Released | None = None
            try:
                released = release(self._stage.ports.pointers, SERVICE, arn(deployment.tag), deployment.name)
            except CanaryRouterError:
                pass
            finally:
                if released is None and number < _ORDER_TRIES:
                    self._order(deployment, number + 1, 20.0)
            if released is not None:
                self._control.nudge(deployment.name)
                if deployment.withdrawn_after is not None:
                    self._withdraw(deployment, released, 1, deployment.withdrawn_after)

        self._stage.begin(f"{deployment.name}.{number}", settings.OUTCOME_TIMEOUT, run, after=delay)

    def _withdraw(self, deployment: Deployment, released: Released, number: int, delay: float) -> None:
        def run(_task: Task) -> None:
            done = False
            try:
                withdraw(self._stage.ports.pointers, SERVICE, released, is_patient=number == 1)
                done = True
            except CanaryRouterError:
                pass
            finally:
                if not done and number < _ORDER_TRIES:
                    self._withdraw(deployment, released, number + 1, 30.0)
            if done:
                self._control.nudge(f"{deployment.name}-withdrawal")
                self._delete_stack(deployment)

        self._stage.begin(f"{deployment.name}-withdrawal.{number}", settings.OUTCOME_TIMEOUT, run, after=delay)

    def _delete_stack(self, deployment: Deployment) -> None:
        """CloudFormation deletes what was rolled back, unless another deployment is of the same version."""
        others = (one.tag for one in self._stage.plan.deployments if one.name != deployment.name)
        if deployment.tag not in others:
            now, gone = self._stage.scheduler.now, self._stage.journal.gone
            self._stage.scheduler.at(now + _DELETED_AFTER, lambda: gone.setdefault(deployment.tag, now))


def plan_deed(stage: Stage, deed: Deed) -> None:
    """Plans what a person does in the console, at once and without a fault."""

    def act() -> None:
        if deed.value is None:
            stage.parameters.delete(deed.name, deed.leaf)
            return
        value = arn(deed.value) if deed.value.startswith("v") else deed.value
        stage.parameters.put(deed.name, deed.leaf, stage.plan.policy if value == "corrected" else value, "by hand")

    stage.scheduler.at(START + deed.at * 1000, act)

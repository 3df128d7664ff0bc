"""Starts one job on one version, at most once, and finds out whether it was.

The execution's name is the transform's id, so invoking the same target twice gives one job. Invoking *another*
target is safe only after it is certain that nothing was started and that nothing can start any more:

    answer of the pipeline          what is certain                       so
    with an execution               it was started                        RUNNING
    did not run (throttled, ...)    this invocation started nothing       not started, if it was the only one
    ended in an error, or without   nothing more can start                same once more; wait; look the execution up
    lost                            nothing: it may be running still      same target, same id, once more
"""

import logging
from dataclasses import dataclass, replace
from typing import TypeAlias

from canary_router.core import changes
from canary_router.core.model import Route, Status, Transform
from canary_router.core.pointers import execution_arn_of, is_execution_of
from canary_router.core.records import key_of, transform_of
from canary_router.errors import Unavailable, Uncertain
from canary_router.flows.budget import Budget
from canary_router.ports import Accepted, Broke, Lost, Ports, Refused
from canary_router.settings import CALL_SECONDS, INVOKE_SECONDS, LOOK_UP_SECONDS

_log = logging.getLogger(__name__)
_INVOCATIONS = 2
_WITHOUT_EXECUTION = "the pipeline answered without this job's execution_arn"


@dataclass(frozen=True)
class Started:
    """The job is running, or has run: ``status`` says which, where the execution was looked up."""

    execution_arn: str
    status: Status = Status.RUNNING


@dataclass(frozen=True)
class NotStarted:
    """The invocations that were sent have not started the job, and cannot any more."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """Nobody can tell now whether the job was started."""

    reason: str


Start: TypeAlias = Started | NotStarted | Unknown


def start(ports: Ports, transform: Transform, document: object, budget: Budget) -> Start:
    """Invokes the pipeline of a transform's target, twice at most, and says what is certain afterwards.

    Args:
        ports: To invoke and to look up.
        transform: The job; it goes to its target and nowhere else.
        document: The job's input.
        budget: The time that is left. On latest enough of it is kept for current to take over.
    """
    payload = {
        "transform_id": transform.transform_id,
        "service": transform.service,
        "version": transform.target.tag,
        "input": document,
    }
    kept = INVOKE_SECONDS if transform.route is Route.LATEST else 0.0
    lost = broke = ""
    for attempt in range(_INVOCATIONS):
        if attempt > 0 and not budget.has(INVOKE_SECONDS + kept):
            return Unknown(lost or broke)
        answer = ports.invoker.invoke(transform.target.arn, payload)
        if isinstance(answer, Accepted) and is_execution_of(answer.execution_arn or "", transform.transform_id):
            return Started(str(answer.execution_arn))
        if isinstance(answer, Refused):
            if lost or broke:
                break
            return NotStarted(answer.reason)
        if isinstance(answer, Lost):
            lost = answer.reason
            continue
        broke = answer.reason if isinstance(answer, Broke) else _WITHOUT_EXECUTION
        # A look-up may be too early to see what was just started, so it settles a start, not its absence.
        if budget.has(CALL_SECONDS + kept) and isinstance(found := look_up(ports, transform), Started):
            return found
    if not budget.has(CALL_SECONDS + LOOK_UP_SECONDS + kept):
        return Unknown(lost or broke)
    if not lost:
        ports.clock.pause(LOOK_UP_SECONDS)
    return _concluded(look_up(ports, transform), lost, broke)


def _concluded(found: Start, lost: str, broke: str) -> Start:
    if isinstance(found, Started):
        return found
    if lost:
        return Unknown(lost)
    return NotStarted(broke) if isinstance(found, NotStarted) else Unknown(broke)


def look_up(ports: Ports, transform: Transform) -> Start:
    """Looks for the execution where the contract's names say that it has to be."""
    arn = transform.execution_arn or execution_arn_of(transform.service, transform.target, transform.transform_id)
    if arn is None:
        return Unknown(f"{transform.target.tag} is not named by the contract, so its executions cannot be looked up")
    try:
        execution = ports.executions.describe(arn)
    except Unavailable as error:
        return Unknown(str(error))
    if execution is None:
        return NotStarted("there is no execution of that name")
    return Started(execution.execution_arn, execution.status)


def mark(ports: Ports, transform: Transform, execution_arn: str) -> None:
    """Records that a transform runs. When that fails the job still runs; the controller finds it by its name."""
    try:
        ports.ledger.commit(changes.mark_running(transform, execution_arn))
    except (Unavailable, Uncertain) as error:
        _log.warning("%s runs as %s, not recorded yet: %s", transform.transform_id, execution_arn, error)


def send_mark(ports: Ports, transform: Transform, execution_arn: str) -> None:
    """Sends the same on its way while the caller gets its answer: for a job that nobody will look for by a key.

    request      invoke: started .... mark sent ... 202          nobody has waited
    the record   ........................ ADMITTED ......... RUNNING, or for ever ADMITTED until somebody looks

    Whoever looks finds the execution by its name. A pipeline with a name of its own has none that could be known, so
    where its job runs only the mark can tell, and that has to be heard.
    """
    if execution_arn_of(transform.service, transform.target, transform.transform_id) != execution_arn:
        mark(ports, transform, execution_arn)
        return
    for write in changes.mark_running(transform, execution_arn):
        ports.outbox.send(write)


def give_up(ports: Ports, transform: Transform) -> Transform | None:
    """Records that a transform was not started, unless the record knows better.

    Returns:
        The transform as it is on record afterwards: NOT_STARTED, or what somebody else has recorded meanwhile.
        None when the record could not be written, or when it is not known whether it was.
    """
    now = ports.clock.now()
    try:
        refusal = ports.ledger.commit(changes.settle_not_started(transform, now))
        if refusal is None:
            ports.meter.count("Outcome", transform.service, Status=Status.NOT_STARTED.value)
            return replace(transform, status=Status.NOT_STARTED, settled_at=now)
        stored = ports.ledger.get(key_of(transform))
        return None if stored is None else transform_of(stored)
    except (Unavailable, Uncertain) as error:
        _log.warning("%s was not started, not recorded yet: %s", transform.transform_id, error)
        return None

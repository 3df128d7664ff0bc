"""The request path: a job comes in, and leaves as one started execution or as an honest error.

- Asleep, a job costs one invocation and now and then one look at the pointers.
- Trouble with the canary never stops current: whatever keeps a job from being admitted sends it there.
- An uncertain job is never run on the other version.
- With a key every job is on record before it is started, so that a retry finds it (``keyed.py``).
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from canary_router.core import changes
from canary_router.core.model import Route, Status, Transform, Version
from canary_router.core.pointers import Invalid, Pointers
from canary_router.core.policy import Policy
from canary_router.errors import (
    NoCurrentVersion,
    NotFound,
    NotStartedOnCurrent,
    StartUnknown,
    Unavailable,
    Uncertain,
)
from canary_router.flows.admission import Admission, Canary
from canary_router.flows.budget import Budget
from canary_router.flows.starting import NotStarted, Started, give_up, mark, send_mark, start
from canary_router.flows.view import View
from canary_router.ports import Ports
from canary_router.settings import CALL_SECONDS, INVOKE_SECONDS, Settings

_log = logging.getLogger(__name__)
_ADMITTED = (Admission.TAKEN, Admission.EXISTS)


@dataclass(frozen=True)
class Job:
    """What a front-end sent: the input as a JSON value, and its SHA-256 in canonical form."""

    service: str
    document: Any
    input_hash: str
    idempotency_key: str | None = None


class Router:
    """The flow of jobs without a key through one running router, and the steps that both flows share."""

    def __init__(
        self, ports: Ports, settings: Settings, *, draw: Callable[[], float], new_id: Callable[[], str]
    ) -> None:
        """Takes randomness from outside: ``draw`` is uniform over 0 <= x < 1, ``new_id`` never repeats itself."""
        self.ports = ports
        self.settings = settings
        self.view = View(ports, settings)
        self.canary = Canary(ports, self.view, draw)
        self._new_id = new_id

    def submit(self, job: Job) -> Transform:
        """Starts a job that carries no key.

        Returns:
            The transform, with its execution.

        Raises:
            NotFound: The service is unknown.
            NoCurrentVersion: Nothing can serve it.
            NotStartedOnCurrent: Current's pipeline did not start it.
            StartUnknown: It is not known whether it was started.
        """
        budget = Budget(self.ports.clock)
        pointers, current = self.pointers_of(job.service)
        release = self.canary.offer(pointers, budget)
        if release is not None:
            offered = self.new_transform(job, self._new_id(), release.target, release.release_id)
            # The id is new, so a transform of that id on record is this one: the first answer was lost.
            if self.canary.admit(release, offered, job.document, budget) in _ADMITTED:
                return self._start_on_latest(offered, job, current, budget)
        transform = self.new_transform(job, self._new_id(), current, None)
        is_asked_for = isinstance(pointers.policy, Policy) and pointers.policy.record == "all"
        recorded = is_asked_for and budget.has(CALL_SECONDS + INVOKE_SECONDS)
        if recorded:
            self._try_to_record(transform)
        return self.start_on_current(transform, job, budget, recorded=recorded)

    def _start_on_latest(self, transform: Transform, job: Job, current: Version, budget: Budget) -> Transform:
        answer = start(self.ports, transform, job.document, budget)
        if isinstance(answer, Started):
            if budget.has(CALL_SECONDS):
                send_mark(self.ports, transform, answer.execution_arn)
            return replace(transform, status=Status.RUNNING, execution_arn=answer.execution_arn)
        if not isinstance(answer, NotStarted):
            raise start_unknown(transform, answer.reason)
        # What cannot be recorded in time the controller records, once the grace time is over.
        has_time = budget.has(2 * CALL_SECONDS + INVOKE_SECONDS)
        on_record = give_up(self.ports, transform) if has_time else None
        if on_record is not None and on_record.execution_arn is not None:
            return on_record
        # Nobody else knows this id, so that it was not started is certain even where it could not be recorded.
        taken_over = self.taken_over(transform, current)
        if has_time and budget.has(CALL_SECONDS + INVOKE_SECONDS):
            self._try_to_record(taken_over)
        return self.start_on_current(taken_over, job, budget, recorded=True)

    def start_on_current(self, transform: Transform, job: Job, budget: Budget, *, recorded: bool) -> Transform:
        """Starts a job on the current version.

        Args:
            transform: The job.
            job: What was sent.
            budget: The time that is left.
            recorded: Whether the transform was put on record, so that its start belongs there too.

        Raises:
            NotStartedOnCurrent: Its pipeline did not start it.
            StartUnknown: It is not known whether it did.
        """
        answer = start(self.ports, transform, job.document, budget)
        if isinstance(answer, Started):
            # Without the time for it, the controller marks it: it finds the execution by its name.
            if recorded and budget.has(CALL_SECONDS):
                # A retry with the key reads the record: without the mark it would invoke once more.
                note = send_mark if job.idempotency_key is None else mark
                note(self.ports, transform, answer.execution_arn)
            return replace(transform, status=Status.RUNNING, execution_arn=answer.execution_arn)
        if not isinstance(answer, NotStarted):
            raise start_unknown(transform, answer.reason)
        on_record = give_up(self.ports, transform) if recorded and budget.has(2 * CALL_SECONDS) else None
        if on_record is not None and on_record.execution_arn is not None:
            return on_record
        # Somebody who retries with the key reads the record: without NOT_STARTED on it, the job is not given up.
        if job.idempotency_key is not None and (on_record is None or not on_record.status.is_final):
            raise start_unknown(transform, answer.reason)
        raise NotStartedOnCurrent(
            f"The pipeline of {transform.target.tag} did not start the job: {answer.reason}",
            transform_id=transform.transform_id,
            advice="Nothing was started. Look at the pipeline function's log, then send the job again.",
        )

    def check_serves(self, service: str) -> None:
        """Refuses a service that is not this router's, before anything is asked about it.

        Raises:
            NotFound: It is not.
        """
        known = self.settings.services
        if known and service not in known:
            raise NotFound(f"There is no service {service!r}", advice=f"The services are: {', '.join(known)}.")

    def pointers_of(self, service: str) -> tuple[Pointers, Version]:
        """The pointers of a service and its current version.

        Raises:
            NotFound: The service is unknown.
            NoCurrentVersion: It has no current version, or that cannot be read.
        """
        self.check_serves(service)
        try:
            pointers = self.view.pointers(service)
        except Unavailable as error:
            raise NoCurrentVersion(
                f"The pointers of {service!r} cannot be read: {error}", advice="Try again in a moment."
            ) from error
        if pointers is None and not self.settings.services:
            raise NotFound(f"There is no service {service!r}", advice="Nothing was ever released for it.")
        if pointers is None or not isinstance(pointers.current, Version):
            is_invalid = pointers is not None and isinstance(pointers.current, Invalid)
            raise NoCurrentVersion(
                f"{service!r} has no current version" + (": its pointer 'current' is invalid" if is_invalid else ""),
                advice="Somebody has to correct it, by hand."
                if is_invalid
                else "Release one: its deployment writes the pointer 'latest'.",
            )
        return pointers, pointers.current

    def new_transform(self, job: Job, transform_id: str, target: Version, release_id: str | None) -> Transform:
        """A transform that nobody has invoked for yet."""
        now = self.ports.clock.now()
        return Transform(
            transform_id=transform_id,
            service=job.service,
            route=Route.CURRENT if release_id is None else Route.LATEST,
            target=target,
            status=Status.ADMITTED,
            created_at=now,
            attempted_at=now,
            input_hash=job.input_hash,
            release_id=release_id,
        )

    def taken_over(self, transform: Transform, current: Version) -> Transform:
        """The second half of the record of a transform that latest did not start: current takes it over."""
        self.ports.meter.count("CanaryFallback", transform.service)
        now = self.ports.clock.now()
        return replace(
            transform,
            route=Route.CURRENT,
            target=current,
            status=Status.ADMITTED,
            release_id=None,
            attempts=1,
            created_at=now,
            attempted_at=now,
            settled_at=None,
            kept_input=False,  # a rescue is for a canary's job
            fallback=True,
        )

    def _try_to_record(self, transform: Transform) -> None:
        try:
            self.ports.ledger.commit(changes.record(transform))
        except (Unavailable, Uncertain) as error:
            _log.warning("%s is not on record; it is started all the same: %s", transform.transform_id, error)


def start_unknown(transform: Transform, reason: str) -> StartUnknown:
    """The error for a job of which nobody knows whether it was started."""
    return StartUnknown(
        f"It is not known whether {transform.target.tag} started the job: {reason}",
        transform_id=transform.transform_id,
        advice="Send it again with the same Idempotency-Key: that is safe, and gives the one job.",
    )

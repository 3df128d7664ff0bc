"""Jobs with an ``Idempotency-Key``: the same key is the same job, across retries, crashes and a flip.

The transform's id is made of service and key, and the record is written before anything is invoked. Two rules keep
it one job, whoever retries and whenever:

- An invocation may always be sent again to the *same* target: the execution's name makes it one job.
- Another target may be tried only when NOT_STARTED is on record, and that is recorded only by the one attempt that
  was ever sent, or after the grace time, when no invocation can be under way any more:

    retry A   join (attempts 2) ... invoke latest: throttled -> may not say NOT_STARTED: B is under way -> 504
    retry B   ......... join (attempts 3) ....... invoke latest: started -> RUNNING, 202
"""

from dataclasses import replace

from canary_router.core import changes, records
from canary_router.core.model import Route, Status, Transform, Version
from canary_router.core.routing import transform_id_for_key
from canary_router.errors import (
    KeyReused,
    NoCurrentVersion,
    NotStartedOnCurrent,
    RecordUnavailable,
    Unavailable,
    Uncertain,
)
from canary_router.flows.admission import Admission
from canary_router.flows.budget import Budget
from canary_router.flows.request import Job, Router, start_unknown
from canary_router.flows.starting import NotStarted, Started, give_up, look_up, mark, start
from canary_router.settings import CALL_SECONDS, INVOKE_SECONDS

_ROUNDS = 5
"""How often the record is read again because somebody else has changed it meanwhile."""


def submit_keyed(router: Router, job: Job, key: str) -> Transform:
    """Starts a job that carries a key, or returns the one that the key stands for.

    Raises:
        KeyReused: The key came with another input before.
        RecordUnavailable: The record does not answer, and nothing was started.
        NotFound, NoCurrentVersion, NotStartedOnCurrent, StartUnknown: As ``Router.submit``.
    """
    return _KeyedJob(router, job, transform_id_for_key(job.service, key)).submit()


class _KeyedJob:
    """One request for one job. The steps read as the protocol does: on record, resumed, begun."""

    def __init__(self, router: Router, job: Job, transform_id: str) -> None:
        self._router = router
        self._ports = router.ports
        self._job = job
        self._transform_id = transform_id
        self._budget = Budget(router.ports.clock)

    def submit(self) -> Transform:
        transform: Transform | None = None
        for turn in range(_ROUNDS):
            if turn > 0 and not self._budget.has(CALL_SECONDS):
                break
            transform = self._on_record()
            if not self._budget.has(2 * CALL_SECONDS + INVOKE_SECONDS):
                break
            if transform is None:
                begun = self._create()
                if begun is not None:
                    return self._begin(begun)
            else:
                resumed = self._resumed(transform)
                if resumed is not None:
                    return resumed
        if transform is None:
            raise RecordUnavailable(
                "The record could not be written in time", advice="Nothing was started. Send it again in a moment."
            )
        raise start_unknown(transform, "other requests with this key are under way, or the record is slow")

    def _on_record(self) -> Transform | None:
        try:
            item = self._ports.ledger.get(records.transform_key(self._transform_id))
        except Unavailable as error:
            raise _record_unavailable(error) from error
        if item is None:
            return None
        transform = records.transform_of(item)
        if transform.input_hash != self._job.input_hash:
            raise KeyReused(
                "This Idempotency-Key was used with another body",
                advice="Use a new key for a new job, and the same body for a retry.",
            )
        return transform

    def _create(self) -> Transform | None:
        """Puts a new job on record; None when it has to be read again."""
        router = self._router
        pointers, current = router.pointers_of(self._job.service)
        # Whatever the canary takes, the time for the record and for current is left.
        release = router.canary.offer(pointers, self._budget, CALL_SECONDS + INVOKE_SECONDS)
        if release is not None:
            offered = router.new_transform(self._job, self._transform_id, release.target, release.release_id)
            admission = router.canary.admit(release, offered, self._job.document, self._budget)
            if admission is Admission.TAKEN:
                return offered
            if admission is not Admission.REFUSED:
                return None
        transform = router.new_transform(self._job, self._transform_id, current, None)
        try:
            refusal = self._ports.ledger.commit(changes.record(transform))
        except Unavailable as error:
            raise _record_unavailable(error) from error
        except Uncertain:
            return None
        return transform if refusal is None else None

    def _begin(self, transform: Transform) -> Transform:
        """Sends the first invocation of a transform whose record is this request's own."""
        if transform.route is Route.CURRENT:
            return self._start_on_current(transform)
        answer = start(self._ports, transform, self._job.document, self._budget)
        if isinstance(answer, Started):
            return self._running(transform, answer)
        if not isinstance(answer, NotStarted) or not self._budget.has(2 * CALL_SECONDS + INVOKE_SECONDS):
            raise start_unknown(transform, answer.reason)
        on_record = give_up(self._ports, transform)
        if on_record is None or on_record.status is Status.ADMITTED:
            raise start_unknown(transform, f"{answer.reason}; another attempt may be under way")
        resumed = self._resumed(on_record)
        if resumed is None:
            raise start_unknown(transform, "another attempt is under way")
        return resumed

    def _resumed(self, transform: Transform) -> Transform | None:
        try:
            return self._resume(transform)
        except (Unavailable, Uncertain) as error:
            raise start_unknown(transform, str(error)) from error

    def _resume(self, transform: Transform) -> Transform | None:
        """Goes on with a job that is on record; None when the record has changed and has to be read again."""
        if transform.status is Status.NOT_STARTED:
            return self._resume_not_started(transform)
        if transform.status is not Status.ADMITTED:
            return transform
        now = self._ports.clock.now()
        is_overdue = now - transform.attempted_at > self._router.settings.grace * 1000
        if is_overdue and self._budget.has(3 * CALL_SECONDS):
            found = look_up(self._ports, transform)
            if isinstance(found, Started):
                return self._running(transform, found)
            if isinstance(found, NotStarted):
                give_up(self._ports, transform)
                return None
        if not self._budget.has(CALL_SECONDS + INVOKE_SECONDS):
            raise start_unknown(transform, "the record is slow")
        if self._ports.ledger.commit(changes.join_attempt(transform, now)) is not None:
            return None
        joined = replace(transform, attempts=transform.attempts + 1, attempted_at=now)
        answer = start(self._ports, joined, self._job.document, self._budget)
        if isinstance(answer, Started):
            return self._running(joined, answer)
        if isinstance(answer, NotStarted) and self._budget.has(CALL_SECONDS):
            self._ports.ledger.commit(changes.leave_attempt(joined, transform.attempted_at))
        raise start_unknown(joined, f"{answer.reason}; an earlier attempt may be under way")

    def _resume_not_started(self, transform: Transform) -> Transform | None:
        if transform.route is Route.LATEST:
            # Before the pointers: whatever is current by now, another attempt may have started the job there.
            item = self._ports.ledger.get(records.transform_key(transform.transform_id, fallback=True))
            if item is not None:
                return self._resume(records.transform_of(item))
        self._check_time()
        current = self._current_version(transform)
        self._check_time()
        if transform.route is Route.CURRENT:
            now = self._ports.clock.now()
            if self._ports.ledger.commit(changes.start_again(transform, current, now)) is not None:
                return None
            return self._start_on_current(changes.started_again(transform, current, now))
        taken_over = self._router.taken_over(transform, current)
        if self._ports.ledger.commit(changes.record(taken_over)) is not None:
            return None
        return self._start_on_current(taken_over)

    def _check_time(self) -> None:
        if not self._budget.has(CALL_SECONDS + INVOKE_SECONDS):
            raise RecordUnavailable("The record is slow", advice="Nothing was started. Send it again in a moment.")

    def _start_on_current(self, transform: Transform) -> Transform:
        return self._router.start_on_current(transform, self._job, self._budget, recorded=True)

    def _current_version(self, transform: Transform) -> Version:
        try:
            return self._router.pointers_of(self._job.service)[1]
        except NoCurrentVersion as error:
            raise NotStartedOnCurrent(
                f"{transform.target.tag} did not start the job, and {error}",
                transform_id=transform.transform_id,
                advice="Nothing was started. Send it again with the same key in a moment.",
            ) from error

    def _running(self, transform: Transform, answer: Started) -> Transform:
        if self._budget.has(CALL_SECONDS):
            mark(self._ports, transform, answer.execution_arn)
        return replace(transform, status=Status.RUNNING, execution_arn=answer.execution_arn)


def _record_unavailable(error: Exception) -> RecordUnavailable:
    return RecordUnavailable(
        f"The record does not answer, and only it can promise that this key is one job: {error}",
        advice="This call has started nothing. Send it again in a moment, with the same key.",
    )

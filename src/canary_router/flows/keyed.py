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
from canary_router.flows.request import Job, Router, start_unknown
from canary_router.flows.starting import NotStarted, Started, give_up, look_up, mark, start

_ROUNDS = 5
"""How often the record is read again because somebody else has changed it meanwhile."""


def submit_keyed(router: Router, job: Job, key: str) -> Transform:
    """Starts a job that carries a key, or returns the one that the key stands for.

    Raises:
        KeyReused: The key came with another input before.
        RecordUnavailable: The record does not answer, and nothing was started.
        NotFound, NoCurrentVersion, NotStartedOnCurrent, StartUnknown: As ``Router.submit``.
    """
    transform_id = transform_id_for_key(job.service, key)
    transform: Transform | None = None
    for _ in range(_ROUNDS):
        transform = _on_record(router, job, transform_id)
        if transform is None:
            begun = _create(router, job, transform_id)
            if begun is not None:
                return _begin(router, job, begun)
        else:
            resumed = _resumed(router, job, transform)
            if resumed is not None:
                return resumed
    if transform is None:
        raise RecordUnavailable(
            "The record cannot be written", advice="Nothing was started. Send it again in a moment."
        )
    raise start_unknown(transform, "other requests with this key are under way")


def _on_record(router: Router, job: Job, transform_id: str) -> Transform | None:
    try:
        item = router.ports.ledger.get(records.transform_key(transform_id))
    except Unavailable as error:
        raise _record_unavailable(error) from error
    if item is None:
        return None
    transform = records.transform_of(item)
    if transform.input_hash != job.input_hash:
        raise KeyReused(
            "This Idempotency-Key was used with another body",
            advice="Use a new key for a new job, and the same body for a retry.",
        )
    return transform


def _create(router: Router, job: Job, transform_id: str) -> Transform | None:
    """Puts a new job on record; None when it has to be read again."""
    pointers, current = router.pointers_of(job.service)
    release = router.canary.offer(pointers)
    if release is not None:
        offered = router.new_transform(job, transform_id, release.target, release.release_id)
        admission = router.canary.admit(release, offered, job.document)
        if admission is Admission.TAKEN:
            return offered
        if admission is not Admission.REFUSED:
            return None
    transform = router.new_transform(job, transform_id, current, None)
    try:
        refusal = router.ports.ledger.commit(changes.record(transform))
    except Unavailable as error:
        raise _record_unavailable(error) from error
    except Uncertain:
        return None
    return transform if refusal is None else None


def _begin(router: Router, job: Job, transform: Transform) -> Transform:
    """Sends the first invocation of a transform whose record is this request's own."""
    if transform.route is Route.CURRENT:
        return router.start_on_current(transform, job, recorded=True)
    answer = start(router.ports, transform, job.document)
    if isinstance(answer, Started):
        return _running(router, transform, answer)
    if not isinstance(answer, NotStarted):
        raise start_unknown(transform, answer.reason)
    on_record = give_up(router.ports, transform)
    if on_record is None or on_record.status is Status.ADMITTED:
        raise start_unknown(transform, f"{answer.reason}; another attempt may be under way")
    resumed = _resumed(router, job, on_record)
    if resumed is None:
        raise start_unknown(transform, "another attempt is under way")
    return resumed


def _resumed(router: Router, job: Job, transform: Transform) -> Transform | None:
    try:
        return _resume(router, job, transform)
    except (Unavailable, Uncertain) as error:
        raise start_unknown(transform, str(error)) from error


def _resume(router: Router, job: Job, transform: Transform) -> Transform | None:
    """Goes on with a job that is on record; None when the record has changed and has to be read again."""
    if transform.status is Status.NOT_STARTED:
        return _resume_not_started(router, job, transform)
    if transform.status is not Status.ADMITTED:
        return transform
    ports = router.ports
    now = ports.clock.now()
    if now - transform.attempted_at > router.settings.grace * 1000:
        found = look_up(ports, transform)
        if isinstance(found, Started):
            return _running(router, transform, found)
        if isinstance(found, NotStarted):
            give_up(ports, transform)
            return None
    if ports.ledger.commit(changes.join_attempt(transform, now)) is not None:
        return None
    joined = replace(transform, attempts=transform.attempts + 1, attempted_at=now)
    answer = start(ports, joined, job.document)
    if isinstance(answer, Started):
        return _running(router, joined, answer)
    raise start_unknown(joined, f"{answer.reason}; an earlier attempt may be under way")


def _resume_not_started(router: Router, job: Job, transform: Transform) -> Transform | None:
    current = _current_version(router, job, transform)
    if transform.route is Route.CURRENT:
        now = router.ports.clock.now()
        if router.ports.ledger.commit(changes.start_again(transform, current, now)) is not None:
            return None
        again = replace(
            transform, status=Status.ADMITTED, target=current, attempts=1, attempted_at=now, settled_at=None
        )
        return router.start_on_current(again, job, recorded=True)
    item = router.ports.ledger.get(records.transform_key(transform.transform_id, fallback=True))
    if item is not None:
        return _resume(router, job, records.transform_of(item))
    taken_over = router.taken_over(transform, current)
    if router.ports.ledger.commit(changes.record(taken_over)) is not None:
        return None
    return router.start_on_current(taken_over, job, recorded=True)


def _current_version(router: Router, job: Job, transform: Transform) -> Version:
    try:
        return router.pointers_of(job.service)[1]
    except NoCurrentVersion as error:
        raise NotStartedOnCurrent(
            f"{transform.target.tag} did not start the job, and {error}",
            transform_id=transform.transform_id,
            advice="Nothing was started. Send it again with the same key in a moment.",
        ) from error


def _running(router: Router, transform: Transform, answer: Started) -> Transform:
    mark(router.ports, transform, answer.execution_arn)
    return replace(transform, status=Status.RUNNING, execution_arn=answer.execution_arn)


def _record_unavailable(error: Exception) -> RecordUnavailable:
    return RecordUnavailable(
        f"The record does not answer, and only it can promise that this key is one job: {error}",
        advice="Nothing was started. Send it again in a moment, or without a key.",
    )

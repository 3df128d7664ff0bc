"""Gathers what is on record about one job. Reads only, and no more than it needs."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from canary_router.core import records
from canary_router.core.explanation import Evidence, PointersThen
from canary_router.core.model import ENDED_BADLY, Basis, Release, Route, Status, Transform, Version
from canary_router.core.orders import GivenOrder
from canary_router.core.pointers import Reading, execution_arn_of
from canary_router.errors import NotFound, NotVisible, Unavailable
from canary_router.flows.inspect import releases, service_view, transform_view, transforms_of
from canary_router.flows.order_history import orders_given
from canary_router.ports import Ports

_FAILURE_AT_MOST = 1000
"""Characters: a cause may be a whole traceback."""
_LOOK_UPS_AT_MOST = 60
"""Of executions, for a job that has no record: it may be any version's of any service."""


def gather(ports: Ports, transform_id: str) -> Evidence:
    """Everything that is on record about a job.

    Args:
        ports: To look through.
        transform_id: The job's id.

    Raises:
        NotFound: There is no record of it, and no version that is known here has an execution of that name.
        Unavailable: A dependency does not answer.
    """
    transform = _stored(ports, transform_id)
    if transform is None:
        found = _searched(ports, transform_id)
        return Evidence(found, is_recorded=False, failure=_failure(ports, found))
    service = transform.service
    given = releases(ports.ledger, service)
    if transform.route is Route.LATEST:
        release = next((it for it in given if it.release_id == transform.release_id), None)
    else:
        release = next((it for it in given if _was_on_trial(it, transform.created_at)), None)
    shown = transform
    if not transform.status.is_final:
        shown = transform_view(ports, service, transform_id, None)
    return Evidence(
        transform=shown,
        taken_over=_stored(ports, transform_id, fallback=True) if transform.status is Status.NOT_STARTED else None,
        pointers=_pointers_then(ports, service, transform.created_at),
        release=release,
        place=0 if release is None else _place(ports, transform, release),
        orders=_orders(ports, service, release),
        rescue=None if transform.rescued_by is None else _stored(ports, transform.rescued_by),
        failure=_failure(ports, shown),
    )


def _stored(ports: Ports, transform_id: str, *, fallback: bool = False) -> Transform | None:
    item = ports.ledger.get(records.transform_key(transform_id, fallback=fallback))
    return None if item is None else records.transform_of(item)


def _failure(ports: Ports, transform: Transform) -> str:
    """Error and cause of an execution that ended badly. What is on record is told without them, too."""
    if transform.status not in ENDED_BADLY or transform.execution_arn is None:
        return ""
    with suppress(Unavailable, NotVisible):
        execution = ports.executions.describe(transform.execution_arn)
        if execution is not None:
            said = ": ".join(part for part in (execution.error, execution.cause) if part)
            return said if len(said) <= _FAILURE_AT_MOST else said[: _FAILURE_AT_MOST - 1] + "…"
    return ""


def _was_on_trial(release: Release, at: int) -> bool:
    ended = release.decided_at if release.decided_at is not None else release.closed_at
    return release.basis is Basis.CANARY and release.opened_at <= at and (ended is None or at < ended)


def _pointers_then(ports: Ports, service: str, at: int) -> PointersThen:
    try:
        current, latest = (_newest(ports.pointers.history(service, leaf, 0), at) for leaf in ("current", "latest"))
    except Unavailable as error:
        return PointersThen(problem=str(error))
    return PointersThen(current, latest)


def _newest(history: tuple[Reading, ...], at: int) -> Reading | None:
    return next((reading for reading in reversed(history) if reading.modified <= at), None)


def _place(ports: Ports, transform: Transform, release: Release) -> int:
    """Which of a release's jobs it was, or how many there were before one of current. 0 where the index lags."""
    jobs = transforms_of(ports.ledger, release.service, release.release_id)
    if transform.release_id == release.release_id:
        ids = [job.transform_id for job in jobs]
        return ids.index(transform.transform_id) + 1 if transform.transform_id in ids else 0
    return sum(job.created_at <= transform.created_at for job in jobs)


def _orders(ports: Ports, service: str, release: Release | None) -> tuple[GivenOrder, ...]:
    if release is None or release.orders == 0:
        return ()
    return tuple(it for it in reversed(orders_given(ports.ledger, service)) if it.release_id == release.release_id)


def _searched(ports: Ports, transform_id: str) -> Transform:
    """A job without a record, by its execution."""
    for service, place in islice(_places(ports, transform_id), _LOOK_UPS_AT_MOST):
        with suppress(NotFound):
            return transform_view(ports, service, transform_id, place)
    raise NotFound(
        f"Nothing is known of a job {transform_id!r}",
        advice="Is it the id that the router answered, and the environment, account and region that it answered from?",
    )


def _places(ports: Ports, transform_id: str) -> Iterator[tuple[str, str]]:
    """Where executions of that name would be, by the contract's names."""
    for service in ports.pointers.services():
        for version in _versions(ports, service):
            place = execution_arn_of(service, version, transform_id)
            if place is not None:
                yield service, place


def _versions(ports: Ports, service: str) -> Iterator[Version]:
    """The versions that may have run a job of a service, the likeliest first, each once."""
    try:
        view = service_view(ports, service)
    except NotFound:
        return
    known = [view.pointers.current, view.state.previous, view.pointers.latest]
    known += [release.target for release in releases(ports.ledger, service)]
    yield from dict.fromkeys(version for version in known if isinstance(version, Version))

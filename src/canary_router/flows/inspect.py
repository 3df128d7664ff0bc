"""What is true now: of a service, of a transform. Reads only."""

import logging
from dataclasses import dataclass, replace

from canary_router import settings
from canary_router.core import records
from canary_router.core.model import Release, Route, ServiceState, Status, Transform, Version
from canary_router.core.pointers import Pointers, execution_arn_of, understand, version_of_execution
from canary_router.core.policy import MOST_JOBS
from canary_router.errors import NotFound, NotVisible
from canary_router.flows.listing import readable
from canary_router.ports import Ledger, Ports

_log = logging.getLogger(__name__)
_RELEASES_AT_MOST = 500


@dataclass(frozen=True)
class ServiceView:
    """A service: its pointers, its record, and the release that is open or was the last one."""

    pointers: Pointers
    state: ServiceState
    release: Release | None


def service_view(ports: Ports, service: str) -> ServiceView:
    """Looks at a service.

    Raises:
        NotFound: Nothing was ever written for it.
        Unavailable: A dependency does not answer.
    """
    readings = ports.pointers.read(service)
    if not readings.exist:
        raise NotFound(f"There is no service {service!r}", advice="Nothing was ever released for it here.")
    state = records.state_of(service, ports.ledger.get(records.state_key(service)))
    if state.open_release is not None:
        item = ports.ledger.get(records.release_key(service, state.open_release))
        release = None if item is None else records.release_of(item)
    else:
        release = next(iter(releases(ports.ledger, service)), None)
    return ServiceView(understand(service, readings), state, release)


def release_now(ledger: Ledger, release: Release) -> Release:
    """A release as it stands on record by now.

    Raises:
        Unavailable: The table does not answer.
    """
    item = ledger.get(records.release_key(release.service, release.release_id))
    return release if item is None else records.release_of(item)


def releases(ledger: Ledger, service: str) -> list[Release]:
    """The releases of a service, newest first.

    Raises:
        Unavailable: The table does not answer.
    """
    found: list[Release] = []
    cursor: str | None = None
    partition = records.state_key(service).partition
    while len(found) < _RELEASES_AT_MOST:
        page = ledger.by_prefix(partition, records.RELEASE_PREFIX, cursor=cursor)
        found += readable(page.items, records.release_of)
        cursor = page.cursor
        if cursor is None:
            break
    return sorted(found, key=lambda release: (release.opened_at, release.write), reverse=True)


def transforms_of(ledger: Ledger, service: str, release_id: str | None, *, limit: int = MOST_JOBS) -> list[Transform]:
    """The transforms of a release, or the recorded ones of the current version (None); oldest first.

    Raises:
        Unavailable: The table does not answer.
    """
    page = ledger.by_index(settings.RELEASE_INDEX, records.index_value(service, release_id), limit=limit)
    return readable(page.items, records.transform_of)


def transform_view(ports: Ports, service: str, transform_id: str, execution_arn: str | None) -> Transform:
    """A transform with its status now. Only a transform of that service is shown.

    Args:
        ports: To look through.
        service: The service's name.
        transform_id: Its id.
        execution_arn: Where it runs, for one that was not recorded, as its status URL has it.

    Raises:
        NotFound: There is no such transform.
        Unavailable: The table does not answer, or Step Functions for one whose end is not on record.
    """
    transform = _recorded(ports.ledger, transform_id)
    if transform is not None and transform.service == service:
        if transform.status.is_final and transform.status is not Status.NOT_STARTED:
            return transform
        if transform.execution_arn is not None:
            execution = ports.executions.describe(transform.execution_arn)
            return transform if execution is None else replace(transform, status=execution.status)
        place = execution_arn_of(service, transform.target, transform_id)
        found = _unmarked(ports, transform, place)
        if found is not None or execution_arn in (None, place):
            return found or transform
    version = None if execution_arn is None else version_of_execution(service, execution_arn, transform_id)
    if execution_arn is not None and version is not None:
        return _unrecorded(ports, service, transform_id, version, execution_arn)
    raise NotFound(
        f"There is no transform {transform_id!r} of {service!r}",
        advice="Ask with the status_url that came with the job: one that is not recorded is found by its execution.",
    )


def _recorded(ledger: Ledger, transform_id: str) -> Transform | None:
    item = ledger.get(records.transform_key(transform_id))
    if item is None:
        return None
    transform = records.transform_of(item)
    if transform.status is Status.NOT_STARTED and transform.route is Route.LATEST:
        taken_over = ledger.get(records.transform_key(transform_id, fallback=True))
        return transform if taken_over is None else records.transform_of(taken_over)
    return transform


def _unmarked(ports: Ports, transform: Transform, place: str | None) -> Transform | None:
    """An admitted transform that runs: its mark may be on its way, or lost. None unless its execution is there."""
    if transform.status is not Status.ADMITTED or place is None:
        return None
    try:
        execution = ports.executions.describe(place)
    except NotVisible as error:
        _log.warning("%s", error)
        return None
    if execution is None:
        return None
    return replace(transform, status=execution.status, execution_arn=execution.execution_arn)


def _unrecorded(ports: Ports, service: str, transform_id: str, version: Version, execution_arn: str) -> Transform:
    try:
        execution = ports.executions.describe(execution_arn)
    except NotVisible as error:
        _log.warning("%s", error)
        execution = None
    if execution is None:
        raise NotFound(f"There is no execution {execution_arn}", advice="Step Functions keeps them for 90 days.")
    now = ports.clock.now()
    return Transform(
        transform_id=transform_id,
        service=service,
        route=Route.CURRENT,
        target=version,
        status=execution.status,
        created_at=now,
        attempted_at=now,
        input_hash="",
        execution_arn=execution_arn,
    )

"""The router's HTTP face: API Gateway's events in, the contract's answers out. No rule of the protocol lives here."""

import logging
from typing import Any

from canary_router.api.answers import accepted, found, problem, unexpected
from canary_router.api.calls import StatusCall, SubmitCall, call_from
from canary_router.core.model import Transform
from canary_router.errors import CanaryRouterError
from canary_router.flows.inspect import transform_view
from canary_router.flows.keyed import submit_keyed
from canary_router.flows.request import Router

_log = logging.getLogger(__name__)


def respond(router: Router, event: dict[str, Any]) -> dict[str, Any]:
    """Answers one proxy event of API Gateway. Never raises: the caller always gets the contract's JSON.

    Args:
        router: The flow of requests.
        event: The event, as REST APIs send it to a Lambda proxy.
    """
    ports = router.ports
    began = ports.clock.now()
    try:
        call = call_from(event)
    except CanaryRouterError as error:
        return problem(error)
    try:
        if isinstance(call, StatusCall):
            return found(transform_view(ports, call.service, call.transform_id, call.execution_arn))
        transform = _submit(router, call)
    except CanaryRouterError as error:
        if not isinstance(call, StatusCall):
            ports.meter.count("Requests", call.job.service)
        _log.warning("%s: %s", type(error).__name__, error)
        return problem(error)
    except Exception:  # noqa: BLE001 - the boundary: what nobody foresaw may have come after the start
        _log.exception("unexpected")
        return unexpected(submitted=isinstance(call, SubmitCall))
    ports.meter.count("Requests", transform.service, Route=transform.route.value)
    ports.meter.count("RouterLatency", transform.service, ports.clock.now() - began)
    return accepted(transform)


def _submit(router: Router, call: SubmitCall) -> Transform:
    job = call.job
    if job.idempotency_key is None:
        return router.submit(job)
    return submit_keyed(router, job, job.idempotency_key)

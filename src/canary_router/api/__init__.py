"""The router's HTTP face: API Gateway's events in, the contract's answers out. No rule of the protocol lives here."""

import logging
from typing import Any

from canary_router.api.answers import accepted, found, problem, unexpected
from canary_router.api.calls import Call, SubmitCall, call_from
from canary_router.errors import CanaryRouterError, NotFound
from canary_router.flows.inspect import transform_view
from canary_router.flows.keyed import submit_keyed
from canary_router.flows.request import Router

_log = logging.getLogger(__name__)


def respond(router: Router, event: object) -> dict[str, Any]:
    """Answers one proxy event of API Gateway. Never raises: the caller always gets the contract's JSON.

    Args:
        router: The flow of requests.
        event: The event, as REST APIs send it to a Lambda proxy.
    """
    with router.ports.meter.together():
        return _answered(router, event)


def _answered(router: Router, event: object) -> dict[str, Any]:
    call: Call | None = None
    try:
        call = call_from(event)
        if isinstance(call, SubmitCall):
            return _submitted(router, call)
        router.check_serves(call.service)
        return found(transform_view(router.ports, call.service, call.transform_id, call.execution_arn))
    except CanaryRouterError as error:
        if call is not None:
            _log.warning("%s: %s", type(error).__name__, error)
        # A name that is nobody's is not counted: whoever may call could make up metrics without end.
        if isinstance(call, SubmitCall) and not isinstance(error, NotFound):
            router.ports.meter.count("Requests", call.job.service)
        return problem(error, submitted=isinstance(call, SubmitCall))
    except Exception:  # noqa: BLE001 - the boundary: what nobody foresaw may have come after the start
        _log.exception("unexpected")
        return unexpected(submitted=isinstance(call, SubmitCall))


def _submitted(router: Router, call: SubmitCall) -> dict[str, Any]:
    ports, job = router.ports, call.job
    began = ports.clock.now()
    key = job.idempotency_key
    transform = router.submit(job) if key is None else submit_keyed(router, job, key)
    ports.meter.count("Requests", transform.service, Route=transform.route.value)
    ports.meter.count("RouterLatency", transform.service, ports.clock.now() - began)
    return accepted(transform)

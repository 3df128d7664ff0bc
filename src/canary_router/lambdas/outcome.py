"""The controller's events: an execution ended, a pointer changed, a minute passed, or somebody nudged."""

import logging
from typing import Any

from canary_router import wiring
from canary_router.errors import CanaryRouterError
from canary_router.lambdas.events import ended_from

_log = logging.getLogger(__name__)
_ports, _settings = wiring.lambda_environment()


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Settles an execution's end; anything else asks for a look at every service.

    Raises:
        CanaryRouterError: Something could not be finished. Lambda then delivers the event again.
    """
    controller, reconciler = wiring.reconciler(_ports, _settings)
    ended = ended_from(event)
    if ended is not None:
        controller.on_ended(ended)
        return {"settled": ended.name}
    failed: CanaryRouterError | None = None
    for service in _settings.services:
        try:
            reconciler.reconcile(service)
        except CanaryRouterError as error:
            # One service's trouble must not keep the others waiting.
            _log.error("%s could not be reconciled: %s", service, error)
            failed = error
    if failed is not None:
        raise failed
    return {"reconciled": list(_settings.services)}

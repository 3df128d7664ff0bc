"""One turn of the controller: what an event asks for, done for every service that can be done."""

import logging
from collections.abc import Sequence
from typing import Any

from canary_router.errors import CanaryRouterError
from canary_router.flows.outcome import Controller
from canary_router.flows.reconcile import Reconciler
from canary_router.lambdas.events import ended_from

_log = logging.getLogger(__name__)


def take_turn(event: object, controller: Controller, reconciler: Reconciler, services: Sequence[str]) -> dict[str, Any]:
    """Settles an execution's end; any other event, garbage too, asks for a look at every service.

    Args:
        event: What Lambda was given.
        controller: Of this turn.
        reconciler: Of this turn.
        services: Names of the services to look at.

    Raises:
        Exception: The last thing that could not be finished, after everything else was. Lambda then delivers the
            event again.
    """
    ended = ended_from(event)
    if ended is not None:
        controller.on_ended(ended)
        return {"settled": ended.name}
    failed: Exception | None = None
    for service in services:
        # One service's trouble must not keep the others waiting, whatever it is.
        try:
            reconciler.reconcile(service)
        except CanaryRouterError as error:
            _log.error("%s could not be reconciled: %s", service, error)
            failed = error
        except Exception as error:  # noqa: BLE001 - it is raised again, when the others had their turn
            _log.exception("%s could not be reconciled, for a reason that nobody foresaw", service)
            failed = error
    if failed is not None:
        raise failed
    return {"reconciled": list(services)}

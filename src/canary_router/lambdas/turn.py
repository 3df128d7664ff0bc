"""One turn of the controller: what an event asks for, done for every service that can be done."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from canary_router.errors import CanaryRouterError
from canary_router.flows.budget import Budget
from canary_router.flows.outcome import Controller
from canary_router.flows.reconcile import Reconciler
from canary_router.lambdas.events import ended_from
from canary_router.settings import OUTCOME_TIMEOUT

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
    budget = Budget(controller.ports.clock, OUTCOME_TIMEOUT)
    failed = [_try(service, reconciler.reconcile) for service in services]
    # Only then: a hundred look-ups that are slow must not keep another service's release waiting.
    failed += [_try(service, lambda name: reconciler.settle_pending(name, budget)) for service in services]
    problem = next((error for error in reversed(failed) if error is not None), None)
    if problem is not None:
        raise problem
    return {"reconciled": list(services)}


def _try(service: str, step: Callable[[str], None]) -> Exception | None:
    """One service's trouble must not keep the others waiting, whatever it is."""
    try:
        step(service)
    except CanaryRouterError as error:
        _log.error("%s could not be reconciled: %s", service, error)
        return error
    except Exception as error:  # noqa: BLE001 - it is raised again, when the others had their turn
        _log.exception("%s could not be reconciled, for a reason that nobody foresaw", service)
        return error
    return None

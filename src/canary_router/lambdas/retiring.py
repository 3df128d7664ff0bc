"""One run of the schedule that retires old versions."""

import logging
from collections.abc import Mapping
from typing import Any

from canary_router.core.retirement import DRAIN_SECONDS, KEEP, Rules
from canary_router.errors import CanaryRouterError, ConfigurationError, NotFound, Unavailable
from canary_router.flows.retiring import Place, Who, finish_interrupted, planned, retire
from canary_router.ports import Ports
from canary_router.ports.operation import Activities, Stacks
from canary_router.settings import ENV_DRAIN, ENV_KEEP, Settings

_log = logging.getLogger(__name__)
_BEGIN_BY = 600_000
"""Milliseconds of a run in which another deletion is begun; the function may run for 900 s."""
_PATIENCE = 120.0
"""Seconds for which a deletion is waited for; the next run records the end of one that takes longer."""


def rules_from(env: Mapping[str, str]) -> Rules:
    """The rules that the construct has put into the function's environment.

    Raises:
        ConfigurationError: A variable is malformed.
    """
    try:
        return Rules(int(env.get(ENV_KEEP) or KEEP), int(env.get(ENV_DRAIN) or DRAIN_SECONDS) * 1000)
    except ValueError as error:
        raise ConfigurationError(f"{ENV_KEEP} or {ENV_DRAIN} is no whole number: {error}") from error


def retire_all(
    world: tuple[Ports, Stacks, Activities],
    rules: Rules,
    settings: Settings,
    by: Who,
) -> dict[str, Any]:
    """Retires what may go, service by service, the oldest first.

    Args:
        world: Where.
        rules: What stays.
        settings: The environment and its services.
        by: Who does it, for the record.

    Raises:
        Unavailable: Something could not be retired; everything else was tried before that is said.
    """
    ports, stacks, activities = world
    until = ports.clock.now() + _BEGIN_BY
    done: dict[str, str] = {}
    troubles: list[str] = []
    for service in settings.services:
        place = Place(ports, stacks, activities, settings.environment, service, rules, _PATIENCE)
        try:
            for kept in finish_interrupted(place):
                _log.info("%s: of an earlier run: %s", kept.stack, kept.outcome)
            going = [it for it in reversed(planned(place)) if it.goes]
            for judged in going:
                if ports.clock.now() > until:
                    break  # the next run goes on
                made = retire(place, judged, by)
                _log.info("%s: %s", made.stack.name, made.in_words)
                done[made.stack.name] = made.state.value
                troubles += [] if made.state.value != "FAILED" else [f"{made.stack.name}: {made.outcome}"]
        except NotFound:
            continue  # nothing was ever released for it
        except CanaryRouterError as error:
            troubles.append(f"{service}: {error}")
    if troubles:
        raise Unavailable("; ".join(troubles))
    return done

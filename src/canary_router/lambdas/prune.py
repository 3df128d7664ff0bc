"""Retires old versions on a schedule, as ``canary-router prune --yes`` does."""

import os
from typing import Any

from canary_router import settings, wiring
from canary_router.flows.retiring import Who
from canary_router.lambdas.retiring import retire_all, rules_from

_world, _settings = wiring.retiring_environment()
_rules = rules_from(os.environ)


def handler(_event: object, _context: object) -> dict[str, Any]:
    """Looks at every service. What it raises is counted by Lambda as an error, for an alarm."""
    name = settings.function_name(_settings.environment, "prune")
    return retire_all(_world, _rules, _settings, Who(name, "on schedule", wiring.new_id))

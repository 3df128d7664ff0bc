"""API Gateway's proxy events: a job comes in."""

from typing import Any

from canary_router import wiring
from canary_router.api import respond

# Made once for each environment of Lambda: clients and what was read of the pointers stay warm between requests.
_router = wiring.router(*wiring.lambda_environment())


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers one request."""
    return respond(_router, event)

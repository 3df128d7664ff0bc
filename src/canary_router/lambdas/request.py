"""API Gateway's proxy events: a job comes in."""

import os
from typing import Any

from canary_router.api import respond
from canary_router.request_wiring import request_router

# Made once for each environment of Lambda: connections and what was read of the pointers stay warm between requests.
_router = request_router(os.environ)


def handler(event: object, _context: object) -> dict[str, Any]:
    """Answers one request."""
    return respond(_router, event)

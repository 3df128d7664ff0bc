"""The handlers that are compared, over the same stub of AWS: those of ``others.py``, and ours.

Ours is the request function's own handler: ``api.respond`` over the router that ``request_wiring`` puts together.
"""

import os
from collections.abc import Callable
from typing import Any

from bench.others import BODY, Handler, bare, naive_asleep, naive_canary

from canary_router.api import respond
from canary_router.request_wiring import request_router

SERVICES = ("asleep", "full", "admitting")


def event_for(service: str) -> dict[str, Any]:
    """What API Gateway sends for a POST."""
    return {
        "httpMethod": "POST",
        "path": f"/services/{service}/transforms",
        "pathParameters": {"service": service},
        "headers": {"Content-Type": "application/json", "x-api-key": "k", "Host": "api.example.com"},
        "multiValueHeaders": {"Content-Type": ["application/json"], "x-api-key": ["k"], "Host": ["api.example.com"]},
        "queryStringParameters": None,
        "body": BODY,
        "isBase64Encoded": False,
    }


def ours(service: str, environment: str = "bench-10") -> Handler:
    """The request function as it is deployed."""
    router = request_router({**os.environ, "CANARY_ROUTER_ENVIRONMENT": environment})
    event = event_for(service)
    expected = '"route": "latest"' if service == "admitting" else '"route": "current"'

    def handle() -> None:
        answer = respond(router, event)
        if answer["statusCode"] != 202 or expected not in answer["body"]:  # noqa: PLR2004 - accepted
            raise RuntimeError(f"{service}: {answer}")

    return handle


ALL: dict[str, Callable[[], Handler]] = {
    "bare": bare,
    "naive, asleep": naive_asleep,
    "naive, 10 records, 1 running": lambda: naive_canary(10, 1),
    "naive, 10 records, 10 running": lambda: naive_canary(10, 10),
    "naive, 1,000 records, 1 running": lambda: naive_canary(1_000, 1),
    "naive, 1,000 records, 10 running": lambda: naive_canary(1_000, 10),
    "naive, 100,000 records, 1 running": lambda: naive_canary(100_000, 1),
    "ours, asleep": lambda: ours("asleep"),
    "ours, awake and full": lambda: ours("full"),
    "ours, admitted, 10 records": lambda: ours("admitting"),
    "ours, admitted, 100,000 records": lambda: ours("admitting", "bench-100000"),
}
__all__ = ["ALL", "SERVICES", "event_for", "ours"]

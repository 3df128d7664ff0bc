"""The API on the memory adapters, as a WSGI application: API Gateway's part around the request function's."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from canary_router.api import respond
from canary_router.flows.request import Router

KEY = "the-secret-key"
_FORBIDDEN = {
    "type": "urn:canary-router:problem:forbidden",
    "title": "Forbidden",
    "status": 403,
    "detail": "Send a valid key in the header x-api-key.",
}
_NO_RESOURCE = {
    "type": "urn:canary-router:problem:not-found",
    "title": "Not found",
    "status": 404,
    "detail": "There is no such resource or method.",
}
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class Served:
    """Answers HTTP requests through the router that it was given."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self.statuses: Counter[tuple[str, int]] = Counter()
        """How often a method was answered with a status."""

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer(environ)
        self.statuses[environ["REQUEST_METHOD"], answer["statusCode"]] += 1
        start_response(f"{answer['statusCode']} -", list(answer["headers"].items()))
        return [answer["body"].encode()]

    def _answer(self, environ: dict[str, Any]) -> dict[str, Any]:
        path = _path_parameters(environ)
        if environ.get("HTTP_X_API_KEY") != KEY:
            return _gateway(403, _FORBIDDEN)
        expected = "POST" if path is not None and "transform_id" not in path else "GET"
        if path is None or environ["REQUEST_METHOD"] != expected:
            return _gateway(404, _NO_RESOURCE)
        return respond(self._router, _event(environ, path))


def _event(environ: dict[str, Any], path: dict[str, str]) -> dict[str, Any]:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").title(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return {
        "httpMethod": environ["REQUEST_METHOD"],
        "pathParameters": path,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": query or None,
        # API Gateway reads a body as UTF-8, unless it was told that the type is binary.
        "body": body.decode(errors="replace") or None,
        "isBase64Encoded": False,
    }


def _path_parameters(environ: dict[str, Any]) -> dict[str, str] | None:
    """The parameters of one of the API's two paths; None for any other path."""
    raw = str(environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")[0]
    parts = [unquote_to_bytes(part).decode(errors="replace") for part in raw.split("/")]
    match parts:
        case ["", "v1", "services", service, "transforms"] if service:
            return {"service": service}
        case ["", "v1", "services", service, "transforms", transform_id] if service and transform_id:
            return {"service": service, "transform_id": transform_id}
    return None


def _gateway(status: int, document: dict[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(document)}

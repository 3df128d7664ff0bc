"""The router's API as an OpenAPI 3.1 document, made of the very tables and patterns that the code answers by.

``python -m canary_router.api.description`` prints it; ``docs/reference/openapi.json`` is what it printed. What API
Gateway answers by itself (a missing key, a throttled caller) belongs to the API as its callers see it, and is in here.
"""

import json
import sys
from collections.abc import Iterable
from typing import Any

from canary_router import __version__
from canary_router.api.answers import DETAIL_AT_MOST, PROBLEM_TYPE, PROBLEMS, RETRY_AFTER_SECONDS
from canary_router.api.calls import EXECUTION_ARN_AT_MOST, KEY_PATTERN, TRANSFORM_ID_PATTERN
from canary_router.core.model import Route, Status
from canary_router.settings import INPUT_LIMIT_BYTES, INPUT_NESTING_AT_MOST, NAME_PATTERN

_SUBMITTING = frozenset({400, 404, 409, 413, 502, 503, 504})
_LOOKING = frozenset({400, 404, 503})
_OF_SUBMITTING_ONLY = frozenset({"no-current-version", "record-unavailable"})
_OF_THE_GATEWAY = ((403, "forbidden"), (429, "throttled"), (504, "start-unknown"))
_MEANINGS = {
    400: "The body is not JSON, is nested too deeply, or a header is malformed. Nothing was started.",
    403: "There is no key in the header x-api-key, or a wrong one. Nothing was started.",
    404: "There is no such service, transform or resource.",
    409: "This Idempotency-Key came with another body before. Nothing was started.",
    413: f"The input has more than {INPUT_LIMIT_BYTES} bytes, Step Functions' limit. Nothing was started.",
    429: "More requests than the usage plan allows. Nothing was started.",
    500: "Nobody foresaw this; the router's log has it.",
    502: "The current version's pipeline did not start the job. Nothing was started.",
    503: "There is no current version, or what is needed to answer cannot be read. Nothing was started.",
    504: "It is not known whether the job was started. Sent again with the same Idempotency-Key it is the one job.",
}


def description() -> dict[str, Any]:
    """The OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Canary Router",
            "version": __version__,
            "summary": "Takes jobs, and starts each one on the version that serves or on the one that is tried out.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [
            {
                "url": "{endpoint}",
                "variables": {
                    "endpoint": {
                        "default": "https://api.example/v1",
                        "description": "The attribute 'endpoint' of the environment's instance in Cloud Map.",
                    }
                },
            }
        ],
        "security": [{"key": []}],
        "paths": {
            "/services/{service}/transforms": {"parameters": [_SERVICE], "post": _submit()},
            "/services/{service}/transforms/{transform_id}": {"parameters": [_SERVICE, _ID], "get": _look()},
        },
        "components": {
            "schemas": {"Transform": _TRANSFORM, "Problem": _PROBLEM},
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
        },
    }


def _submit() -> dict[str, Any]:
    return {
        "operationId": "submitTransform",
        "summary": "Start a job, once",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Requests of a service with the same key are one job.",
                "schema": {"type": "string", "pattern": f"^{KEY_PATTERN.pattern}$"},
            }
        ],
        "requestBody": {
            "required": True,
            "description": f"The job's input: any JSON of up to {INPUT_NESTING_AT_MOST} levels.",
            "content": {"application/json": {"schema": True}},
        },
        "responses": {
            "202": {
                **_transform("The job was started."),
                "links": {
                    "status": {
                        "operationId": "getTransform",
                        "parameters": {
                            "path.service": "$response.body#/service",
                            "path.transform_id": "$response.body#/transform_id",
                            "query.execution_arn": "$response.body#/execution_arn",
                        },
                    }
                },
            },
            **_problems(_SUBMITTING, ()),
        },
    }


def _look() -> dict[str, Any]:
    return {
        "operationId": "getTransform",
        "summary": "A job and its status now",
        "parameters": [
            {
                "name": "execution_arn",
                "in": "query",
                "description": "Where the job runs, as its status_url has it: needed for one that is not on record.",
                "schema": {"type": "string", "maxLength": EXECUTION_ARN_AT_MOST},
            }
        ],
        "responses": {"200": _transform("The job."), **_problems(_LOOKING, ((500, "internal"),))},
    }


def _transform(meaning: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Transform"}}}
    return {"description": meaning, "content": content}


def _problems(statuses: frozenset[int], more: tuple[tuple[int, str], ...]) -> dict[str, Any]:
    names: dict[int, list[str]] = {}
    known = ((status, name) for _, status, name, _ in PROBLEMS if status in statuses)
    for status, name in (*known, *more, *_OF_THE_GATEWAY):
        if statuses == _SUBMITTING or name not in _OF_SUBMITTING_ONLY:
            names.setdefault(status, []).append(name)
    return {str(status): _problem(status, names[status]) for status in sorted(names)}


def _problem(status: int, names: Iterable[str]) -> dict[str, Any]:
    narrowed = {
        "properties": {"status": {"const": status}, "type": {"enum": sorted({PROBLEM_TYPE + name for name in names})}}
    }
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, narrowed]}
    answer: dict[str, Any] = {
        "description": _MEANINGS[status],
        "content": {"application/problem+json": {"schema": schema}},
    }
    if status in (429, 503):
        answer["headers"] = {
            "Retry-After": {
                "required": True,
                "description": f"Seconds, for example {RETRY_AFTER_SECONDS}.",
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return answer


_SERVICE = {
    "name": "service",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{NAME_PATTERN.pattern}$"},
}
_ID = {
    "name": "transform_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": f"^{TRANSFORM_ID_PATTERN.pattern}$"},
}
_TRANSFORM_ID = {"type": "string", "pattern": f"^{TRANSFORM_ID_PATTERN.pattern}$"}
_TRANSFORM = {
    "type": "object",
    "description": "One job. What a newer router adds may be passed over.",
    "required": [
        "transform_id", "service", "route", "version", "target_arn", "execution_arn", "status", "status_url",
    ],
    "properties": {
        "transform_id": {**_TRANSFORM_ID, "description": "Also the name of its execution."},
        "service": _SERVICE["schema"],
        "route": {"enum": [route.value for route in Route]},
        "version": {"type": "string", "description": "Tag of the version that it runs on."},
        "target_arn": {"type": "string", "description": "ARN of that version's pipeline function."},
        "execution_arn": {"type": ["string", "null"], "description": "Null while it is not known."},
        "status": {"enum": [status.value for status in Status]},
        "status_url": {"type": "string", "description": "Where its status is, relative to the endpoint."},
        "rescued_by": {**_TRANSFORM_ID, "description": "The job that runs the input of this failed one once more."},
    },
}  # fmt: skip
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "maxLength": DETAIL_AT_MOST},
        "transform_id": {**_TRANSFORM_ID, "description": "Where one was given out."},
    },
}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(description(), indent=2) + "\n")

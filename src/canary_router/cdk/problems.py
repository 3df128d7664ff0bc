"""API Gateway's own errors, in the contract's form.

What API Gateway says before or instead of the request function has to look like what the function says: a problem
document (RFC 9457). And it must not lie: any failure of the integration may have come after the job was started, so
all of them answer 504, the one status of the contract that means "not known, send it again with its key".
"""

import json
from dataclasses import dataclass

from aws_cdk import aws_apigateway as apigateway


@dataclass(frozen=True)
class _Problem:
    status: int
    name: str
    title: str
    detail: str


_FORBIDDEN = _Problem(403, "forbidden", "Forbidden", "Send a valid key in the header x-api-key.")
_NOT_FOUND = _Problem(404, "not-found", "Not found", "There is no such resource or method.")
_INVALID = _Problem(400, "invalid-input", "The request is malformed", "API Gateway could not read the request.")
_TOO_LARGE = _Problem(413, "input-too-large", "The input is too large", "Put the data into S3 and send its address.")
_MEDIA_TYPE = _Problem(415, "unsupported-media-type", "Not JSON", "Send the job's input as application/json.")
_THROTTLED = _Problem(429, "throttled", "Too many requests", "Nothing was started. Send it again in a moment.")
_UNKNOWN = _Problem(
    504,
    "start-unknown",
    "It is not known whether the job started",
    "The router did not answer. Send it again with the same Idempotency-Key: that gives the one job.",
)

_PROBLEMS = {
    "ACCESS_DENIED": _FORBIDDEN,
    "API_CONFIGURATION_ERROR": _UNKNOWN,
    "BAD_REQUEST_BODY": _INVALID,
    "BAD_REQUEST_PARAMETERS": _INVALID,
    "DEFAULT_4XX": _INVALID,
    "DEFAULT_5XX": _UNKNOWN,
    "INTEGRATION_FAILURE": _UNKNOWN,
    "INTEGRATION_TIMEOUT": _UNKNOWN,
    "INVALID_API_KEY": _FORBIDDEN,
    # API Gateway's name for a path or method that does not exist.
    "MISSING_AUTHENTICATION_TOKEN": _NOT_FOUND,
    "QUOTA_EXCEEDED": _THROTTLED,
    "REQUEST_TOO_LARGE": _TOO_LARGE,
    "RESOURCE_NOT_FOUND": _NOT_FOUND,
    "THROTTLED": _THROTTLED,
    "UNSUPPORTED_MEDIA_TYPE": _MEDIA_TYPE,
    "WAF_FILTERED": _FORBIDDEN,
}


def add_problems(api: apigateway.RestApi) -> None:
    """Gives every error that API Gateway itself may answer the form of a problem document."""
    for kind, problem in _PROBLEMS.items():
        headers = {"Content-Type": "'application/problem+json'", "Cache-Control": "'no-store'"}
        if problem is _THROTTLED:
            headers["Retry-After"] = "'1'"
        document = {
            "type": f"urn:canary-router:problem:{problem.name}",
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail,
        }
        api.add_gateway_response(
            "".join(part.capitalize() for part in kind.split("_")),
            type=apigateway.ResponseType.of(kind),
            status_code=str(problem.status),
            response_headers=headers,
            templates={"application/json": json.dumps(document)},
        )

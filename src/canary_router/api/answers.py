"""The contract's answers: transforms as JSON, errors as RFC 9457 problems."""

import json
from typing import Any

from canary_router.core.model import Transform
from canary_router.core.quoting import quoted
from canary_router.errors import (
    CanaryRouterError,
    InputTooLarge,
    InvalidInput,
    KeyReused,
    NoCurrentVersion,
    NotFound,
    NotStartedOnCurrent,
    RecordUnavailable,
    StartUnknown,
    Unavailable,
)

RETRY_AFTER_SECONDS = 5
_SERVICE_UNAVAILABLE = 503
PROBLEM_TYPE = "urn:canary-router:problem:"
DETAIL_AT_MOST = 1000
"""Characters: a pipeline's error, which may be of any length, is quoted here."""

# The first class that fits counts, so the narrower ones come first.
PROBLEMS: tuple[tuple[type[CanaryRouterError], int, str, str], ...] = (
    (InputTooLarge, 413, "input-too-large", "The input is too large"),
    (InvalidInput, 400, "invalid-input", "The request is malformed"),
    (NotFound, 404, "not-found", "Not found"),
    (KeyReused, 409, "key-reused", "The key belongs to another job"),
    (NotStartedOnCurrent, 502, "not-started", "The pipeline did not start the job"),
    (StartUnknown, 504, "start-unknown", "It is not known whether the job started"),
    (NoCurrentVersion, 503, "no-current-version", "No current version"),
    (RecordUnavailable, 503, "record-unavailable", "The record does not answer"),
    (Unavailable, 503, "unavailable", "A dependency does not answer"),
)


def transform_json(transform: Transform) -> dict[str, Any]:
    """A transform as the contract shows it. ``status_url`` is relative to the API's endpoint."""
    url = f"/services/{transform.service}/transforms/{transform.transform_id}"
    if transform.execution_arn is not None:
        # A job that is not on record is found by its execution alone.
        url += f"?execution_arn={quoted(transform.execution_arn, safe=':')}"
    document = {
        "transform_id": transform.transform_id,
        "service": transform.service,
        "route": transform.route.value,
        "version": transform.target.tag,
        "target_arn": transform.target.arn,
        "execution_arn": transform.execution_arn,
        "status": transform.status.value,
        "status_url": url,
    }
    if transform.rescued_by is not None:
        document["rescued_by"] = transform.rescued_by
    return document


def accepted(transform: Transform) -> dict[str, Any]:
    """202: the job was started, once."""
    return _answer(202, "application/json", transform_json(transform))


def found(transform: Transform) -> dict[str, Any]:
    """200: a transform and its status now."""
    return _answer(200, "application/json", transform_json(transform))


def problem(error: CanaryRouterError, *, submitted: bool) -> dict[str, Any]:
    """An error as the problem that the contract names for it.

    Args:
        error: What a flow raised.
        submitted: It answers a job that was sent.
    """
    for kind, status, name, title in PROBLEMS:
        if isinstance(error, kind):
            transform_id = getattr(error, "transform_id", None)
            return _problem(status, name, title, f"{error}. {error.advice}".strip(), transform_id)
    return unexpected(submitted=submitted)


def unexpected(*, submitted: bool) -> dict[str, Any]:
    """What nobody foresaw. For a submitted job it is not known how far it came."""
    if submitted:
        detail = "Something unexpected happened. Send it again with the same Idempotency-Key: that gives the one job."
        return _problem(504, "start-unknown", "It is not known whether the job started", detail, None)
    return _problem(500, "internal", "Internal error", "Something unexpected happened; the router's log has it.", None)


def _problem(status: int, name: str, title: str, detail: str, transform_id: str | None) -> dict[str, Any]:
    document = {
        "type": f"{PROBLEM_TYPE}{name}",
        "title": title,
        "status": status,
        "detail": _bounded(detail),
    }
    if transform_id is not None:
        document["transform_id"] = transform_id
    answer = _answer(status, "application/problem+json", document)
    if status == _SERVICE_UNAVAILABLE:
        answer["headers"]["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def _bounded(detail: str) -> str:
    return detail if len(detail) <= DETAIL_AT_MOST else f"{detail[: DETAIL_AT_MOST - 1]}…"


def _answer(status: int, content_type: str, document: dict[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(document)}

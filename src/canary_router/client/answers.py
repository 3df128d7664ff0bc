"""The router's answers: a transform, or an error of the same class as the router itself raised."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from canary_router.client.transport import Answer
from canary_router.core.model import Route, Status
from canary_router.errors import (
    AccessRefused,
    CanaryRouterError,
    InputTooLarge,
    InvalidInput,
    KeyReused,
    NoCurrentVersion,
    NotFound,
    NotStartedOnCurrent,
    RecordUnavailable,
    StartUnknown,
    Throttled,
    Unavailable,
)

_DETAIL_AT_MOST = 1000
_TYPE_PREFIX = "urn:canary-router:problem:"
_BY_TYPE: dict[str, type[CanaryRouterError]] = {
    "input-too-large": InputTooLarge,
    "invalid-input": InvalidInput,
    "not-found": NotFound,
    "key-reused": KeyReused,
    "not-started": NotStartedOnCurrent,
    "start-unknown": StartUnknown,
    "no-current-version": NoCurrentVersion,
    "record-unavailable": RecordUnavailable,
    "unavailable": Unavailable,
    "forbidden": AccessRefused,
    "throttled": Throttled,
    "unsupported-media-type": InvalidInput,
}
_KEY_ADVICE = "The key in Secrets Manager and the one in the API's usage plan differ: deploy the router again."
# What something on the way answers in a form of its own. Its 5xx are not among these: they may come after the start.
_BY_STATUS: dict[int, tuple[type[CanaryRouterError], str]] = {
    400: (InvalidInput, "Send the job's input as JSON."),
    403: (AccessRefused, _KEY_ADVICE),
    404: (NotFound, "Is the address in Cloud Map that of the router?"),
    413: (InputTooLarge, "Put the data into S3 and send its address."),
    429: (Throttled, "Send less at a time, or raise the limits of the router's usage plan."),
}
_LOST_ADVICE = "Send the job again with the same idempotency key: that gives the one job."


@dataclass(frozen=True)
class Transform:
    """One job, as the router tells of it.

    Attributes:
        transform_id: Its id, which is also the name of its execution.
        service: The service that it was sent to.
        route: The pointer that it went by.
        version: The version that it runs on.
        target_arn: That version's pipeline function.
        execution_arn: The execution; None while it is not known.
        status: What was known when the router answered.
        status_url: Where its status is, relative to the router's endpoint.
    """

    transform_id: str
    service: str
    route: Route
    version: str
    target_arn: str
    execution_arn: str | None
    status: Status
    status_url: str

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self.status.is_final

    @property
    def succeeded(self) -> bool:
        """Whether the job has ended well."""
        return self.status is Status.SUCCEEDED


def transform_from(answer: Answer) -> Transform:
    """Reads a transform. What a newer router adds is passed over.

    Raises:
        StartUnknown: The answer is no transform.
    """
    try:
        document = json.loads(answer.body)
        arn = document["execution_arn"]
        return Transform(
            transform_id=str(document["transform_id"]),
            service=str(document["service"]),
            route=Route(document["route"]),
            version=str(document["version"]),
            target_arn=str(document["target_arn"]),
            execution_arn=None if arn is None else str(arn),
            status=Status(document["status"]),
            status_url=str(document["status_url"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StartUnknown(
            f"The answer {answer.status} is not a transform: {answer.body[:200]!r}",
            advice="Is the address in Cloud Map that of a router, and this client as new as it?",
        ) from error


def error_from(answer: Answer, *, submitted: bool) -> CanaryRouterError:
    """The error that an answer stands for.

    Args:
        answer: An answer other than 200 and 202.
        submitted: It answers a job that was sent, so that an error of the server may mean a started job.
    """
    document = _object(answer.body)
    name = str(document.get("type", "")).removeprefix(_TYPE_PREFIX)
    detail = str(document.get("detail") or document.get("message") or answer.body[:200].decode(errors="replace"))
    message = f"{detail[:_DETAIL_AT_MOST]} (HTTP {answer.status})"
    transform_id = document.get("transform_id")
    kind = _BY_TYPE.get(name)
    if kind is StartUnknown and not submitted:
        return Unavailable(message, advice="Ask again.")
    if kind in (NotStartedOnCurrent, StartUnknown):
        return kind(message, transform_id=transform_id)
    if kind is AccessRefused:
        return kind(message, advice=_KEY_ADVICE)
    if kind is not None:
        return kind(message)
    if answer.status in _BY_STATUS:
        kind, advice = _BY_STATUS[answer.status]
        return kind(message, advice=advice)
    if submitted:
        return StartUnknown(message, transform_id=transform_id, advice=_LOST_ADVICE)
    return Unavailable(message, advice="Ask again; the router's log has the cause.")


def is_a_strangers(answer: Answer) -> bool:
    """Whether a 404 is none of the router's: what answers at its address does not know of it any more."""
    name = str(_object(answer.body).get("type", ""))
    return answer.status == HTTPStatus.NOT_FOUND and not name.startswith(_TYPE_PREFIX)


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}

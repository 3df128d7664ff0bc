"""What CloudFormation orders of a release, and how it is answered.

- Create, and Update with another ARN or nonce: write ``latest``.
- Delete, which is also how a creation is rolled back: withdraw that very write, if ``latest`` still holds it.

The physical id carries the version of the write, so that a withdrawal can never touch somebody else's.
"""

import json
import logging
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from canary_router import settings
from canary_router.errors import CanaryRouterError, InvalidInput
from canary_router.flows.operate import Released, release, withdraw
from canary_router.ports import Pointers

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_log = logging.getLogger(__name__)
_PHYSICAL_ID = re.compile(r"release/(?P<service>[^/]+)/(?P<tag>[^/]+)/(?P<version>\d+)")
_ANSWER_SECONDS = 10


@dataclass(frozen=True)
class Order:
    """One event of CloudFormation, as far as it matters."""

    kind: str
    request_id: str
    physical_id: str
    properties: Mapping[str, str]
    old_properties: Mapping[str, str]
    envelope: Mapping[str, str]
    response_url: str


@dataclass(frozen=True)
class Outcome:
    """What became of an order; ``problem`` is empty when it was carried out."""

    physical_id: str
    changed: bool
    problem: str = ""


def order_from(event: Mapping[str, Any]) -> Order:
    """Reads CloudFormation's event."""
    properties = event.get("ResourceProperties") or {}
    fallback = f"release/{properties.get('Service', '')}/{properties.get('Version', '')}/0"
    return Order(
        kind=str(event["RequestType"]),
        request_id=str(event["RequestId"]),
        physical_id=str(event.get("PhysicalResourceId") or fallback),
        properties=properties,
        old_properties=event.get("OldResourceProperties") or {},
        envelope={name: str(event[name]) for name in ("StackId", "RequestId", "LogicalResourceId")},
        response_url=str(event["ResponseURL"]),
    )


def carry_out(pointers: Pointers, order: Order, config: settings.Settings) -> Outcome:
    """Does what is ordered; a refusal becomes an answer, so that CloudFormation never waits in vain."""
    try:
        if order.kind == "Delete":
            return Outcome(order.physical_id, _withdraw(pointers, order))
        if order.kind == "Update" and not _asks_anew(order):
            return Outcome(order.physical_id, changed=False)
        return _release(pointers, order, config)
    except CanaryRouterError as error:
        _log.error("%s of %s failed: %s", order.kind, order.physical_id, error)
        return Outcome(order.physical_id, changed=False, problem=f"{error}. {error.advice}")


def _asks_anew(order: Order) -> bool:
    return any(order.properties.get(name) != order.old_properties.get(name) for name in ("PipelineArn", "Nonce"))


def _release(pointers: Pointers, order: Order, config: settings.Settings) -> Outcome:
    service, tag = order.properties.get("Service", ""), order.properties.get("Version", "")
    if config.services and service not in config.services:
        raise InvalidInput(
            f"The router of {config.environment!r} does not serve {service!r}",
            advice=f"It serves {', '.join(config.services)}: add the service to its construct and deploy it first.",
        )
    released = release(pointers, service, order.properties.get("PipelineArn", ""), order.request_id)
    return Outcome(f"release/{service}/{tag}/{released.version}", changed=True)


def _withdraw(pointers: Pointers, order: Order) -> bool:
    match = _PHYSICAL_ID.fullmatch(order.physical_id)
    if match is None or match["version"] == "0":
        return False
    arn = order.properties.get("PipelineArn", "")
    return withdraw(pointers, match["service"], Released(arn, int(match["version"])))


def nudge(functions: "LambdaClient", environment: str) -> None:
    """Asks the controller to look at once. Its schedule would come to it within a minute."""
    functions.invoke(
        FunctionName=settings.function_name(environment, "outcome"),
        InvocationType="Event",
        Payload=json.dumps({"source": settings.EVENT_SOURCE, "detail-type": "Nudge"}).encode(),
    )


def reply(order: Order, outcome: Outcome) -> None:
    """Answers CloudFormation at the address that it gave, which must be HTTPS but on a local emulator."""
    document = {
        "Status": "FAILED" if outcome.problem else "SUCCESS",
        "Reason": outcome.problem or "done",
        "PhysicalResourceId": outcome.physical_id,
        **order.envelope,
    }
    if not order.response_url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise InvalidInput("CloudFormation's answer address is not HTTPS", advice="This is no event of CloudFormation.")
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked above
        order.response_url, data=json.dumps(document).encode(), method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
        _log.info("CloudFormation took the answer: %s", answer.status)

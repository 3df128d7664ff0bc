"""What CloudFormation orders of a release, and how it is answered.

- Create, and Update with another ARN or nonce: write ``latest``.
- Update to another commit than was released: refused, so that CloudFormation puts the stack back as it was.
  A version is one commit for good; what was changed in place would serve without a canary.
- Delete, which is also how a creation is rolled back: withdraw that very write, if ``latest`` still holds it.

The physical id carries the version of the write, so that a withdrawal can never touch somebody else's, and the
commit, so that the way back from a refused Update is known: it is an Update too, with old and new exchanged. So an
order is only answered once it is known what it has written: a FAILED without that version would leave a write that
nobody withdraws. Where it stays unknown the function fails instead, and Lambda delivers the same order again.
"""

import json
import logging
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from canary_router import settings
from canary_router.errors import CanaryRouterError, InvalidInput, Unavailable, Uncertain
from canary_router.flows.operate import Released, release, withdraw
from canary_router.ports import Pointers

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

T = TypeVar("T")
_log = logging.getLogger(__name__)
_PHYSICAL_ID = re.compile(
    r"release/(?P<service>[^/]+)/(?P<tag>[^/]+)/(?P<version>[0-9]{1,18})(?:/(?P<commit>[0-9a-f]{40,64}))?"
)
_NOTHING_RELEASED = "release/-/-/0"
_KINDS = ("Create", "Update", "Delete")
_TAG = re.compile(r"[A-Za-z0-9_.+-]{1,128}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ANSWER_SECONDS = 10
_READ_LAGS = (1.0, 2.0, 3.0)
"""Seconds to wait for a read of SSM that is as new as what was written before."""
_LOOPBACK = ("127.0.0.1", "localhost")
_REASON_AT_MOST = 600
"""Characters: CloudFormation takes no answer of more than 4,096 bytes."""


@dataclass(frozen=True)
class Order:
    """One event of CloudFormation, as far as it matters."""

    kind: str
    request_id: str
    physical_id: str
    properties: Mapping[str, Any]
    old_properties: Mapping[str, Any]
    envelope: Mapping[str, str]
    response_url: str


@dataclass(frozen=True)
class Outcome:
    """What became of an order; ``problem`` is empty when it was carried out."""

    physical_id: str
    changed: bool
    problem: str = ""


def order_from(event: object) -> Order:
    """Reads CloudFormation's event.

    Raises:
        InvalidInput: It is none, so there is nobody to answer, and nothing may be done.
    """
    given = event if isinstance(event, Mapping) else {}
    texts = {
        name: value
        for name in ("RequestType", "RequestId", "StackId", "LogicalResourceId", "ResponseURL")
        if isinstance(value := given.get(name), str) and value
    }
    if len(texts) < 5 or texts["RequestType"] not in _KINDS or not _is_answerable(texts["ResponseURL"]):  # noqa: PLR2004
        raise InvalidInput(
            "This is no event of CloudFormation", advice="Use the Release construct; it asks in its form."
        )
    physical_id = given.get("PhysicalResourceId")
    return Order(
        kind=texts["RequestType"],
        request_id=texts["RequestId"],
        physical_id=physical_id if isinstance(physical_id, str) and physical_id else _NOTHING_RELEASED,
        properties=_mapping(given.get("ResourceProperties")),
        old_properties=_mapping(given.get("OldResourceProperties")),
        envelope={name: texts[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
        response_url=texts["ResponseURL"],
    )


def _mapping(given: object) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}


def _is_answerable(url: str) -> bool:
    try:
        address = urlsplit(url)
        host = address.hostname
    except ValueError:
        return False
    return bool(host) and (address.scheme == "https" or (address.scheme == "http" and host in _LOOPBACK))


def serve(event: object, pointers: Pointers, config: settings.Settings, functions: "LambdaClient") -> None:
    """Carries out one order of CloudFormation and answers it, also when the controller could not be told.

    Raises:
        InvalidInput: The event is no order.
        Uncertain: It may have been carried out; delivered again, it finds that out.
        Exception: The controller or CloudFormation could not be told. Delivered again, the order does nothing twice.
    """
    order = order_from(event)
    outcome = carry_out(pointers, order, config)
    try:
        if outcome.changed:
            nudge(functions, config.environment)
    finally:
        reply(order, outcome)


def carry_out(pointers: Pointers, order: Order, config: settings.Settings) -> Outcome:
    """Does what is ordered; a refusal becomes an answer, so that CloudFormation never waits in vain.

    Raises:
        Uncertain: A write may have happened, and asking again has not told.
    """
    try:
        if order.kind == "Delete":
            return Outcome(order.physical_id, _surely(lambda: _patiently(partial(_withdraw, pointers, order))))
        if order.kind == "Update" and (_goes_back(order) or not _asks_anew(order)):
            return Outcome(order.physical_id, changed=False)
        return _surely(lambda: _release(pointers, order, config))
    except Uncertain:
        raise
    except CanaryRouterError as error:
        _log.error("%s of %s failed: %s", order.kind, order.physical_id, error)
        return Outcome(order.physical_id, changed=False, problem=f"{error}. {error.advice}")
    except Exception as error:  # noqa: BLE001 - the boundary: CloudFormation would wait for an hour
        _log.exception("%s of %s failed", order.kind, order.physical_id)
        return Outcome(order.physical_id, changed=False, problem=f"Unexpected: {type(error).__name__}. See the log.")


def _surely(step: Callable[[], T]) -> T:
    """Carries a step out, and once more if its write may have happened: the same order finds that out.

    Raises:
        Uncertain: It still may have.
    """
    try:
        return step()
    except Uncertain as doubt:
        try:
            return step()
        except CanaryRouterError as error:
            # "Nothing was written" would be true of the second try alone.
            raise Uncertain(f"{doubt}; then: {error}", advice="The same order finds out.") from error


def _patiently(step: Callable[..., T]) -> T:
    """Carries a step out; while a read is older than the write that it is about, again after some seconds.

    Raises:
        CanaryRouterError: As the step, the last time.
    """
    for seconds in _READ_LAGS:
        try:
            return step(is_patient=True)
        except Unavailable as error:
            _log.info("%s", error)
            time.sleep(seconds)
    return step(is_patient=False)


def _goes_back(order: Order) -> bool:
    """Whether an Update undoes one that was refused for its commit: nothing was written then, and nothing is now.

    Raises:
        InvalidInput: It is to another commit than the one that was released.
    """
    new, old = order.properties.get("Commit", ""), order.old_properties.get("Commit", "")
    match = _PHYSICAL_ID.fullmatch(order.physical_id)
    # Old properties are no proof: on the way back from a refused Update they are what was refused.
    released = (match and match["commit"]) or ""
    if new != released:
        raise InvalidInput(
            f"This version was released from {_named(released)}, and this is {_named(new)}",
            advice="A version is one commit for good: give the new one a version of its own.",
        )
    return bool(new != old)


def _named(commit: object) -> str:
    return f"the commit {str(commit)[:12]}" if commit else "a commit that is not on record"


def _asks_anew(order: Order) -> bool:
    return any(order.properties.get(name) != order.old_properties.get(name) for name in ("PipelineArn", "Nonce"))


def _release(pointers: Pointers, order: Order, config: settings.Settings) -> Outcome:
    service = _property(order, "Service", settings.NAME_PATTERN)
    tag = _property(order, "Version", _TAG)
    if config.services and service not in config.services:
        raise InvalidInput(
            f"The router of {config.environment!r} does not serve {service!r}",
            advice=f"It serves {', '.join(config.services)}: add the service to its construct and deploy it first.",
        )
    arn = order.properties.get("PipelineArn")
    commit = _property(order, "Commit", _COMMIT) if "Commit" in order.properties else ""
    released = release(pointers, service, arn if isinstance(arn, str) else "", order.request_id, commit)
    physical_id = f"release/{service}/{tag}/{released.version}"
    return Outcome(f"{physical_id}/{commit}" if commit else physical_id, changed=True)


def _property(order: Order, name: str, pattern: re.Pattern[str]) -> str:
    value = order.properties.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise InvalidInput(f"The property {name!r} is missing or malformed", advice="Use the Release construct.")
    return value


def _withdraw(pointers: Pointers, order: Order, *, is_patient: bool) -> bool:
    match = _PHYSICAL_ID.fullmatch(order.physical_id)
    if match is None or match["version"] == "0":
        return False
    arn = order.properties.get("PipelineArn")
    if order.properties.get("Service") != match["service"] or not isinstance(arn, str):
        return False
    released = Released(arn, int(match["version"]))
    return withdraw(pointers, match["service"], released, is_patient=is_patient)


def nudge(functions: "LambdaClient", environment: str) -> None:
    """Asks the controller to look at once. Its schedule would come to it within a minute.

    Raises:
        botocore's errors: It could not be asked.
    """
    functions.invoke(
        FunctionName=settings.function_name(environment, "outcome"),
        InvocationType="Event",
        Payload=json.dumps({"source": settings.EVENT_SOURCE, "detail-type": "Nudge"}).encode(),
    )


def reply(order: Order, outcome: Outcome) -> None:
    """Answers CloudFormation at the address that it gave, which is HTTPS but on a local emulator."""
    document = {
        "Status": "FAILED" if outcome.problem else "SUCCESS",
        "Reason": outcome.problem[:_REASON_AT_MOST] or "done",
        "PhysicalResourceId": outcome.physical_id,
        **order.envelope,
    }
    body = json.dumps(document, ensure_ascii=False).encode(errors="replace")
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked when the order was read
        order.response_url, data=body, method="PUT", headers={"Content-Type": ""}
    )
    with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
        _log.info("CloudFormation took the answer: %s", answer.status)

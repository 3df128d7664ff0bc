"""Reads API Gateway's proxy events. Everything in them comes from outside and is bounded and checked here."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from canary_router.core.routing import canonical_input, input_hash
from canary_router.errors import InputTooLarge, InvalidInput, NotFound
from canary_router.flows.request import Job
from canary_router.settings import INPUT_LIMIT_BYTES, INPUT_NESTING_AT_MOST, NAME_PATTERN

KEY_PATTERN = re.compile(r"[\x20-\x7e]{1,128}")
TRANSFORM_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,80}")
EXECUTION_ARN_AT_MOST = 512
_KEY_HEADER = "idempotency-key"


@dataclass(frozen=True)
class SubmitCall:
    """``POST /services/{service}/transforms``."""

    job: Job


@dataclass(frozen=True)
class StatusCall:
    """``GET /services/{service}/transforms/{transform_id}``."""

    service: str
    transform_id: str
    execution_arn: str | None


Call: TypeAlias = SubmitCall | StatusCall


def call_from(event: object) -> Call:
    """The call that an event stands for.

    Raises:
        InvalidInput: The body is not JSON, the key's header is malformed, or this is no event of API Gateway's.
        InputTooLarge: The input is over Step Functions' limit.
        NotFound: There is no such resource or method.
    """
    event = _mapping(event, "event")
    path = _mapping(event.get("pathParameters"), "pathParameters")
    service = path.get("service")
    if not isinstance(service, str) or not NAME_PATTERN.fullmatch(service):
        raise NotFound("There is no service of that name", advice="Names have lower-case letters, digits and dashes.")
    transform_id = path.get("transform_id")
    method = event.get("httpMethod")
    if method == "POST" and transform_id is None:
        key = _idempotency_key(event)
        document = _document(event)
        return SubmitCall(Job(service, document, input_hash(_measured(document)), key))
    if method == "GET" and isinstance(transform_id, str):
        if not TRANSFORM_ID_PATTERN.fullmatch(transform_id):
            raise NotFound("There is no transform of that id", advice="Ids have letters, digits, dashes, underscores.")
        return StatusCall(service, transform_id, _execution_arn(event))
    raise NotFound("There is no such resource", advice="POST jobs to /services/{service}/transforms.")


def _mapping(given: object, name: str) -> Mapping[str, Any]:
    """A part of an event that holds others; API Gateway sends null for none."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{name} is not an object", advice="Send requests through the router's API.")
    return given


def _document(event: Mapping[str, Any]) -> Any:
    body = event.get("body")
    if not isinstance(body, str) or not body:
        raise InvalidInput("The body is empty", advice="Send the job's input as JSON; for no input send {}.")
    try:
        text = base64.b64decode(body, validate=True).decode() if event.get("isBase64Encoded") is True else body
        document = _DECODER.decode(text)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidInput(f"The body is not JSON: {error}", advice="Send valid JSON, encoded in UTF-8.") from error
    # Each level opens a bracket, so a text with few of them need not be walked through.
    if text.count("[") + text.count("{") > INPUT_NESTING_AT_MOST:
        _check_nesting(document)
    return document


def _check_nesting(document: Any) -> None:
    """Whoever reads the input after us must be able to: the pipeline, Step Functions, the job."""
    level = _nested([document])
    for _ in range(INPUT_NESTING_AT_MOST):
        level = [child for node in level for child in _nested(node.values() if isinstance(node, dict) else node)]
        if not level:
            return
    raise InvalidInput(
        f"The input has more than {INPUT_NESTING_AT_MOST} levels of arrays and objects", advice="Send a flatter one."
    )


def _nested(nodes: Iterable[Any]) -> list[dict[str, Any] | list[Any]]:
    return [node for node in nodes if isinstance(node, dict | list)]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _measured(document: Any) -> bytes:
    canonical = canonical_input(document)
    if len(canonical) > INPUT_LIMIT_BYTES:
        raise InputTooLarge(
            f"The input has {len(canonical)} bytes; Step Functions takes {INPUT_LIMIT_BYTES}",
            advice="Put the data into S3 and send its address.",
        )
    return canonical


def _idempotency_key(event: Mapping[str, Any]) -> str | None:
    values: list[object] = []
    for headers in ("multiValueHeaders", "headers"):
        for name, given in _mapping(event.get(headers), headers).items():
            if str(name).lower() == _KEY_HEADER and given is not None:
                values += given if isinstance(given, list) and headers == "multiValueHeaders" else [given]
        if values:
            break
    if not values:
        return None
    key = values[0]
    if len(values) > 1 or not isinstance(key, str) or not KEY_PATTERN.fullmatch(key):
        raise InvalidInput(
            "The header Idempotency-Key is malformed", advice="Send it once, with 1 to 128 printable ASCII characters."
        )
    return key


def _execution_arn(event: Mapping[str, Any]) -> str | None:
    arn = _mapping(event.get("queryStringParameters"), "queryStringParameters").get("execution_arn")
    if arn is not None and (not isinstance(arn, str) or len(arn) > EXECUTION_ARN_AT_MOST):
        raise NotFound("There is no such execution", advice="Ask with the status_url that came with the job.")
    return arn

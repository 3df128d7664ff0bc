"""Reads API Gateway's proxy events. Everything in them comes from outside and is bounded and checked here."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias

from canary_router.core.routing import canonical_input, input_hash
from canary_router.errors import InputTooLarge, InvalidInput, NotFound
from canary_router.flows.request import Job
from canary_router.settings import INPUT_LIMIT_BYTES, NAME_PATTERN

_KEY = re.compile(r"[\x20-\x7e]{1,128}")
_TRANSFORM_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_EXECUTION_ARN_AT_MOST = 512
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


def call_from(event: Mapping[str, Any]) -> Call:
    """The call that an event stands for.

    Raises:
        InvalidInput: The body is not JSON, or the key's header is malformed.
        InputTooLarge: The input is over Step Functions' limit.
        NotFound: There is no such resource or method.
    """
    path = event.get("pathParameters") or {}
    service = str(path.get("service", ""))
    if not NAME_PATTERN.fullmatch(service):
        raise NotFound("There is no service of that name", advice="Names have lower-case letters, digits and dashes.")
    transform_id = path.get("transform_id")
    method = event.get("httpMethod")
    if method == "POST" and transform_id is None:
        key = _idempotency_key(event)
        document = _document(event)
        return SubmitCall(Job(service, document, input_hash(_measured(document)), key))
    if method == "GET" and isinstance(transform_id, str):
        if not _TRANSFORM_ID.fullmatch(transform_id):
            raise NotFound("There is no transform of that id", advice="Ids have letters, digits, dashes, underscores.")
        return StatusCall(service, transform_id, _execution_arn(event))
    raise NotFound("There is no such resource", advice="POST jobs to /services/{service}/transforms.")


def _document(event: Mapping[str, Any]) -> Any:
    body = event.get("body")
    if not isinstance(body, str) or not body:
        raise InvalidInput("The body is empty", advice="Send the job's input as JSON; for no input send {}.")
    try:
        text = base64.b64decode(body, validate=True).decode() if event.get("isBase64Encoded") else body
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, binascii.Error, RecursionError) as error:
        raise InvalidInput(f"The body is not JSON: {error}", advice="Send valid JSON, encoded in UTF-8.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _measured(document: Any) -> bytes:
    canonical = canonical_input(document)
    if len(canonical) > INPUT_LIMIT_BYTES:
        raise InputTooLarge(
            f"The input has {len(canonical)} bytes; Step Functions takes {INPUT_LIMIT_BYTES}",
            advice="Put the data into S3 and send its address.",
        )
    return canonical


def _idempotency_key(event: Mapping[str, Any]) -> str | None:
    many = event.get("multiValueHeaders") or {}
    values = [value for name, given in many.items() if name.lower() == _KEY_HEADER for value in given or ()]
    if not values:
        single = event.get("headers") or {}
        values = [value for name, value in single.items() if name.lower() == _KEY_HEADER]
    if not values:
        return None
    key = values[0]
    if len(values) > 1 or not isinstance(key, str) or not _KEY.fullmatch(key):
        raise InvalidInput(
            "The header Idempotency-Key is malformed", advice="Send it once, with 1 to 128 printable ASCII characters."
        )
    return key


def _execution_arn(event: Mapping[str, Any]) -> str | None:
    arn = (event.get("queryStringParameters") or {}).get("execution_arn")
    return arn if isinstance(arn, str) and len(arn) <= _EXECUTION_ARN_AT_MOST else None

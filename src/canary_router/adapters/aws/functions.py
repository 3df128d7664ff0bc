"""Pipelines as Lambda functions."""

import json
import re
from typing import TYPE_CHECKING, Any

from canary_router.adapters.aws.trouble import code_of, may_have_happened, never_sent, response_of
from canary_router.ports import Accepted, Broke, Invocation, Lost, Refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

    from canary_router.adapters.aws.wire.calls import FunctionCalls

_ANSWER_AT_MOST = 64 * 1024
_ARN_AT_MOST = 512
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
_EXECUTION = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:(execution|express):[^:\s]+:[^\s]+")
_NEVER_RAN = frozenset(
    {
        "EC2AccessDeniedException",
        "EC2ThrottledException",
        "EC2UnexpectedException",
        "ENILimitReachedException",
        "InvalidRuntimeException",
        "InvalidSecurityGroupIDException",
        "InvalidSubnetIDException",
        "InvalidZipFileException",
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
        "ResourceNotReadyException",
        "SubnetIPAddressLimitReachedException",
    }
)
"""Answered with 502 when the function could not be set up:
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors"""


class LambdaInvoker:
    """Invokes synchronously. The client must not retry by itself: the flow decides what a second try may mean."""

    def __init__(self, client: "LambdaClient | FunctionCalls") -> None:
        """Args: a client of Lambda without retries and with a read timeout."""
        self._client = client

    def invoke(self, function_arn: str, payload: dict[str, Any]) -> Invocation:
        """Invokes once; everything that can go wrong is an answer."""
        try:
            body = _ENCODER.encode(payload).encode()
        except (TypeError, ValueError, RecursionError) as error:
            return Refused(f"the payload is not JSON: {error}")
        try:
            answer = self._client.invoke(FunctionName=function_arn, Payload=body)
            text = answer["Payload"].read(_ANSWER_AT_MOST)
        except Exception as error:  # noqa: BLE001 - a malformed answer can raise anything
            return _understood(error)
        if answer.get("FunctionError"):
            return Broke(_error_in(text))
        return Accepted(_execution_arn_in(text))


def _understood(error: Exception) -> Invocation:
    if response_of(error) is not None:
        # Lambda refuses with 4xx before it runs anything; 5xx covers both faults before and after.
        lost = may_have_happened(error) and code_of(error) not in _NEVER_RAN
        return Lost(str(error)) if lost else Refused(str(error))
    return Refused(str(error)) if never_sent(error) else Lost(f"{type(error).__name__}: {error}")


def _decoded(text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _execution_arn_in(text: bytes) -> str | None:
    answer = _decoded(text)
    arn = answer.get("execution_arn", answer.get("executionArn"))
    is_one = isinstance(arn, str) and len(arn) <= _ARN_AT_MOST and _EXECUTION.fullmatch(arn) is not None
    return arn if is_one else None


def _error_in(text: bytes) -> str:
    answer = _decoded(text)
    reason = f"{answer.get('errorType', 'error')}: {str(answer.get('errorMessage', 'the function failed'))[:500]}"
    return reason.encode("utf-8", "backslashreplace").decode()

"""Pipelines as Lambda functions."""

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from canary_router.adapters.aws.trouble import NEVER_SENT, status_of
from canary_router.ports import Accepted, Broke, Invocation, Lost, Refused

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_ANSWER_AT_MOST = 64 * 1024
_SERVER_ERROR = 500


class LambdaInvoker:
    """Invokes synchronously. The client must not retry by itself: the flow decides what a second try may mean."""

    def __init__(self, client: "LambdaClient") -> None:
        """Args: a boto3 ``lambda`` client without retries and with a read timeout."""
        self._client = client

    def invoke(self, function_arn: str, payload: dict[str, Any]) -> Invocation:
        """Invokes once; everything that can go wrong is an answer."""
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            answer = self._client.invoke(FunctionName=function_arn, Payload=body)
            text = answer["Payload"].read(_ANSWER_AT_MOST)
        except ClientError as error:
            # Lambda refuses with 4xx before it runs anything; 5xx covers both faults before and after.
            return Lost(str(error)) if status_of(error) >= _SERVER_ERROR else Refused(str(error))
        except NEVER_SENT as error:
            return Refused(str(error))
        except (BotoCoreError, OSError) as error:
            return Lost(f"{type(error).__name__}: {error}")
        if answer.get("FunctionError"):
            return Broke(_error_in(text))
        return Accepted(_execution_arn_in(text))


def _decoded(text: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _execution_arn_in(text: bytes) -> str | None:
    answer = _decoded(text)
    arn = answer.get("execution_arn", answer.get("executionArn"))
    return arn if isinstance(arn, str) and arn.startswith("arn:") else None


def _error_in(text: bytes) -> str:
    answer = _decoded(text)
    return f"{answer.get('errorType', 'error')}: {str(answer.get('errorMessage', 'the function failed'))[:500]}"

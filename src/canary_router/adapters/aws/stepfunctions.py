"""Executions of Step Functions."""

from typing import TYPE_CHECKING

from canary_router.adapters.aws.trouble import code_of, read
from canary_router.core.model import Status
from canary_router.errors import NotVisible, Unavailable
from canary_router.ports import Execution

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

    from canary_router.adapters.aws.wire.calls import ExecutionCalls

_NONE = ("ExecutionDoesNotExist", "StateMachineDoesNotExist")
_NOT_VISIBLE = ("AccessDeniedException", "InvalidArn")
"""Answered for another account's execution, or another region's: it may well exist."""
_STATUSES = {
    "RUNNING": Status.RUNNING,
    "PENDING_REDRIVE": Status.RUNNING,
    "SUCCEEDED": Status.SUCCEEDED,
    "FAILED": Status.FAILED,
    "TIMED_OUT": Status.TIMED_OUT,
    "ABORTED": Status.ABORTED,
}


class StepFunctionsExecutions:
    """Looks executions up with DescribeExecution, whose answer may lag behind by a moment."""

    def __init__(self, client: "SFNClient | ExecutionCalls") -> None:
        """Args: a client of Step Functions."""
        self._client = client

    def describe(self, execution_arn: str) -> Execution | None:
        """The execution; None when there is none, or its state machine is gone with all of them."""
        what = f"looking up {execution_arn}"

        def call() -> Execution | None:
            try:
                answer = self._client.describe_execution(executionArn=execution_arn)
            except Exception as error:
                if code_of(error) in _NONE:
                    return None
                if code_of(error) in _NOT_VISIBLE:
                    raise NotVisible(f"{what}: {error}") from error
                raise
            status = _STATUSES.get(answer["status"])
            if status is None:
                raise Unavailable(f"{what}: its status is {answer['status']!r}, which this version does not know")
            return Execution(answer["executionArn"], status, answer.get("error") or "", answer.get("cause") or "")

        return read(what, call)

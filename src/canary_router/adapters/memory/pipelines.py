"""Pipelines and their executions in memory: an execution is started by name, once, and ended by the test."""

import threading
from collections.abc import Callable
from typing import Any

from canary_router.core.model import Status
from canary_router.ports import Accepted, Broke, Execution, Invocation, Refused


class MemoryPipelines:
    """Both the functions that start jobs and the jobs that they started.

    Attributes:
        answers: What a function does instead of starting the job; by its ARN. A callable is given the payload
            after the job was started, so that it can also lose the answer.
        invocations: ARN and payload of every invocation, in order.
    """

    def __init__(self) -> None:
        """No functions and no executions; every function named by the contract starts what it is given."""
        self.answers: dict[str, Invocation | Callable[[dict[str, Any]], Invocation]] = {}
        self.invocations: list[tuple[str, dict[str, Any]]] = []
        self._executions: dict[str, Execution] = {}
        self._lock = threading.Lock()

    def invoke(self, function_arn: str, payload: dict[str, Any]) -> Invocation:
        """Starts the job under its name, unless it runs already."""
        with self._lock:
            self.invocations.append((function_arn, payload))
            answer = self.answers.get(function_arn)
            if isinstance(answer, Refused | Broke):
                return answer
            arn = self.arn_of(function_arn, str(payload["transform_id"]))
            self._executions.setdefault(arn, Execution(arn, Status.RUNNING))
        if answer is None:
            return Accepted(arn)
        return answer(payload) if callable(answer) else answer

    def describe(self, execution_arn: str) -> Execution | None:
        """The execution, if it was started."""
        with self._lock:
            return self._executions.get(execution_arn)

    def end(self, execution_arn: str, status: Status, error: str = "", cause: str = "") -> None:
        """Ends a running execution."""
        with self._lock:
            self._executions[execution_arn] = Execution(execution_arn, status, error, cause)

    def executions(self) -> tuple[Execution, ...]:
        """Everything that was ever started."""
        with self._lock:
            return tuple(self._executions.values())

    @staticmethod
    def arn_of(function_arn: str, transform_id: str) -> str:
        """Where a function's job runs: the state machine is named as the function is, less its ``-pipeline``."""
        _, partition, _, region, account, _, function = function_arn.split(":")[:7]
        machine = function.removesuffix("-pipeline")
        return f"arn:{partition}:states:{region}:{account}:execution:{machine}:{transform_id}"

"""Real executions to be looked up: each state machine ends in one way, or does not end."""

import json
import time
from dataclasses import dataclass
from typing import Any

from tests.contracts.backends import Backend
from tests.contracts.roles import role_for

from canary_router.adapters.aws.stepfunctions import StepFunctionsExecutions
from canary_router.adapters.memory import MemoryPipelines
from canary_router.core.model import Status
from canary_router.ports import Executions

_WAITING = {"Type": "Wait", "Seconds": 600, "End": True}
_ENDS: dict[Status, dict[str, Any]] = {
    Status.RUNNING: _WAITING,
    Status.SUCCEEDED: {"Type": "Pass", "End": True},
    Status.FAILED: {"Type": "Fail", "Error": "Broken", "Cause": "as ordered"},
    Status.TIMED_OUT: _WAITING,
    Status.ABORTED: _WAITING,
}
_END_SECONDS = 20


@dataclass(frozen=True)
class Stage:
    """An adapter, and the world behind it: pipelines in memory, or a client and a role for its state machines."""

    executions: Executions
    world: Any
    role: str = ""

    def run(self, name: str, status: Status) -> str:
        """Starts an execution, brings it to a status and returns its ARN."""
        if isinstance(self.world, MemoryPipelines):
            return _run_in_memory(self.world, name, status)
        return _run_for_real(self, name, status)


def in_memory() -> Stage:
    pipelines = MemoryPipelines()
    return Stage(pipelines, pipelines)


def on(backend: Backend) -> Stage:
    client = backend.with_patience(60).client("stepfunctions")  # moto takes its time for the first one
    return Stage(StepFunctionsExecutions(client), client, role_for(backend, "states"))


def _run_in_memory(pipelines: MemoryPipelines, name: str, status: Status) -> str:
    function = f"arn:aws:lambda:us-east-1:000000000000:function:job-{status.lower()}-pipeline"
    pipelines.invoke(function, {"transform_id": name})
    arn = pipelines.arn_of(function, name)
    if status.is_final:
        ending = _ENDS[status]
        pipelines.end(arn, status, ending.get("Error", ""), ending.get("Cause", ""))
    return arn


def _run_for_real(stage: Stage, name: str, status: Status) -> str:
    client = stage.world
    definition: dict[str, Any] = {"StartAt": "Only", "States": {"Only": _ENDS[status]}}
    if status is Status.TIMED_OUT:
        definition["TimeoutSeconds"] = 1
    machine = client.create_state_machine(
        name=f"{name}-{status.lower()}", definition=json.dumps(definition), roleArn=stage.role
    )
    arn: str = client.start_execution(stateMachineArn=machine["stateMachineArn"], name=name)["executionArn"]
    if status is Status.ABORTED:
        client.stop_execution(executionArn=arn)
    deadline = time.monotonic() + _END_SECONDS
    while status.is_final and client.describe_execution(executionArn=arn)["status"] == "RUNNING":
        assert time.monotonic() < deadline, f"{arn} does not end"
        time.sleep(0.05)
    return arn

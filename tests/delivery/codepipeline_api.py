"""The calls that the verdict function makes of CodePipeline, answered for the pipelines that are played."""

from collections.abc import Mapping
from typing import Any

from tests.delivery.codepipeline import IN_PROGRESS, ActionRun, Pipeline
from tests.delivery.served import Refused


class CodePipelineApi:
    """Answers for pipelines by their names. Who calls is the verdict function of the pipeline's account."""

    def __init__(self) -> None:
        self._pipelines: dict[str, tuple[Pipeline, str]] = {}

    def know(self, pipeline: Pipeline, caller: str) -> None:
        """Adds a pipeline, and the role that asks for it."""
        self._pipelines[pipeline.name] = (pipeline, caller)

    def answer(self, operation: str, request: Mapping[str, Any], _access_key: str) -> Mapping[str, Any]:
        name = request.get("pipelineName") or request["name"]
        pipeline, role = self._pipelines[name]
        resource = pipeline.arn
        if operation == "PutApprovalResult":
            resource += f"/{request['stageName']}/{request['actionName']}"
        action = f"codepipeline:{operation}"
        if not pipeline.account.may(role, action, resource):
            raise Refused("AccessDeniedException", f"{role} may not {action} with {resource}")
        match operation:
            case "GetPipelineState":
                return _state(pipeline)
            case "ListActionExecutions":
                return _actions(pipeline, request.get("filter", {}).get("pipelineExecutionId"))
            case "PutApprovalResult":
                pipeline.answer(request["stageName"], request["actionName"], request["token"], request["result"])
                return {}
            case _:
                raise Refused("InvalidAction", f"{operation} is not played")


def _state(pipeline: Pipeline) -> dict[str, Any]:
    return {"pipelineName": pipeline.name, "stageStates": [_stage(pipeline, stage) for stage in pipeline.stages]}


def _stage(pipeline: Pipeline, stage: Mapping[str, Any]) -> dict[str, Any]:
    name = stage["Name"]
    came = [one for one in pipeline.executions if any(it.stage == name for it in one.actions)]
    answer: dict[str, Any] = {
        "stageName": name,
        "actionStates": [{"actionName": it["Name"]} for it in stage["Actions"]],
    }
    if came:
        latest = came[-1]
        runs = {it.action: it for it in latest.actions if it.stage == name}
        status = next((it.status for it in runs.values() if it.status != "Succeeded"), "Succeeded")
        answer["latestExecution"] = {"pipelineExecutionId": latest.execution_id, "status": status}
        for state in answer["actionStates"]:
            if run := runs.get(state["actionName"]):
                state["latestExecution"] = _run(run)
    return answer


def _run(run: ActionRun) -> dict[str, Any]:
    answer: dict[str, Any] = {"actionExecutionId": run.run_id, "status": run.status, "lastStatusChange": run.changed}
    if run.token and run.status == IN_PROGRESS:
        answer["token"] = run.token
    return answer


def _actions(pipeline: Pipeline, execution_id: str | None) -> dict[str, Any]:
    """The newest first."""
    found = [
        {
            "pipelineExecutionId": one.execution_id,
            "actionExecutionId": run.run_id,
            "stageName": run.stage,
            "actionName": run.action,
            "startTime": run.started,
            "lastUpdateTime": run.changed,
            "status": run.status,
            "output": {"outputVariables": run.outputs},
        }
        for one in reversed(pipeline.executions)
        for run in reversed(one.actions)
        if execution_id in (None, one.execution_id)
    ]
    return {"actionExecutionDetails": found}

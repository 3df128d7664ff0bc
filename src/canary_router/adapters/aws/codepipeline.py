"""The question of a pipeline is a manual approval that waits; who asks is read from the history of its actions.

Nothing that the deployed code can write is read here: no variable of a build, no artifact. The tag is told by the key
of the object that the source action has read in that very execution, as CodePipeline has noted it.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from canary_router.adapters.aws.trouble import code_of, read, write
from canary_router.core.approval import Answer, Approve
from canary_router.errors import Unavailable
from canary_router.ports.delivery import Waiting
from canary_router.settings import SOURCE_ACTION, VERDICT_ACTION

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

_CLOSED = ("ApprovalAlreadyCompletedException", "InvalidApprovalTokenException")
_SUMMARY_AT_MOST = 512
"""Characters that PutApprovalResult takes."""
_PAGES_AT_MOST = 20
_OPEN = "InProgress"


class PipelineApprovals:
    """The approval action of one pipeline."""

    def __init__(self, client: "CodePipelineClient", pipeline: str) -> None:
        """Args: a boto3 ``codepipeline`` client, and the pipeline's name."""
        self._client = client
        self._pipeline = pipeline

    def waiting(self) -> Waiting | None:
        """GetPipelineState has the token, ListActionExecutions the execution that it belongs to."""
        what = f"looking at the pipeline {self._pipeline}"

        def call() -> Waiting | None:
            open_action = self._open_action()
            if open_action is None:
                return None
            execution, action = open_action
            actions = self._actions(execution)
            # Stage and action are two parts of one answer; the id of the action's run ties them together for certain.
            asked = any(
                it["actionExecutionId"] == action["actionExecutionId"]
                and (it["stageName"], it["actionName"], it["status"]) == (VERDICT_ACTION, VERDICT_ACTION, _OPEN)
                for it in actions
            )
            if not asked:
                return None
            source = next(it for it in actions if it["actionName"] == SOURCE_ACTION and it["status"] == "Succeeded")
            return Waiting(
                execution_id=execution,
                token=_text(action["token"]),
                object_key=_text(source["output"]["outputVariables"]["ObjectKey"]),
                started=_milliseconds(source["startTime"]),
                since=_milliseconds(action["lastStatusChange"]),
            )

        return read(what, call)

    def _open_action(self) -> tuple[str, dict[str, Any]] | None:
        """The execution in the stage, and the run of its action that is not answered yet."""
        state = self._client.get_pipeline_state(name=self._pipeline)
        stage = next((it for it in state["stageStates"] if it["stageName"] == VERDICT_ACTION), None)
        if stage is None:
            raise Unavailable(f"The pipeline {self._pipeline} has no stage {VERDICT_ACTION!r}")
        for action in stage.get("actionStates", ()):
            latest = action.get("latestExecution", {})
            if action["actionName"] == VERDICT_ACTION and latest.get("status") == _OPEN and "token" in latest:
                return _text(stage["latestExecution"]["pipelineExecutionId"]), dict(latest)
        return None

    def _actions(self, execution: str) -> list[Any]:
        """The runs of an execution's actions, newest first."""
        found: list[Any] = []
        more: dict[str, Any] = {}
        for _ in range(_PAGES_AT_MOST):
            answer = self._client.list_action_executions(
                pipelineName=self._pipeline, filter={"pipelineExecutionId": execution}, **more
            )
            found += [it for it in answer["actionExecutionDetails"] if it["pipelineExecutionId"] == execution]
            if not answer.get("nextToken"):
                return found
            more = {"nextToken": answer["nextToken"]}
        raise Unavailable(f"The execution {execution} of {self._pipeline} has more runs of actions than are read")

    def answer(self, waiting: Waiting, answer: Answer) -> bool:
        """PutApprovalResult, with the token: an answer never reaches another execution than the one that asked."""
        status = "Approved" if isinstance(answer, Approve) else "Rejected"

        def call(_: int) -> bool:
            try:
                self._client.put_approval_result(
                    pipelineName=self._pipeline,
                    stageName=VERDICT_ACTION,
                    actionName=VERDICT_ACTION,
                    result={"status": status, "summary": answer.reason[:_SUMMARY_AT_MOST]},  # type: ignore[typeddict-item] # one of two literals
                    token=waiting.token,
                )
            except Exception as error:
                if code_of(error) in _CLOSED:
                    return False
                raise
            return True

        return write(f"answering {waiting.execution_id} of {self._pipeline}", call)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is no text")
    return value


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)

"""CodePipeline as its documentation has it: three calls about one pipeline, whose verdict action waits or does not."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from botocore.exceptions import ClientError

NAME = "transformer-staging"
BEGAN = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
_SUMMARY_AT_MOST = 512
_PAGE = 2


def failure(code: str, operation: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


@dataclass
class DocumentedPipeline:
    """What a boto3 client shows of the pipeline ``transformer-staging``.

    Attributes:
        history: The runs of actions of all executions, newest first.
        answers: What was put: execution, status and summary.
        lag: Whether the newest run of an action does not show in the history yet.
        unfiltered: Whether a history is of all executions, whichever is asked for, as emulators may have it.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[str, str, str]] = field(default_factory=list)
    lag: bool = False
    unfiltered: bool = False
    _numbers: "count[int]" = field(default_factory=lambda: count(1))
    _now: datetime = BEGAN
    _token: str = ""

    def start(self, object_key: str) -> str:
        """A new execution reads its source and deploys."""
        execution = self._id()
        output = {"outputVariables": {"ObjectKey": object_key, "VersionId": "v", "BucketName": "b", "ETag": "e"}}
        self._run(execution, "Source", "Succeeded", output)
        # What a build exports is not believed, whatever it is called.
        self._run(execution, "Deploy", "Succeeded", {"outputVariables": {"ObjectKey": "staging/transformer/v9.9.9/x"}})
        return execution

    def wait(self, execution: str) -> None:
        """Its verdict action begins, once more if it has ended before."""
        self._run(execution, "Verdict", "InProgress", {})
        self._token = self._id()

    def time_out(self) -> None:
        """Nobody has answered for too long."""
        self.history[0]["status"], self._token = "Failed", ""

    def get_pipeline_state(self, name: str) -> dict[str, Any]:
        self._check(name, "GetPipelineState")
        stages = []
        for stage in ("Source", "Deploy", "Verdict"):
            run = next((it for it in self.history if it["stageName"] == stage), None)
            state: dict[str, Any] = {"stageName": stage, "actionStates": [{"actionName": stage}]}
            if run is not None:
                latest = {
                    "actionExecutionId": run["actionExecutionId"],
                    "status": run["status"],
                    "lastStatusChange": run["startTime"],
                }
                if stage == "Verdict" and self._token:
                    latest["token"] = self._token
                state["actionStates"][0]["latestExecution"] = latest
                state["latestExecution"] = {"pipelineExecutionId": run["pipelineExecutionId"], "status": "InProgress"}
            stages.append(state)
        return {"pipelineName": NAME, "stageStates": stages}

    def list_action_executions(self, **request: Any) -> dict[str, Any]:
        self._check(request["pipelineName"], "ListActionExecutions")
        wanted = request["filter"]["pipelineExecutionId"]
        shown = self.history[1:] if self.lag else self.history
        if not self.unfiltered:
            shown = [it for it in shown if it["pipelineExecutionId"] == wanted]
        begin = int(request.get("nextToken", "0"))
        more = {"nextToken": str(begin + _PAGE)} if begin + _PAGE < len(shown) else {}
        return {"actionExecutionDetails": shown[begin : begin + _PAGE], **more}

    def put_approval_result(self, **request: Any) -> dict[str, Any]:
        self._check(request["pipelineName"], "PutApprovalResult")
        if (request["stageName"], request["actionName"]) != ("Verdict", "Verdict"):
            raise failure("ActionNotFoundException", "PutApprovalResult")
        result = request["result"]
        if result["status"] not in ("Approved", "Rejected") or len(result["summary"]) > _SUMMARY_AT_MOST:
            raise failure("ValidationException", "PutApprovalResult")
        if not self._token:
            raise failure("ApprovalAlreadyCompletedException", "PutApprovalResult")
        if request["token"] != self._token:
            raise failure("InvalidApprovalTokenException", "PutApprovalResult")
        self.answers.append((self.history[0]["pipelineExecutionId"], result["status"], result["summary"]))
        self.history[0]["status"] = "Succeeded" if result["status"] == "Approved" else "Failed"
        self._token = ""
        return {"approvedAt": self._now}

    def _run(self, execution: str, action: str, status: str, output: dict[str, Any]) -> None:
        self._now += timedelta(minutes=1)
        run = {
            "pipelineExecutionId": execution,
            "actionExecutionId": self._id(),
            "stageName": action,
            "actionName": action,
            "status": status,
            "startTime": self._now,
            "output": output,
        }
        self.history.insert(0, run)

    def _id(self) -> str:
        return str(UUID(int=next(self._numbers)))

    def _check(self, name: str, operation: str) -> None:
        if name != NAME:
            raise failure("PipelineNotFoundException", operation)

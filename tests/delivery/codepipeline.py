"""CodePipeline in an account: plays the pipeline that a template describes, with the roles that it names.

- A stage holds one execution; the next one waits before it (execution mode QUEUED).
- An action that fails ends its execution. A manual approval waits until it is answered, and fails when it is rejected.
- What an action does, it does with its role: the emulator decides on all but CodeBuild's start, which it does not know.

Actions of these kinds are known: a source in S3, CodeBuild, a manual approval. Anything else fails.
"""

import io
import json
import re
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from tests.delivery.accounts import Account, Credentials
from tests.delivery.builds import CodeBuild
from tests.delivery.buses import put_own
from tests.delivery.served import Refused

IN_PROGRESS, SUCCEEDED, FAILED = "InProgress", "Succeeded", "Failed"
_VARIABLE = re.compile(r"#\{(\w+)\.(\w+)\}")
_KINDS = ("Source/S3", "Build/CodeBuild", "Approval/Manual")


@dataclass
class ActionRun:
    """One run of an action."""

    stage: str
    action: str
    status: str = IN_PROGRESS
    said: str = ""
    token: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = field(default_factory=time.time)
    changed: float = field(default_factory=time.time)

    def end(self, status: str, said: str = "") -> None:
        self.status, self.said, self.changed = status, said, time.time()


@dataclass
class Execution:
    """One execution of the pipeline."""

    revisions: Mapping[str, Mapping[str, str]]
    status: str = IN_PROGRESS
    stage: int = 0
    actions: list[ActionRun] = field(default_factory=list)
    artifacts: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    execution_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def action(self, name: str) -> ActionRun:
        (found,) = [it for it in self.actions if it.action == name]
        return found


class Pipeline:
    """One pipeline.

    Attributes:
        executions: All that were started, the oldest first.
    """

    def __init__(self, account: Account, properties: Mapping[str, Any], builds: CodeBuild) -> None:
        assert (properties["PipelineType"], properties["ExecutionMode"]) == ("V2", "QUEUED")
        self.account = account
        self.name: str = properties["Name"]
        self.arn = f"arn:aws:codepipeline:{account.emulator.region}:{account.number}:{self.name}"
        self.stages: list[Mapping[str, Any]] = properties["Stages"]
        self.executions: list[Execution] = []
        self._role: str = properties["RoleArn"]
        self._store: str = properties["ArtifactStore"]["Location"]
        self._builds = builds
        self._does: dict[str, Callable[[Execution, ActionRun, Mapping[str, Any]], None]] = dict(
            zip(_KINDS, (self._fetch, self._build, self._ask), strict=True)
        )

    def start(self, request: Mapping[str, Any]) -> Execution:
        """StartPipelineExecution."""
        actions = {action["Name"]: action for stage in self.stages for action in stage["Actions"]}
        revisions: dict[str, dict[str, str]] = {}
        assert set(request) <= {"sourceRevisions", "name", "clientRequestToken"}, request
        for one in request.get("sourceRevisions", ()):
            configuration = actions[one["actionName"]]["Configuration"]
            if one["revisionType"] == "S3_OBJECT_KEY" and configuration.get("AllowOverrideForS3ObjectKey") != "true":
                raise Refused("ValidationException", "the object's key may not be overridden")
            revisions.setdefault(one["actionName"], {})[one["revisionType"]] = one["revisionValue"]
        execution = Execution(revisions)
        self.executions.append(execution)
        return execution

    def play(self) -> None:
        """Moves all executions as far as they come now."""
        for execution in self.executions:
            while execution.status == IN_PROGRESS and self._may_enter(execution) and self._move(execution):
                pass

    def answer(self, stage: str, action: str, token: str, result: Mapping[str, str]) -> None:
        """PutApprovalResult."""
        runs = [it for one in self.executions for it in one.actions if (it.stage, it.action) == (stage, action)]
        found = next((it for it in runs if it.token == token), None)
        if found is None:
            raise Refused("InvalidApprovalTokenException", "no action waits with this token")
        if found.status != IN_PROGRESS:
            raise Refused("ApprovalAlreadyCompletedException", "it was answered before")
        found.end(SUCCEEDED if result["status"] == "Approved" else FAILED, result["summary"])

    def _may_enter(self, execution: Execution) -> bool:
        before = self.executions[: self.executions.index(execution)]
        return not any(it.status == IN_PROGRESS and it.stage <= execution.stage for it in before)

    def _move(self, execution: Execution) -> bool:
        """Plays one stage; False when the execution waits in it."""
        stage = self.stages[execution.stage]
        for action in stage["Actions"]:
            run = next((it for it in execution.actions if it.action == action["Name"]), None)
            if run is None:
                run = ActionRun(stage["Name"], action["Name"])
                execution.actions.append(run)
                kind = "{Category}/{Provider}".format_map(action["ActionTypeId"])
                self._does[kind](execution, run, action)
            if run.status == IN_PROGRESS:
                return False
            if run.status == FAILED:
                execution.status = FAILED
                return False
        execution.stage += 1
        if execution.stage == len(self.stages):
            execution.status = SUCCEEDED
        return True

    # --- actions

    def _fetch(self, execution: Execution, run: ActionRun, action: Mapping[str, Any]) -> None:
        configuration = action["Configuration"]
        assert configuration["PollForSourceChanges"] == "false"
        revision = execution.revisions.get(action["Name"], {})
        place = {"Bucket": configuration["S3Bucket"]}
        place["Key"] = revision.get("S3_OBJECT_KEY", configuration["S3ObjectKey"])
        if version := revision.get("S3_OBJECT_VERSION_ID"):
            place["VersionId"] = version
        s3 = self._client_of(action, "s3")
        try:
            assert s3.get_bucket_versioning(Bucket=place["Bucket"])["Status"] == "Enabled"
            found = s3.get_object(**place)
            (output,) = action["OutputArtifacts"]
            copy = f"{self.name}/{output['Name']}/{execution.execution_id}"
            s3.put_object(Bucket=self._store, Key=copy, Body=found["Body"].read())
        except ClientError as error:
            run.end(FAILED, str(error))
            return
        execution.artifacts[output["Name"]] = copy
        run.outputs = {
            "BucketName": place["Bucket"],
            "ETag": found["ETag"],
            "ObjectKey": place["Key"],
            "VersionId": found["VersionId"],
        }
        execution.variables |= {f"{action['Namespace']}.{name}": value for name, value in run.outputs.items()}
        run.end(SUCCEEDED)

    def _build(self, execution: Execution, run: ActionRun, action: Mapping[str, Any]) -> None:
        configuration = action["Configuration"]
        project = configuration["ProjectName"]
        arn = f"arn:aws:codebuild:{self.account.emulator.region}:{self.account.number}:project/{project}"
        for needed in ("codebuild:StartBuild", "codebuild:BatchGetBuilds"):
            assert self.account.may(self._role, needed, arn), (self._role, needed)
        assert self._builds.source(project) == "CODEPIPELINE"
        given = json.loads(configuration.get("EnvironmentVariables", "[]"))
        variables = {it["name"]: self._resolved(execution, it["value"]) for it in given}
        (wanted,) = action["InputArtifacts"]
        source = self._unpacked(execution.artifacts[wanted["Name"]], arn, project)
        initiator = {"CODEBUILD_INITIATOR": f"codepipeline/{self.name}"}
        build = self._builds.run(project, source, variables | initiator)
        run.end(SUCCEEDED if build.succeeded else FAILED, build.log)

    def _ask(self, execution: Execution, run: ActionRun, action: Mapping[str, Any]) -> None:
        run.said = self._resolved(execution, action["Configuration"].get("CustomData", ""))
        run.token = str(uuid.uuid4())
        self._tell(execution, run)

    def _unpacked(self, copy: str, project_arn: str, project: str) -> Path:
        """What the build's role reads of the store."""
        credentials = self.account.taken_on(self._builds.role(project), "codebuild", project_arn)
        s3 = self.account.client_with(credentials, "s3")
        folder = self._builds.folder / f"source-{uuid.uuid4()}"
        with zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket=self._store, Key=copy)["Body"].read())) as archive:
            archive.extractall(folder)
        return folder

    def _resolved(self, execution: Execution, text: str) -> str:
        return _VARIABLE.sub(lambda it: execution.variables[f"{it[1]}.{it[2]}"], text)

    def _client_of(self, action: Mapping[str, Any], service: str) -> Any:
        """With the pipeline's role the action's is taken on, as both of their policies let it."""
        own: Credentials = self.account.taken_on(self._role, "codepipeline", self.arn)
        role = action.get("RoleArn")
        credentials = self.account.session_of(role, self.account.client_with(own, "sts")) if role else own
        return self.account.client_with(credentials, service)

    def _tell(self, execution: Execution, run: ActionRun) -> None:
        detail = {
            "pipeline": self.name,
            "execution-id": execution.execution_id,
            "stage": run.stage,
            "action": run.action,
            "state": "STARTED",
            "version": 1.0,
        }
        put_own(self.account, "aws.codepipeline", "CodePipeline Action Execution State Change", detail)

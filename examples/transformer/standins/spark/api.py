"""The calls of EMR Serverless's API that a job needs, as botocore speaks them. Everything else is refused by name."""

import json
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from transformer.standins.spark.jobs import Job
from transformer.standins.spark.objects import NotCopied
from transformer.standins.spark.runs import DEFAULT_MINUTES, Conflict, Ended, JobRun, JobRuns
from transformer.standins.web import Reply, Request

APPLICATION = "local"
"""Id of the one application."""
MAX_MINUTES = 10_080
MAX_PAGE = 50
STATES = {
    "SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "SUCCESS", "FAILED", "CANCELLING", "CANCELLED", "QUEUED",
}  # fmt: skip
_ROLE = re.compile(r"arn:aws[a-zA-Z0-9-]*:iam::(?P<account>\d{12}):role/[!-~]+")
_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
# How large a job's machines are, which is this machine here.
_SIZES = re.compile(r"spark\.(driver|executor)\.(cores|memory|memoryOverhead|instances)|spark\.dynamicAllocation\.\w+")
_KNOWN = {
    "clientToken", "executionRoleArn", "jobDriver", "name", "tags", "executionTimeoutMinutes", "mode",
    "configurationOverrides",
}  # fmt: skip


class _Refused(Exception):
    def __init__(self, status: HTTPStatus, kind: str, message: str) -> None:
        super().__init__(message)
        self.reply = Reply({"message": message}, status, {"x-amzn-ErrorType": kind})


@dataclass(frozen=True)
class Spark:
    """The API of one application.

    Attributes:
        runs: The job runs.
        label: What runs them, in place of a release of EMR.
    """

    runs: JobRuns
    label: str
    created: float = 0.0

    def __call__(self, request: Request) -> Reply:
        """Answers one request."""
        try:
            return self._answer(request)
        except _Refused as refused:
            return refused.reply

    def _answer(self, request: Request) -> Reply:
        match request.method, request.segments:
            case "GET", ("applications", application):
                _only(request.parameters, set(), "GetApplication")
                return self._application(application)
            case "POST", ("applications", application, "jobruns"):
                self._known(application)
                return self._start(_body(request))
            case "GET", ("applications", application, "jobruns"):
                self._known(application)
                return self._list(request)
            case "GET", ("applications", application, "jobruns", job_run_id):
                _only(request.parameters, set(), "GetJobRun")
                return Reply({"jobRun": _shown(self._run(application, job_run_id), self.label)})
            case "DELETE", ("applications", application, "jobruns", job_run_id):
                return self._cancel(request, self._run(application, job_run_id))
            case _:
                raise _invalid(f"This stand-in does not know {request.method} {request.path}")

    def _application(self, application: str) -> Reply:
        self._known(application)
        arn = _arn("0" * 12)
        return Reply(
            {
                "application": {
                    "applicationId": APPLICATION, "name": "stand-in", "arn": arn, "releaseLabel": self.label,
                    "type": "Spark", "state": "STARTED", "createdAt": self.created, "updatedAt": self.created,
                }
            }
        )  # fmt: skip

    def _start(self, body: dict[str, Any]) -> Reply:
        _only(body, _KNOWN, "StartJobRun")
        token, role = body.get("clientToken"), body.get("executionRoleArn")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise _invalid(f"clientToken is {token!r}")
        if not isinstance(role, str) or not _ROLE.fullmatch(role):
            raise _invalid(f"executionRoleArn is {role!r}, which is not the ARN of a role")
        minutes = body.get("executionTimeoutMinutes", DEFAULT_MINUTES)
        if not isinstance(minutes, int) or isinstance(minutes, bool) or not 1 <= minutes <= MAX_MINUTES:
            raise _invalid(f"executionTimeoutMinutes is {minutes!r}: from 1 to {MAX_MINUTES} in this stand-in")
        if body.get("mode", "BATCH") != "BATCH":
            raise _invalid(f"mode is {body['mode']!r}: this stand-in knows BATCH")
        _only(_object(body, "configurationOverrides"), {"monitoringConfiguration"}, "configurationOverrides")
        try:
            run = self.runs.start(token, body, _job(_object(body, "jobDriver")), minutes)
        except Conflict as error:
            raise _Refused(HTTPStatus.CONFLICT, "ConflictException", str(error)) from error
        return Reply({"applicationId": APPLICATION, "jobRunId": run.job_run_id, "arn": _arn_of(run)})

    def _list(self, request: Request) -> Reply:
        _only(request.parameters, {"states", "maxResults", "nextToken", "mode"}, "ListJobRuns")
        states = {value for name, value in request.query if name == "states"}
        if unknown := states - STATES:
            raise _invalid(f"states has {sorted(unknown)}")
        if request.parameters.get("mode", "BATCH") != "BATCH":
            raise _invalid("mode: this stand-in knows BATCH")
        size = request.parameters.get("maxResults", str(MAX_PAGE))
        if not re.fullmatch(r"\d{1,2}", size) or not 1 <= int(size) <= MAX_PAGE:
            raise _invalid(f"maxResults is {size}: from 1 to {MAX_PAGE}")
        runs = self.runs.newest_first()
        if after := request.parameters.get("nextToken"):
            ids = [run.job_run_id for run in runs]
            if after not in ids:
                raise _invalid(f"nextToken is {after}, which this stand-in has not given out")
            runs = runs[ids.index(after) + 1 :]
        found = [run for run in runs if not states or run.state in states]
        page = found[: int(size)]
        more = {"nextToken": page[-1].job_run_id} if len(found) > len(page) else {}
        return Reply({"jobRuns": [_summary(run, self.label) for run in page], **more})

    def _cancel(self, request: Request, run: JobRun) -> Reply:
        _only(request.parameters, {"shutdownGracePeriodInSeconds"}, "CancelJobRun")
        if request.parameters.get("shutdownGracePeriodInSeconds", "0") != "0":
            raise _invalid("shutdownGracePeriodInSeconds: this stand-in ends a script at once")
        try:
            self.runs.cancel(run, "Job run was cancelled")
        except Ended as error:
            raise _invalid(str(error)) from error
        return Reply({"applicationId": APPLICATION, "jobRunId": run.job_run_id})

    def _known(self, application: str) -> None:
        if application != APPLICATION:
            raise _missing(f"Application {application} does not exist; this stand-in has {APPLICATION}")

    def _run(self, application: str, job_run_id: str) -> JobRun:
        self._known(application)
        if (run := self.runs.get(job_run_id)) is None:
            raise _missing(f"JobRun {job_run_id} does not exist")
        return run


def _body(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise _Refused(HTTPStatus.BAD_REQUEST, "SerializationException", f"The body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise _Refused(HTTPStatus.BAD_REQUEST, "SerializationException", "The body is not an object")
    return found


def _job(driver: dict[str, Any]) -> Job:
    _only(driver, {"sparkSubmit"}, "jobDriver")
    submit = _object(driver, "sparkSubmit")
    _only(submit, {"entryPoint", "entryPointArguments", "sparkSubmitParameters"}, "sparkSubmit")
    entry_point, arguments = submit.get("entryPoint"), submit.get("entryPointArguments", [])
    if not isinstance(entry_point, str):
        raise _invalid(f"jobDriver.sparkSubmit.entryPoint is {entry_point!r}")
    if not isinstance(arguments, list) or not all(isinstance(argument, str) for argument in arguments):
        raise _invalid("jobDriver.sparkSubmit.entryPointArguments is not a list of strings")
    _check_parameters(submit.get("sparkSubmitParameters", ""))
    job = Job(entry_point, tuple(arguments))
    try:
        job.check()
    except NotCopied as error:
        raise _invalid(str(error)) from error
    return job


def _check_parameters(text: object) -> None:
    """Lets through how large a job's machines are; anything else would change what the job does."""
    try:
        words = shlex.split(text) if isinstance(text, str) else ["?"]
    except ValueError as error:
        raise _invalid(f"sparkSubmitParameters: {error}") from error
    settings = iter(words)
    for word in settings:
        name = next(settings, "").partition("=")[0] if word == "--conf" else word
        if not _SIZES.fullmatch(name):
            raise _invalid(f"sparkSubmitParameters has {name}: this stand-in knows --conf, and the sizes of machines")


def _object(body: dict[str, Any], name: str) -> dict[str, Any]:
    found = body.get(name, {})
    if not isinstance(found, dict):
        raise _invalid(f"{name} is not an object")
    return found


def _only(found: Iterable[str], known: set[str], what: str) -> None:
    if unknown := sorted(set(found) - known):
        raise _invalid(f"{what}: this stand-in does not know {', '.join(unknown)}")


def _invalid(message: str) -> _Refused:
    return _Refused(HTTPStatus.BAD_REQUEST, "ValidationException", message)


def _missing(message: str) -> _Refused:
    return _Refused(HTTPStatus.NOT_FOUND, "ResourceNotFoundException", message)


def _summary(run: JobRun, label: str) -> dict[str, Any]:
    shown = _shown(run, label)
    for name in ("jobDriver", "tags", "configurationOverrides", "executionTimeoutMinutes"):
        shown.pop(name, None)
    return {"id": shown.pop("jobRunId"), "type": "Spark", **shown}


def _shown(run: JobRun, label: str) -> dict[str, Any]:
    role = run.request["executionRoleArn"]
    given = {name: run.request[name] for name in ("name", "tags", "configurationOverrides") if name in run.request}
    shown = {
        "applicationId": APPLICATION, "jobRunId": run.job_run_id, "arn": _arn_of(run), "createdBy": role,
        "createdAt": run.created, "updatedAt": run.updated, "executionRole": role, "state": run.state,
        "stateDetails": run.details, "releaseLabel": label, "jobDriver": run.request["jobDriver"], "mode": "BATCH",
        "attempt": 1, "executionTimeoutMinutes": run.minutes, **given,
    }  # fmt: skip
    if run.began is not None:
        shown["startedAt"] = run.began
    if run.ended is not None:
        shown["endedAt"] = run.ended
        shown["totalExecutionDurationSeconds"] = int(run.ended - (run.began or run.ended))
    return shown


def _arn_of(run: JobRun) -> str:
    role = _ROLE.fullmatch(run.request["executionRoleArn"])
    assert role  # noqa: S101 - it was checked when the run was started
    return f"{_arn(role['account'])}/jobruns/{run.job_run_id}"


def _arn(account: str) -> str:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return f"arn:aws:emr-serverless:{region}:{account}:/applications/{APPLICATION}"

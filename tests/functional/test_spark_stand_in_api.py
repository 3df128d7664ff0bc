"""The API of the stand-in for EMR Serverless, through botocore's client: runs that a test lets end as it likes."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError
from tests.functional.stand_ins_world import served

from transformer.standins.spark import runs as job_runs
from transformer.standins.spark.api import Spark
from transformer.standins.spark.jobs import Job
from transformer.standins.spark.runs import JobRuns
from transformer.standins.spark.worker import Outcome

if TYPE_CHECKING:
    from mypy_boto3_emr_serverless import EMRServerlessClient

ROLE = "arn:aws:iam::123456789012:role/job"
ENTRY_POINT = "s3://bucket/jobs/days.py"
SECONDS = 10
SESSION = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name="eu-west-1")


class Hands:
    """Runs jobs until a test says how they end."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.outcome: Outcome | None = Outcome(succeeded=True)
        self.interrupted = 0
        self.mistake: Exception | None = None
        self._changed = threading.Condition()

    def run(self, job: Job, stop: threading.Event, begins: Callable[[], None]) -> Outcome:
        begins()
        if self.mistake:
            raise self.mistake
        with self._changed:
            self.jobs.append(job)
            self._changed.wait_for(lambda: self.outcome is not None or stop.is_set(), SECONDS)
            return self.outcome or Outcome(succeeded=False, details="It was interrupted")

    def interrupt(self) -> None:
        with self._changed:
            self.interrupted += 1
            self._changed.notify_all()

    def end(self, outcome: Outcome | None) -> None:
        with self._changed:
            self.outcome = outcome
            self._changed.notify_all()


class Api:
    """The API, and what runs its jobs."""

    def __init__(self, url: str, hands: Hands) -> None:
        self.url = url
        self.hands = hands
        self.emr: EMRServerlessClient = SESSION.client("emr-serverless", endpoint_url=f"{url}/spark")
        self._tokens = 0

    def start(self, *, submit: dict[str, Any] | None = None, **changed: Any) -> str:
        self._tokens += 1
        asked: dict[str, Any] = {
            "applicationId": "local", "clientToken": f"token-{self._tokens}", "executionRoleArn": ROLE,
            "jobDriver": {"sparkSubmit": {"entryPoint": ENTRY_POINT} | (submit or {})},
        } | changed  # fmt: skip
        return self.emr.start_job_run(**asked)["jobRunId"]

    def run(self, job_run_id: str) -> Any:
        return self.emr.get_job_run(applicationId="local", jobRunId=job_run_id)["jobRun"]

    def awaits(self, job_run_id: str, state: str) -> Any:
        until = time.monotonic() + SECONDS
        while (run := self.run(job_run_id))["state"] != state:
            assert time.monotonic() < until, run
            time.sleep(0.005)
        return run

    def listed(self, **asked: Any) -> list[str]:
        pages = self.emr.get_paginator("list_job_runs").paginate(applicationId="local", **asked)
        return [run["id"] for page in pages for run in page["jobRuns"]]


@pytest.fixture
def api() -> Iterator[Api]:
    hands = Hands()
    runs = JobRuns(hands, minute=0.1)
    with served(spark=Spark(runs, "of-a-test", created=1.5)) as url:
        yield Api(url, hands)
    runs.close()


def refusal(call: Callable[[], object]) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as refused:
        call()
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def test_the_application_is_a_started_one_of_spark(api: Api) -> None:
    application = api.emr.get_application(applicationId="local")["application"]
    assert (application["applicationId"], application["type"], application["state"]) == ("local", "Spark", "STARTED")
    assert application["createdAt"].timestamp() == 1.5


def test_a_run_goes_from_submitted_to_its_end(api: Api) -> None:
    api.hands.end(None)
    first, second = (
        api.start(name="first", tags={"a": "b"}),
        api.start(submit={"entryPointArguments": ["--year", "2014"]}),
    )
    running = api.awaits(first, "RUNNING")
    assert (running["name"], running["tags"], running["executionRole"]) == ("first", {"a": "b"}, ROLE)
    assert running["arn"] == f"arn:aws:emr-serverless:us-east-1:123456789012:/applications/local/jobruns/{first}"
    assert running["jobDriver"] == {"sparkSubmit": {"entryPoint": ENTRY_POINT}}
    assert "endedAt" not in running
    assert api.run(second)["state"] == "SUBMITTED"
    api.hands.end(Outcome(succeeded=False, details="ValueError: of a test\n  it is"))
    failed = api.awaits(first, "FAILED")
    assert failed["stateDetails"] == "ValueError: of a test it is"
    assert failed["createdAt"] <= failed["startedAt"] <= failed["endedAt"] == failed["updatedAt"]
    assert failed["totalExecutionDurationSeconds"] == int((failed["endedAt"] - failed["startedAt"]).total_seconds())
    api.awaits(second, "FAILED")
    api.hands.end(Outcome(succeeded=True))
    assert api.hands.jobs[1] == Job(ENTRY_POINT, ("--year", "2014"))
    api.awaits(api.start(), "SUCCESS")


def test_a_token_starts_one_run_however_often_it_is_sent(api: Api) -> None:
    first = api.start(clientToken="t-1")
    assert api.start(clientToken="t-1") == first
    api.awaits(first, "SUCCESS")
    assert api.start(clientToken="t-1") == first
    assert len(api.hands.jobs) == 1
    kind, status, message = refusal(lambda: api.start(clientToken="t-1", name="another"))
    assert (kind, status, "t-1" in message) == ("ConflictException", 409, True)
    assert api.start(clientToken="t-2") != first


def test_one_token_sent_by_many_at_once_starts_one_run(api: Api) -> None:
    found = set[str]()
    threads = [threading.Thread(target=lambda: found.add(api.start(clientToken="t-1"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    api.awaits(found.pop(), "SUCCESS")
    assert len(api.hands.jobs) == 1


def test_runs_are_listed_newest_first_by_state_and_in_pages(api: Api) -> None:
    ids = [api.start() for _ in range(5)]
    for job_run_id in ids:
        api.awaits(job_run_id, "SUCCESS")
    api.hands.end(None)
    ids.append(api.start())
    api.awaits(ids[-1], "RUNNING")
    assert api.listed() == ids[::-1]
    assert api.listed(PaginationConfig={"PageSize": 2}) == ids[::-1]
    assert api.listed(states=["RUNNING"]) == ids[5:]
    assert api.listed(states=["SUCCESS", "FAILED"]) == ids[4::-1]
    [page] = [api.emr.list_job_runs(applicationId="local", maxResults=1)]
    assert (page["jobRuns"][0]["state"], page["nextToken"]) == ("RUNNING", ids[5])


def test_a_run_is_cancelled_whether_it_waits_or_runs_and_not_after_its_end(api: Api) -> None:
    api.hands.end(None)
    running, waiting = api.start(), api.start()
    api.awaits(running, "RUNNING")
    api.emr.cancel_job_run(applicationId="local", jobRunId=waiting)
    assert api.run(waiting)["state"] == "CANCELLED"
    assert api.hands.interrupted == 0
    api.emr.cancel_job_run(applicationId="local", jobRunId=running)
    assert api.awaits(running, "CANCELLED")["stateDetails"] == "Job run was cancelled"
    assert api.hands.interrupted == 1
    kind, _, message = refusal(lambda: api.emr.cancel_job_run(applicationId="local", jobRunId=running))
    assert (kind, "CANCELLED" in message) == ("ValidationException", True)
    api.hands.end(Outcome(succeeded=True))
    api.awaits(api.start(), "SUCCESS")
    assert len(api.hands.jobs) == 2


def test_a_run_that_takes_longer_than_it_may_is_cancelled(api: Api) -> None:
    api.hands.end(None)
    overdue = api.start(executionTimeoutMinutes=1)
    assert "1 minutes" in api.awaits(overdue, "CANCELLED")["stateDetails"]


def test_a_mistake_in_one_run_is_not_the_end_of_the_others(api: Api, capfd: pytest.CaptureFixture[str]) -> None:
    api.hands.mistake = RuntimeError("a mistake of this test")
    assert "a mistake of this test" in api.awaits(api.start(), "FAILED")["stateDetails"]
    assert "a mistake of this test" in capfd.readouterr().err
    api.hands.mistake = None
    api.awaits(api.start(), "SUCCESS")


def test_what_is_not_there_is_not_found(api: Api) -> None:
    calls: list[Callable[[], object]] = [
        lambda: api.emr.get_application(applicationId="another"),
        lambda: api.emr.start_job_run(applicationId="another", clientToken="t", executionRoleArn=ROLE),
        lambda: api.emr.list_job_runs(applicationId="another"),
        lambda: api.emr.get_job_run(applicationId="local", jobRunId="none"),
        lambda: api.emr.cancel_job_run(applicationId="local", jobRunId="none"),
    ]
    for call in calls:
        kind, status, message = refusal(call)
        assert (kind, status) == ("ResourceNotFoundException", 404)
        assert "does not exist" in message


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"clientToken": "a b"}, "clientToken"),
        ({"executionRoleArn": "arn:aws:iam::123456789012:user/job"}, "executionRoleArn"),
        ({"jobDriver": {"hive": {"query": "SELECT 1"}}}, "hive"),
        ({"submit": {"entryPoint": "/days.py"}}, "/days.py"),
        ({"submit": {"entryPoint": "s3://bucket/days.jar"}}, "days.jar"),
        ({"submit": {"entryPointArguments": ["s3://bucket/*.csv"]}}, "*.csv"),
        ({"submit": {"entryPointArguments": ["s3://bucket/../b/"]}}, "../b/"),
        ({"submit": {"entryPointArguments": ["s3://bucket/a,s3://bucket/b"]}}, "s3://bucket/a,s3://bucket/b"),
        ({"submit": {"entryPointArguments": ["s3a://bucket/a"]}}, "s3a://"),
        ({"submit": {"sparkSubmitParameters": "--py-files s3://bucket/more.py"}}, "--py-files"),
        ({"submit": {"sparkSubmitParameters": "--conf spark.sql.ansi.enabled=true"}}, "spark.sql.ansi.enabled"),
        ({"submit": {"sparkSubmitParameters": "'"}}, "sparkSubmitParameters"),
        ({"configurationOverrides": {"applicationConfiguration": []}}, "applicationConfiguration"),
        ({"executionTimeoutMinutes": 0}, "executionTimeoutMinutes"),
        ({"mode": "STREAMING"}, "STREAMING"),
        ({"retryPolicy": {"maxAttempts": 2}}, "retryPolicy"),
    ],
)
def test_what_it_would_do_differently_is_refused_by_name(api: Api, changed: dict[str, Any], name: str) -> None:
    kind, status, message = refusal(lambda: api.start(**changed))
    assert (kind, status) == ("ValidationException", 400)
    assert name in message
    assert api.listed() == []


def test_how_large_the_machines_are_and_where_logs_go_changes_nothing_here(api: Api) -> None:
    sizes = "--conf spark.executor.cores=1 --conf spark.driver.memory=2g --conf spark.dynamicAllocation.enabled=false"
    logs = {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://bucket/logs/"}}}
    api.awaits(api.start(submit={"sparkSubmitParameters": sizes}, configurationOverrides=logs), "SUCCESS")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/applications", b"{}"),
        ("GET", "/applications/local/jobruns?createdAtAfter=2026-01-01", b""),
        ("GET", "/applications/local/jobruns?states=DONE", b""),
        ("GET", "/applications/local/jobruns?maxResults=51", b""),
        ("GET", "/applications/local/jobruns?nextToken=none", b""),
        ("POST", "/applications/local/jobruns", b"{"),
        ("POST", "/applications/local/jobruns", b"[]"),
        ("POST", "/applications/local/jobruns", b'{"jobDriver": 1}'),
    ],
)
def test_other_requests_are_refused_in_the_services_form(api: Api, method: str, path: str, body: bytes) -> None:
    answer = urllib3.PoolManager(retries=False).request(method, f"{api.url}/spark{path}", body=body)
    assert answer.status == 400
    assert answer.headers["x-amzn-ErrorType"] in {"ValidationException", "SerializationException"}
    assert answer.json()["message"]


def test_of_very_many_runs_those_that_ended_first_are_forgotten() -> None:
    hands = Hands()
    runs = JobRuns(hands)
    request = {"executionRoleArn": ROLE}
    first = runs.start("first", request, Job(ENTRY_POINT, ()))
    others = [runs.start(str(number), request, Job(ENTRY_POINT, ())) for number in range(job_runs.MAX_RUNS)]
    until = time.monotonic() + SECONDS
    while others[-1].state != "SUCCESS" and time.monotonic() < until:
        time.sleep(0.01)
    runs.start("more", request, Job(ENTRY_POINT, ()))
    assert len(runs.newest_first()) == job_runs.MAX_RUNS
    assert runs.get(first.job_run_id) is None
    assert runs.start("first", request, Job(ENTRY_POINT, ())) is not first
    runs.close()

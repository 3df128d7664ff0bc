"""The Transformer on an emulator: deployed by the real CDK, run by the real state machine, its numbers checked.

Its Spark jobs run without Spark here, by their own functions, and its indexes are those of the stand-in; where
``OPENSEARCH_URL`` names a server, they are there.
"""

import csv
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from opensearchpy import OpenSearch
from tests.functional.standins_process import stand_ins

from canary_router.local import emulator as local_emulator
from canary_router.local import home as local_home
from canary_router.local.record import Emulator
from canary_router.local.toolchain import Toolchain, node_environment
from canary_router.settings import attribute_parameter_name, stack_name
from frontend.desk import Desk
from transformer.versions import HERE

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import DescribeExecutionOutputTypeDef

ENVIRONMENT = "weather"
JOB_SECONDS = 60


@dataclass(frozen=True)
class Platform:
    """An emulator with seven versions on it, and all that they stand on."""

    emulator: Emulator
    search: OpenSearch

    def client(self, name: str) -> Any:
        return boto3.Session(
            aws_access_key_id=self.emulator.access_key_id,
            aws_secret_access_key=self.emulator.secret_access_key,
            region_name=self.emulator.region,
        ).client(name, endpoint_url=self.emulator.endpoint_url)  # type: ignore[call-overload]

    def published(self, attribute: str) -> str:
        """What the shared stack has published."""
        name = attribute_parameter_name(ENVIRONMENT, "shared", attribute)
        return str(self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])

    def run(self, tag: str, document: object, transform_id: str = "") -> "DescribeExecutionOutputTypeDef":
        """Sends one job to a version's pipeline, as the router does, and waits for its end."""
        name = transform_id or str(uuid.uuid4())
        event = {"transform_id": name, "service": "transformer", "version": tag, "input": document}
        answer = self.client("lambda").invoke(
            FunctionName=f"{stack_name('transformer', tag)}-pipeline", Payload=json.dumps(event)
        )
        payload = json.load(answer["Payload"])
        assert "FunctionError" not in answer, payload
        states, until = self.client("stepfunctions"), time.monotonic() + JOB_SECONDS
        while time.monotonic() < until:
            execution: DescribeExecutionOutputTypeDef = states.describe_execution(executionArn=payload["execution_arn"])
            if execution["status"] != "RUNNING":
                assert execution["name"] == event["transform_id"]
                return execution
            time.sleep(0.1)
        pytest.fail(f"{tag} was not done with {document} after {JOB_SECONDS} s")

    def result(self, execution: "DescribeExecutionOutputTypeDef") -> dict[str, Any]:
        bucket, key = json.loads(execution["output"])["result"].removeprefix("s3://").split("/", 1)
        body = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        document: dict[str, Any] = json.loads(body)
        return document

    def days(self, tag: str, execution: "DescribeExecutionOutputTypeDef") -> list[dict[str, Any]]:
        """The documents of a job, as anybody finds them in the index."""
        query = {"query": {"term": {"transform_id": execution["name"]}}, "size": 1000}
        hits = self.search.search(index=stack_name("transformer", tag), body=query)["hits"]["hits"]
        return sorted((hit["_source"] for hit in hits), key=lambda document: str(document["date"]))


def cdk(emulator: Emulator, folder: Path, *arguments: str) -> None:
    environment = os.environ | node_environment() | emulator.client_environment()
    environment["PYTHONPATH"] = str(HERE.parent)
    command = [*Toolchain(local_home.tools_home()).cdk(), *arguments]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    home = tmp_path_factory.mktemp("transformer")
    emulator = local_emulator.start(home)
    try:
        with stand_ins(emulator, home) as there:
            search = os.environ.get("OPENSEARCH_URL", there.search)
            app = f"{sys.executable} {Path(__file__).with_name('transformer_app.py')}"
            context = {
                "environment": ENVIRONMENT,
                "spark_endpoint": there.spark,
                "search_endpoint": search,
                "endpoint_url": emulator.endpoint_url,
            }
            chosen = [part for name, value in context.items() for part in ("--context", f"{name}={value}")]
            cdk(emulator, home, "bootstrap", f"aws://{emulator.account}/{emulator.region}")
            cdk(emulator, home, "deploy", "--all", "--require-approval=never", f"--app={app}", *chosen)
            client = OpenSearch([search], timeout=10)
            yield Platform(emulator, client)
            client.close()
    finally:
        local_emulator.stop(home)


def days_of(year: int) -> list[dict[str, str]]:
    every = csv.DictReader((HERE / "data" / "seattle-weather.csv").read_text().splitlines())
    return [day for day in every if day["date"].startswith(f"{year}/")]


@pytest.mark.parametrize("tag", ["v1.0.0", "v1.1.0"])
@pytest.mark.parametrize(("year", "metric"), [(2014, "temp_max"), (2012, "precipitation")])
def test_a_working_version_finds_what_is_in_the_file(platform: Platform, tag: str, year: int, metric: str) -> None:
    execution = platform.run(tag, {"year": year, "metric": metric})
    assert execution["status"] == "SUCCEEDED", execution
    result = platform.result(execution)
    assert (result["version"], result["transform_id"]) == (tag, execution["name"])
    days = days_of(year)
    assert result["days"] == len(days)
    assert result["weather"] == {kind: [day["weather"] for day in days].count(kind) for kind in result["weather"]}
    for month in range(1, 13):
        values = [float(day[metric]) for day in days if day["date"][5:7] == f"{month:02}"]
        found = result["months"][month - 1]
        assert found["days"] == len(values)
        assert (found["lowest"], found["highest"]) == (min(values), max(values))
        assert found["mean"] == pytest.approx(sum(values) / len(values), abs=0.0051)
        if tag == "v1.1.0":
            assert found["spread"] == pytest.approx(max(values) - min(values), abs=0.0051)
        else:
            assert "spread" not in found
    output = json.loads(execution["output"])
    stack = stack_name("transformer", tag)
    assert (output["index"], output["documents"], output["days"]) == (stack, len(days), len(days))
    every = [day for some_year in (2012, 2013, 2014, 2015) for day in days_of(some_year)]
    for day, document in zip(days, platform.days(tag, execution), strict=True):
        alike = [float(it[metric]) for it in every if it["date"][5:7] == day["date"][5:7]]
        normal = sum(alike) / len(alike)
        assert document.pop("normal") == pytest.approx(normal, abs=0.0051)
        assert document.pop("departure") == pytest.approx(float(day[metric]) - normal, abs=0.0051)
        date = day["date"].replace("/", "-")
        assert document == {
            "transform_id": execution["name"], "date": date, "month": int(date[5:7]), "metric": metric,
            "value": float(day[metric]),
        }  # fmt: skip


def test_the_next_contract_is_taken_by_the_version_before_it_as_well(platform: Platform) -> None:
    results = []
    for tag in ("v1.4.0", "v2.0.0"):
        execution = platform.run(tag, {"year": 2012, "measure": "wind"})
        assert execution["status"] == "SUCCEEDED", execution
        results.append(platform.result(execution))
    assert results[0]["months"] == results[1]["months"]
    assert (results[1]["metric"], results[1]["version"]) == ("wind", "v2.0.0")


def test_what_was_sent_by_the_old_contract_fails_on_the_version_that_breaks_it(platform: Platform) -> None:
    execution = platform.run("v2.0.0", {"year": 2012, "metric": "wind"})
    assert execution["status"] == "FAILED"
    assert "The input has the keys ['metric', 'year']; give 'year' and 'measure'" in execution["cause"]


def test_a_job_of_v1_3_0_still_waits_when_later_ones_of_other_versions_are_done(platform: Platform) -> None:
    event = {"transform_id": str(uuid.uuid4()), "service": "transformer", "version": "v1.3.0", "input": {}}
    answer = platform.client("lambda").invoke(FunctionName="transformer-v1-3-0-pipeline", Payload=json.dumps(event))
    execution_arn, states = json.load(answer["Payload"])["execution_arn"], platform.client("stepfunctions")
    for tag in ("v1.0.0", "v1.4.0"):
        assert platform.run(tag, {})["status"] == "SUCCEEDED"
    assert states.describe_execution(executionArn=execution_arn)["status"] == "RUNNING"
    states.stop_execution(executionArn=execution_arn)


def test_an_empty_input_means_the_defaults(platform: Platform) -> None:
    result = platform.result(platform.run("v1.0.0", {}))
    assert (result["year"], result["metric"], result["unit"]) == (2014, "temp_max", "°C")


@pytest.mark.parametrize("year", [2013, 2014])
def test_a_job_of_v1_2_0_fails_for_a_year_that_has_no_29th_of_february(platform: Platform, year: int) -> None:
    execution = platform.run("v1.2.0", {"year": year})
    assert (execution["status"], execution["error"]) == ("FAILED", "SparkFailed")
    assert "ValueError: day is out of range for month" in execution["cause"], execution["cause"]
    assert platform.run("v1.2.1", {"year": year})["status"] == "SUCCEEDED"


def test_a_job_of_v1_2_0_succeeds_for_the_year_that_has_one(platform: Platform) -> None:
    execution = platform.run("v1.2.0", {"year": 2012})
    assert execution["status"] == "SUCCEEDED", execution
    assert len(platform.days("v1.2.0", execution)) == 366


def test_a_job_does_not_succeed_when_its_index_has_something_else_than_was_found(platform: Platform) -> None:
    first = platform.run("v1.0.0", {})
    day = platform.days("v1.0.0", first)[0]
    another = str(uuid.uuid4())
    platform.search.index(
        index="transformer-v1-0-0", id=f"{another}-stray", body=day | {"transform_id": another, "value": 99.5}
    )
    execution = platform.run("v1.0.0", {}, another)
    assert execution["status"] == "FAILED"
    assert "Month 1 is Month(days=32" in execution["cause"]
    assert "highest=99.5) in the index transformer-v1-0-0; Athena found Month(days=31" in execution["cause"]


def test_a_front_end_with_its_policy_alone_sees_a_job_its_steps_and_its_result(platform: Platform) -> None:
    identity = platform.client("iam")
    name = attribute_parameter_name(ENVIRONMENT, "frontend", "policy_arn")
    policy = platform.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    identity.create_user(UserName="front-end")
    identity.attach_user_policy(UserName="front-end", PolicyArn=policy)
    key = identity.create_access_key(UserName="front-end")["AccessKey"]
    execution = platform.run("v1.0.0", {"year": 2012})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", platform.emulator.endpoint_url)
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=platform.emulator.region)
        seen = Desk(ENVIRONMENT, session).look(execution["name"], execution["executionArn"])
        assert (seen.transform.status, seen.trouble) == ("SUCCEEDED", "")
        assert seen.execution is not None
        assert seen.result is not None
        assert (seen.execution.document, seen.result.days) == ({"year": 2012}, 366)
        with pytest.raises(ClientError, match="AccessDenied"):
            session.client("s3").list_objects_v2(Bucket=platform.published("bucket"))
        with pytest.raises(ClientError, match="AccessDenied"):
            session.client("stepfunctions").stop_execution(executionArn=execution["executionArn"])


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        ({"metric": "humidity"}, "'metric' is 'humidity'; choose one of"),
        ({"year": "last"}, "'year' is 'last'"),
        (["wind"], "give an object"),
        ({"year": 1999}, "There are no observations for the year 1999"),
    ],
)
def test_a_job_that_cannot_be_done_fails_and_says_why(platform: Platform, document: object, cause: str) -> None:
    execution = platform.run("v1.0.0", document)
    assert execution["status"] == "FAILED"
    assert cause in execution["cause"]
    found = platform.client("s3").list_objects_v2(Bucket=platform.published("bucket"), Prefix="results/")
    assert not [item for item in found.get("Contents", []) if execution["name"] in item["Key"]]


def test_a_query_that_fails_ends_the_job_with_what_athena_said(platform: Platform) -> None:
    states = platform.client("stepfunctions")
    (arn,) = [
        machine["stateMachineArn"]
        for machine in states.list_state_machines()["stateMachines"]
        if machine["name"] == stack_name("transformer", "v1.0.0")
    ]
    machine = states.describe_state_machine(stateMachineArn=arn)
    elsewhere = states.create_state_machine(
        name="transformer-without-a-database",
        roleArn=machine["roleArn"],
        definition=machine["definition"].replace(f"transformer_{ENVIRONMENT}", "no_such_database"),
    )["stateMachineArn"]
    execution_arn = states.start_execution(stateMachineArn=elsewhere, input="{}")["executionArn"]
    until = time.monotonic() + JOB_SECONDS
    while (execution := states.describe_execution(executionArn=execution_arn))["status"] == "RUNNING":
        assert time.monotonic() < until
        time.sleep(0.1)
    assert (execution["status"], execution["error"]) == ("FAILED", "QueryFailed")
    assert "daily_weather does not exist" in execution["cause"]


def test_a_pipeline_that_is_asked_twice_starts_one_job(platform: Platform) -> None:
    event = {"transform_id": str(uuid.uuid4()), "service": "transformer", "version": "v1.0.0", "input": {}}
    functions = platform.client("lambda")
    answers = [
        json.load(functions.invoke(FunctionName="transformer-v1-0-0-pipeline", Payload=json.dumps(event))["Payload"])
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["execution_arn"].endswith(f":execution:transformer-v1-0-0:{event['transform_id']}")

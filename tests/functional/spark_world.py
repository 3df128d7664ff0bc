"""S3 on this machine, and the stand-in for EMR Serverless over it, as a client of botocore's sees it."""

import json
import os
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from tests.functional.stand_ins_world import served

from transformer.standins.spark.api import APPLICATION, Spark
from transformer.standins.spark.jobs import Jobs
from transformer.standins.spark.objects import Objects
from transformer.standins.spark.runs import JobRuns
from transformer.standins.spark.worker import Worker

if TYPE_CHECKING:
    from mypy_boto3_emr_serverless import EMRServerlessClient
    from mypy_boto3_s3 import S3Client

ROLE = "arn:aws:iam::123456789012:role/job"
BUCKET = "shared-data"
SCRIPT = Path(__file__).parent / "warm_days.py"
WEATHER = Path(__file__).parents[2] / "examples" / "transformer" / "data" / "seattle-weather.csv"
ENDED = ("SUCCESS", "FAILED", "CANCELLED")
SECONDS = 120
"""That a run is waited for: Spark takes its time on a busy machine."""


@contextmanager
def s3() -> Iterator["S3Client"]:
    """A server of S3 with a bucket, which this process and those that it starts use from here on."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():  # fmt: skip
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client
    server.stop()


@dataclass(frozen=True)
class Desk:
    """Submits jobs, and looks at what becomes of them."""

    emr: "EMRServerlessClient"
    s3: "S3Client"

    def put(self, key: str, text: str) -> str:
        """Puts an object into the bucket; gives its URL."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=textwrap.dedent(text).encode())
        return f"s3://{BUCKET}/{key}"

    def script(self, text: str, *arguments: str, token: str = "") -> str:
        """Starts a run of a script that a test has written down; gives the run's id."""
        return self.start(self.put(f"jobs/{uuid.uuid4()}/script.py", text), *arguments, token=token)

    def start(self, entry_point: str, *arguments: str, token: str = "") -> str:
        started = self.emr.start_job_run(
            applicationId=APPLICATION,
            clientToken=token or str(uuid.uuid4()),
            executionRoleArn=ROLE,
            jobDriver={"sparkSubmit": {"entryPoint": entry_point, "entryPointArguments": list(arguments)}},
        )
        return started["jobRunId"]

    def warm_days(self, out: str, *, year: int = 2014, metric: str = "temp_max") -> str:
        """Starts a run of the script over the sample's data."""
        self.s3.upload_file(str(SCRIPT), BUCKET, "jobs/warm_days.py")
        self.s3.upload_file(str(WEATHER), BUCKET, "daily-weather/seattle-weather.csv")
        return self.start(
            f"s3://{BUCKET}/jobs/warm_days.py", "--data", f"s3://{BUCKET}/daily-weather/",
            f"--out=s3://{BUCKET}/{out}", "--transform-id", "t-1", "--year", str(year), "--metric", metric,
        )  # fmt: skip

    def run(self, job_run_id: str) -> Any:
        return self.emr.get_job_run(applicationId=APPLICATION, jobRunId=job_run_id)["jobRun"]

    def state(self, job_run_id: str) -> str:
        return str(self.run(job_run_id)["state"])

    def end_of(self, job_run_id: str) -> Any:
        """A run, when it has ended."""
        self.wait_for(lambda: self.state(job_run_id) in ENDED, f"the end of run {job_run_id}")
        return self.run(job_run_id)

    def succeeds(self, job_run_id: str) -> None:
        run = self.end_of(job_run_id)
        assert run["state"] == "SUCCESS", run["stateDetails"]

    def failure(self, job_run_id: str) -> str:
        """The details of a run that must fail."""
        run = self.end_of(job_run_id)
        assert run["state"] == "FAILED", run
        return str(run["stateDetails"])

    def keys(self, prefix: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [found["Key"].removeprefix(prefix) for found in listed]

    def text(self, key: str) -> str:
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()

    def documents(self, prefix: str) -> list[Any]:
        """What the part files below a prefix hold, in the order of their text."""
        parts = [key for key in self.keys(prefix) if key.startswith("part-")]
        lines = [line for part in parts for line in self.text(f"{prefix}{part}").splitlines()]
        return sorted((json.loads(line) for line in lines), key=str)

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < until, f"{what} was not seen in {SECONDS} s"
            time.sleep(0.02)


def desk(url: str, client: "S3Client") -> Desk:
    """A desk at the stand-in's URL."""
    return Desk(boto3.client("emr-serverless", endpoint_url=f"{url}/spark"), client)


@contextmanager
def in_this_process(folder: Path, client: "S3Client", *, plain: bool) -> Iterator[tuple[Desk, Worker]]:
    """The stand-in, served by this process; the scripts run in the worker's, as ever."""
    for name in ("cache", "jobs", "worker"):
        (folder / name).mkdir()
    worker = Worker(folder / "worker", plain=plain, environment=os.environ)
    runs = JobRuns(Jobs(Objects(client, folder / "cache"), worker, folder / "jobs"))
    try:
        with served(spark=Spark(runs, "of-a-test")) as url:
            yield desk(url, client), worker
    finally:
        runs.close()
        worker.close()

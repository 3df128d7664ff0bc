"""The step that has Spark compute the days: it starts the job on EMR Serverless, and looks how far it is.

Both are one function, told apart by ``do``, since they need the same permissions. The state machine waits in between.
"""

import hashlib
import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_emr_serverless import EMRServerlessClient

MINUTES_AT_MOST = 15
"""After this time EMR Serverless ends a job, also one that nobody waits for any more."""

SMALL = (
    "--conf spark.driver.cores=1 --conf spark.driver.memory=2g --conf spark.executor.cores=1"
    " --conf spark.executor.memory=2g --conf spark.executor.instances=1 --conf spark.dynamicAllocation.enabled=false"
)
"""Four years of days are little: one executor, and the smallest workers that there are."""

_PATIENCE = Config(connect_timeout=3, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 3})
_LATER = ("InternalServerException", "ServiceQuotaExceededException", "ThrottlingException", "TooManyRequestsException")


class SparkUnavailable(RuntimeError):
    """EMR Serverless does not answer, or has no room now. The state machine tries again."""


class SparkRefused(RuntimeError):
    """EMR Serverless refuses what it was asked for: trying again would not help."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Starts the job, or looks how far it is."""
    return work(event, client(), os.environ)


def work(event: dict[str, Any], emr: "EMRServerlessClient", place: Mapping[str, str]) -> dict[str, Any]:
    """Does what the event says.

    Args:
        event: ``do`` is ``start``, with the ``execution`` and its ``order``, or ``look``, with the ``run`` to look at.
        emr: EMR Serverless.
        place: Where things are; the function's variables.

    Returns:
        The job's ``run``; after a look its ``state``, and the ``details`` of that.

    Raises:
        SparkUnavailable: It is worth another try.
        SparkRefused: It is not.
    """
    starting = event["do"] == "start"
    try:
        return start(event, emr, place) if starting else look(event["run"], emr, place)
    except (ClientError, BotoCoreError) as error:
        what = f"start the Spark job of {event['execution']}" if starting else f"look at the Spark job {event['run']}"
        said = f"Application {place['APPLICATION_ID']} at {emr.meta.endpoint_url} did not {what}: {error}"
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
        raise (SparkRefused(said) if code and code not in _LATER else SparkUnavailable(said)) from error


def start(event: dict[str, Any], emr: "EMRServerlessClient", place: Mapping[str, str]) -> dict[str, Any]:
    """Starts the job of an execution; a second time, the answer is the run that was started first."""
    order, execution = event["order"], event["execution"]
    out = f"{place['DAYS']}{execution}/"
    arguments = {
        "--data": place["DATA"],
        "--out": out,
        "--transform-id": execution,
        "--year": str(order["year"]),
        "--metric": order["metric"],
    }
    started = emr.start_job_run(
        applicationId=place["APPLICATION_ID"],
        name=out,
        # What writes to the same place is the same job. An execution's name alone may be used by two versions.
        clientToken=hashlib.sha256(out.encode()).hexdigest(),
        executionRoleArn=place["JOB_ROLE_ARN"],
        jobDriver={
            "sparkSubmit": {
                "entryPoint": place["SCRIPT"],
                "entryPointArguments": [part for argument in arguments.items() for part in argument],
                "sparkSubmitParameters": SMALL,
            }
        },
        executionTimeoutMinutes=MINUTES_AT_MOST,
    )
    return {"run": started["jobRunId"]}


def look(run: str, emr: "EMRServerlessClient", place: Mapping[str, str]) -> dict[str, Any]:
    """Looks how far a job is."""
    found = emr.get_job_run(applicationId=place["APPLICATION_ID"], jobRunId=run)["jobRun"]
    return {"run": run, "state": found["state"], "details": found.get("stateDetails", "")}


@cache
def client() -> "EMRServerlessClient":
    """EMR Serverless at the address that the shared stack has published."""
    return boto3.client("emr-serverless", endpoint_url=os.environ["SPARK_ENDPOINT"], config=_PATIENCE)

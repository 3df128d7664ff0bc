"""The stand-ins as a process: both behind one port, quiet, and gone with all that it has started when it must end."""

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3
from opensearchpy import OpenSearch
from tests.functional import spark_world
from tests.functional.spark_world import Desk
from tests.functional.stand_ins_world import children

from canary_router.local import loopback, processes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EXAMPLES = Path(__file__).parents[2] / "examples"
SECONDS = 30


@dataclass
class StandIns:
    """The process, where it answers, and its folder for temporary files."""

    process: "subprocess.Popen[str]"
    url: str
    temporary: Path

    def workers(self) -> list[int]:
        """The processes that it has started."""
        return children(self.process.pid)

    def end(self) -> str:
        """Ends it; gives what it has printed."""
        self.process.send_signal(signal.SIGTERM)
        printed, _ = self.process.communicate(timeout=SECONDS)
        return printed


@pytest.fixture(scope="module")
def s3() -> Iterator["S3Client"]:
    with spark_world.s3() as client:
        yield client


def command(port: int, *options: str) -> list[str]:
    return [sys.executable, "-m", "transformer.standins", "--port", str(port), *options]


@contextmanager
def started(*options: str) -> Iterator[StandIns]:
    port = loopback.free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            command(port, *options), env=os.environ | {"PYTHONPATH": str(EXAMPLES), "TMPDIR": folder},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            until = time.monotonic() + SECONDS
            while not loopback.answers(f"http://127.0.0.1:{port}", "/"):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < until
                time.sleep(0.02)
            yield StandIns(process, f"http://127.0.0.1:{port}", Path(folder))
        finally:
            process.kill()
            process.communicate()


def wait_until_gone(pids: list[int]) -> None:
    until = time.monotonic() + SECONDS
    while any(processes.started_at(pid) for pid in pids):
        assert time.monotonic() < until, pids
        time.sleep(0.02)


def test_both_are_served_and_a_sigterm_ends_them_and_their_worker(s3: "S3Client") -> None:
    with started("--plain") as stand_ins:
        answer = urllib3.PoolManager().request("GET", f"{stand_ins.url}/")
        assert answer.json()["stand_ins"] == {name: f"{stand_ins.url}/{name}" for name in ("search", "spark")}
        assert OpenSearch(hosts=[f"{stand_ins.url}/search"]).ping()
        spark_world.desk(stand_ins.url, s3).succeeds(spark_world.desk(stand_ins.url, s3).warm_days("days/process/"))
        workers = stand_ins.workers()
        assert len(workers) == 1
        assert stand_ins.end() == ""
        assert stand_ins.process.returncode == 0
        wait_until_gone(workers)
        assert list(stand_ins.temporary.iterdir()) == []


def running(desk: Desk) -> str:
    """A run whose script does not end by itself, and runs."""
    endless = desk.script("import time\ntime.sleep(600)")
    desk.wait_for(lambda: desk.state(endless) == "RUNNING", "the running script")
    return endless


def test_a_sigterm_does_not_wait_for_a_script(s3: "S3Client") -> None:
    with started("--plain") as stand_ins:
        running(spark_world.desk(stand_ins.url, s3))
        workers = stand_ins.workers()
        begun = time.monotonic()
        assert stand_ins.end() == ""
        assert time.monotonic() - begun < 15
        wait_until_gone(workers)


def test_the_worker_does_not_outlive_a_server_that_was_killed(s3: "S3Client") -> None:
    with started("--plain") as stand_ins:
        running(spark_world.desk(stand_ins.url, s3))
        workers = stand_ins.workers()
        stand_ins.process.kill()
        wait_until_gone(workers)


def test_a_port_that_is_taken_is_named(s3: "S3Client") -> None:
    with started("--plain") as stand_ins:
        port = int(stand_ins.url.rpartition(":")[2])
        environment = os.environ | {"PYTHONPATH": str(EXAMPLES)}
        done = subprocess.run(command(port, "--plain"), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is not None, reason="PySpark is installed here")
def test_without_pyspark_the_process_says_how_to_get_it_and_how_to_do_without() -> None:
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES)}
    done = subprocess.run(command(0), env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "PySpark is not installed" in done.stderr
    assert "--plain" in done.stderr
    assert "Traceback" not in done.stderr

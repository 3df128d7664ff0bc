"""Serves the stand-ins until it is told to end: ``python -m transformer.standins --port 9201 [--plain]``."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import boto3
from botocore.config import Config

from transformer.standins.search.api import Search
from transformer.standins.spark.api import Spark
from transformer.standins.spark.java import INSTALL, NoJava, with_java
from transformer.standins.spark.jobs import Jobs
from transformer.standins.spark.objects import Objects
from transformer.standins.spark.runs import JobRuns
from transformer.standins.spark.worker import Worker
from transformer.standins.web import HOST, Server

_S3 = Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 3})


class Unusable(Exception):
    """The stand-ins cannot be served; the message says why."""


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="transformer.standins", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help=f"port of {HOST} to listen at; 0 takes a free one")
    parser.add_argument("--plain", action="store_true", help="run Spark jobs without Spark, by their own functions")
    return parser.parse_args()


@contextmanager
def spark(*, plain: bool) -> Iterator[Spark]:
    """The stand-in for EMR Serverless, and all that it needs, which ends with it.

    Raises:
        Unusable: PySpark or a Java is missing.
    """
    try:
        label = "plain" if plain else f"pyspark-{version('pyspark')}"
    except PackageNotFoundError as error:
        raise Unusable(f"PySpark is not installed: {INSTALL}; --plain does without it") from error
    with tempfile.TemporaryDirectory(prefix="stand-ins-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        for name in ("cache", "jobs", "worker"):
            (scratch / name).mkdir()
        try:
            environment = dict(os.environ) if plain else with_java(os.environ, scratch)
        except NoJava as error:
            raise Unusable(str(error)) from error
        worker = Worker(scratch / "worker", plain=plain, environment=environment)
        # Spark takes seconds to start; who asks for the first job should not wait for all of them.
        threading.Thread(target=_warm, args=[worker], daemon=True).start()
        runs = JobRuns(Jobs(Objects(boto3.client("s3", config=_S3), scratch / "cache"), worker, scratch / "jobs"))
        try:
            yield Spark(runs, label, time.time())
        finally:
            # Before the folder goes, all that writes into it.
            runs.close()
            worker.close()
            shutil.rmtree(scratch / "worker", ignore_errors=True)


def _warm(worker: Worker) -> None:
    outcome = worker.warm()
    if outcome.traceback:
        print(outcome.traceback, file=sys.stderr)


def main() -> int:
    """Serves until SIGTERM, or Ctrl-C."""
    options = arguments()
    # Raised in the main thread, which is the one that serves: so everything below is left by its ordinary way.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with (
            spark(plain=options.plain) as stand_in,
            Server(options.port, {"search": Search(), "spark": stand_in}) as server,
        ):
            server.serve_forever()
    except KeyboardInterrupt:
        return 0
    except (OSError, Unusable) as error:
        print(f"The stand-ins cannot be served at {HOST}:{options.port}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""One job: its script and its data are copied here, the script runs, and what it has written is copied back."""

import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from transformer.standins.spark.objects import SCHEME, Copied, NotCopied, Objects, Place
from transformer.standins.spark.worker import Outcome, Worker

_ARGUMENT = re.compile(r"(?P<option>--?[\w-]+=)?(?P<url>s3://[^\s,]*)")
_S3 = re.compile(r"s3[an]?://")


@dataclass(frozen=True)
class Job:
    """What is to be run.

    Attributes:
        entry_point: The script in S3.
        arguments: What it is given. One that is a URL of S3, alone or after ``--option=``, is the script's data.
    """

    entry_point: str
    arguments: tuple[str, ...]

    def check(self) -> None:
        """Sees whether the job is one that can be run here.

        Raises:
            NotCopied: The script is no Python in S3, or an argument has a URL of S3 in it but is none.
        """
        if not self.entry_point.endswith(".py") or not Place.read(self.entry_point).key:
            raise NotCopied(f"{self.entry_point}: this stand-in runs Python scripts in S3, s3://bucket/key.py")
        for argument in self.arguments:
            if found := _ARGUMENT.fullmatch(argument):
                Place.read(found["url"])
            elif _S3.search(argument):
                raise NotCopied(f"{argument!r}: this stand-in copies what a whole argument names, as {SCHEME}...")


class Jobs:
    """Runs jobs, one at a time.

    Args:
        objects: What is copied.
        worker: What runs the scripts.
        scratch: A folder; each job has one in it while it runs.
    """

    def __init__(self, objects: Objects, worker: Worker, scratch: Path) -> None:
        self._objects = objects
        self._worker = worker
        self._scratch = scratch

    def run(self, job: Job, stop: threading.Event, begins: Callable[[], None]) -> Outcome:
        """Runs a job to its end.

        Args:
            job: The job.
            stop: Ends the job early, together with ``interrupt``.
            begins: Is called when all is there and the script begins.
        """
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self._scratch))
        data = Copied(folder / "data")
        try:
            script = Copied(folder / "script")
            path = Path(self._objects.fetch(Place.read(job.entry_point), script))
            if not path.is_file():
                return Outcome(succeeded=False, details=f"The entry point {job.entry_point} does not exist")
            arguments = [self._local(argument, data) for argument in job.arguments]
            begins()
            outcome = self._worker.run(path, arguments, stop)
            if outcome.traceback and not stop.is_set():
                print(outcome.traceback, file=sys.stderr)
            # Also after a failure: on AWS what was written until then is there as well.
            self._objects.publish(data)
        except (BotoCoreError, ClientError, NotCopied, OSError) as error:
            return Outcome(succeeded=False, details=f"{type(error).__name__}: {error}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return outcome

    def interrupt(self) -> None:
        """Ends the script that is running; set its ``stop`` before."""
        self._worker.kill()

    def _local(self, argument: str, data: Copied) -> str:
        found = _ARGUMENT.fullmatch(argument)
        if not found:
            return argument
        return (found["option"] or "") + self._objects.fetch(Place.read(found["url"]), data)

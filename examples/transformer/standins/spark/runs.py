"""Job runs as EMR Serverless has them: started once for each token, run one after the other, watched and cancelled."""

import queue
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from transformer.standins.spark.jobs import Job
from transformer.standins.spark.worker import Outcome

MAX_DETAILS = 256
MAX_RUNS = 1000
"""That are remembered; of more, those that ended first are forgotten."""
DEFAULT_MINUTES = 720
ENDED = ("SUCCESS", "FAILED", "CANCELLED")


class Runner(Protocol):
    """What runs jobs, one at a time."""

    def run(self, job: Job, stop: threading.Event, begins: Callable[[], None]) -> Outcome:
        """Runs one to its end."""

    def interrupt(self) -> None:
        """Ends the one that is running."""


class Conflict(Exception):
    """A token is used again for something else."""


class Ended(Exception):
    """A run that has ended cannot be cancelled."""


@dataclass
class JobRun:
    """One run, and where it stands; changed under the lock of ``JobRuns``."""

    job: Job
    request: Mapping[str, Any]
    minutes: int
    job_run_id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: str = "SUBMITTED"
    details: str = "-"
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    began: float | None = None
    ended: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)

    def turn(self, state: str, details: str = "") -> None:
        """Goes on to another state."""
        self.state, self.updated = state, time.time()
        self.details = (" ".join(details.split()) or "-")[:MAX_DETAILS]
        if state == "RUNNING":
            self.began = self.updated
        if state in ENDED:
            self.ended = self.updated


class JobRuns:
    """All job runs of the application, and the thread that takes them one after the other.

    Args:
        runner: What runs their jobs.
        minute: Seconds in a minute of a run's timeout; tests have short ones.
    """

    def __init__(self, runner: Runner, *, minute: float = 60.0) -> None:
        self._runner = runner
        self._minute = minute
        self._lock = threading.Lock()
        self._runs: dict[str, JobRun] = {}
        self._tokens: dict[str, JobRun] = {}
        self._waiting: queue.SimpleQueue[JobRun | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def start(self, token: str, request: Mapping[str, Any], job: Job, minutes: int = DEFAULT_MINUTES) -> JobRun:
        """Starts a run; the same token again gives the same run.

        Raises:
            Conflict: The token was used for another request.
        """
        with self._lock:
            if there := self._tokens.get(token):
                if there.request != request:
                    raise Conflict(f"The client token {token} was used for another request")
                return there
            run = JobRun(job, request, minutes)
            self._runs[run.job_run_id] = self._tokens[token] = run
            self._forget()
        self._waiting.put(run)
        return run

    def get(self, job_run_id: str) -> JobRun | None:
        """A run by its id."""
        with self._lock:
            return self._runs.get(job_run_id)

    def newest_first(self) -> list[JobRun]:
        """All runs."""
        with self._lock:
            return list(reversed(self._runs.values()))

    def cancel(self, run: JobRun, reason: str) -> None:
        """Ends a run, whether it waits or runs.

        Raises:
            Ended: It has ended by itself.
        """
        with self._lock:
            if run.state in ENDED:
                raise Ended(f"JobRun {run.job_run_id} has ended as {run.state}")
            run.stop.set()
            waiting = run.state == "SUBMITTED"
            run.turn("CANCELLED" if waiting else "CANCELLING", reason)
        if not waiting:
            self._runner.interrupt()

    def close(self) -> None:
        """Ends the run at hand and begins no other."""
        with self._lock:
            for run in self._runs.values():
                run.stop.set()
        self._waiting.put(None)
        self._runner.interrupt()
        self._thread.join(10)

    def _work(self) -> None:
        while (run := self._waiting.get()) is not None:
            with self._lock:
                if run.stop.is_set():
                    continue
                run.turn("SCHEDULED")
            alarm = threading.Timer(run.minutes * self._minute, self._overdue, [run])
            alarm.daemon = True
            alarm.start()
            try:
                outcome = self._runner.run(run.job, run.stop, lambda run=run: self._begins(run))  # type: ignore[misc] # bound at once
            except Exception as error:  # noqa: BLE001 - a mistake in one run must not be the end of all others
                traceback.print_exc()
                outcome = Outcome(succeeded=False, details=f"The stand-in has failed: {error!r}")
            finally:
                alarm.cancel()
            with self._lock:
                if run.stop.is_set():
                    run.turn("CANCELLED", run.details)
                else:
                    run.turn("SUCCESS" if outcome.succeeded else "FAILED", outcome.details)

    def _begins(self, run: JobRun) -> None:
        with self._lock:
            if not run.stop.is_set():
                run.turn("RUNNING")

    def _overdue(self, run: JobRun) -> None:
        try:
            self.cancel(run, f"Job run timed out after {run.minutes} minutes")
        except Ended:
            return

    def _forget(self) -> None:
        surplus = len(self._runs) - MAX_RUNS
        for run in [run for run in self._runs.values() if run.state in ENDED][: max(surplus, 0)]:
            del self._runs[run.job_run_id]
            self._tokens = {token: kept for token, kept in self._tokens.items() if kept is not run}

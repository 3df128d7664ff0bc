"""The process that runs the scripts, as the server sees it: started, asked, ended, started anew when it has died."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canary_router.local import processes

PROCESS = "transformer.standins.spark.process"
SOURCES = Path(__file__).parents[3]
ATTEMPTS = 2
_LOG_LINES = 12


@dataclass(frozen=True)
class Outcome:
    """How a script ended.

    Attributes:
        succeeded: Whether it did.
        details: When it did not: in one line, why.
        traceback: When it raised: in full, where.
    """

    succeeded: bool
    details: str = ""
    traceback: str = ""


class Worker:
    """One process, started when it is first needed or warmed, and again when it has died.

    Args:
        scratch: A folder of its own, for its log and all that Spark leaves.
        plain: Whether scripts run without Spark.
        environment: What the process inherits.
    """

    def __init__(self, scratch: Path, *, plain: bool, environment: Mapping[str, str]) -> None:
        self._scratch = scratch
        self._arguments = ["--plain"] if plain else []
        self._environment = dict(environment)
        self._turn = threading.Lock()
        """Held by who talks with the process."""
        self._lock = threading.Lock()
        """Held by who starts or ends it, which need not wait for its turn."""
        self._process: subprocess.Popen[str] | None = None
        self._started = ""
        self._closed = False

    @property
    def log(self) -> Path:
        """What the process and its scripts print, of the run at hand."""
        return self._scratch / "worker.log"

    def warm(self) -> Outcome:
        """Starts the process, unless it runs, and waits until it is ready."""
        return self._asked({"do": "warm"}, threading.Event())

    def run(self, script: Path, arguments: Sequence[str], stop: threading.Event) -> Outcome:
        """Runs a script to its end, or to the process's.

        Args:
            script: The file.
            arguments: What it finds in ``sys.argv``, after its name.
            stop: Once it is set, nothing is started any more; set it before ``kill``.
        """
        return self._asked({"do": "run", "script": str(script), "arguments": list(arguments)}, stop)

    def kill(self) -> None:
        """Ends the process and all that it has started, when it is at something; an idle one is left as it is."""
        with self._lock:
            if self._turn.locked():
                self._end()

    def close(self) -> None:
        """Ends the process for good."""
        with self._lock:
            self._closed = True
            self._end()

    def _asked(self, request: dict[str, Any], stop: threading.Event) -> Outcome:
        with self._turn:
            outcome = Outcome(succeeded=False, details="It was not begun")
            for _attempt in range(ATTEMPTS):
                with self._lock:
                    if stop.is_set() or self._closed:
                        break
                    process = self._running()
                if begun := _exchanged(process, json.dumps(request) + "\n"):
                    return self._outcome(process, json.loads(begun))
                # It has died before it began, between two runs for example, which is no fault of this one's.
                outcome = self._death(process)
        return outcome

    def _outcome(self, process: "subprocess.Popen[str]", said: dict[str, Any]) -> Outcome:
        if "begun" not in said:
            return Outcome(**said)
        if ended := _exchanged(process):
            return Outcome(**json.loads(ended))
        return self._death(process)

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = self._begin()
        os.truncate(self.log, 0)
        return self._process

    def _begin(self) -> "subprocess.Popen[str]":
        self.log.touch()
        with self.log.open("ab") as log:
            # A group of its own: Spark is a tree of processes, which is ended whole.
            process = subprocess.Popen(
                [sys.executable, "-m", PROCESS, *self._arguments],
                cwd=self._scratch, env=self._environment | {"PYTHONPATH": str(SOURCES), "TMPDIR": str(self._scratch)},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
            )  # fmt: skip
        self._started = processes.started_at(process.pid) or ""
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        processes.end_group(process.pid, self._started, grace=2)
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()

    def _death(self, process: "subprocess.Popen[str]") -> Outcome:
        with self._lock:
            if self._process is process:
                # Its end of the pipe is closed, so it ends, if it has not yet.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1)
                self._end()
        code = process.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        last_lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        details = f"The process that ran the script has died: {how}"
        return Outcome(succeeded=False, details=details, traceback="\n".join(last_lines))


def _exchanged(process: "subprocess.Popen[str]", line: str = "") -> str:
    """The line that the process says next, after one has been said to it; blank when it is gone."""
    assert process.stdin and process.stdout  # noqa: S101, PT018 - pipes were asked for
    try:
        process.stdin.write(line)
        process.stdin.flush()
        return process.stdout.readline()
    except (OSError, ValueError):  # it has died, or was ended and its pipes closed
        return ""

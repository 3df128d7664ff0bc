"""A shell that is given one command after the other, and tells how each has ended."""

import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

_DRIVER = """trap 'env -0 >{state}/environment; pwd >{state}/folder' EXIT
while IFS= read -r _next; do
  {{ . "$_next"; }} </dev/null >>{log} 2>&1
  echo $?
done
"""


class Shell:
    """One process. When a command ends it, as ``exit`` does, a new one takes over what was exported and the folder."""

    def __init__(self, program: str, state: Path, log: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self._program = program
        self._state = state
        self._folder = folder
        self._environment = dict(environment)
        self._log = log
        self._count = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def run(self, command: str, deadline: float, **exported: str) -> int:
        """Runs a command, of one line or more, and returns its exit code; it is killed at the deadline (monotonic)."""
        self._count += 1
        script = self._state / f"command-{self._count}.sh"
        before = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in exported.items())
        script.write_text(f"{before}{command}\n")
        with self._log.open("a") as log:
            log.writelines(f"+ {line}\n" for line in command.splitlines())
        process = self._process = self._process or self._begun()
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both are pipes")
        process.stdin.write(f"{script}\n".encode())
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            self._kill(process)
        answer = process.stdout.readline()
        return int(answer) if answer else self.end()

    def exported(self) -> dict[str, str]:
        """What is exported now. The process has to end for that."""
        self.end()
        return self._environment

    def end(self) -> int:
        """Ends the process, if there is one; returns its exit code."""
        process, self._process = self._process, None
        if process is None:
            return 0
        try:
            process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self._kill(process)
            process.communicate()
        environment, folder = self._state / "environment", self._state / "folder"
        if folder.exists():
            pairs = (os.fsdecode(item).partition("=") for item in environment.read_bytes().split(b"\0") if item)
            self._environment = {name: value for name, _, value in pairs}
            self._folder = Path(folder.read_text().removesuffix("\n"))
            folder.unlink()
        return process.returncode

    def _begun(self) -> subprocess.Popen[bytes]:
        driver = _DRIVER.format(state=shlex.quote(str(self._state)), log=shlex.quote(str(self._log)))
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [self._program, "-c", driver],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> None:
        os.killpg(process.pid, signal.SIGKILL)

"""Runs a program that takes a while, and leaves none of its processes behind, however this one ends."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from canary_router.errors import Unavailable

_TAIL_LINES = 25
_GRACE_SECONDS = 5.0


def run(command: Sequence[str], *, what: str, folder: Path, env: Mapping[str, str], seconds: float) -> str:
    """Runs a program to its end and returns what it said.

    Args:
        command: The program and its arguments.
        what: What it does, for the error: "Deploying transformer-v1-1-0".
        folder: Working directory.
        env: Its whole environment.
        seconds: Time limit.

    Raises:
        Unavailable: It could not begin, failed or took too long; the message ends with its last lines.
    """
    try:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        # Somebody has ended the emulator meanwhile, and its folder went with it.
        raise Unavailable(
            f"{what} could not begin: {error}", advice="Is the emulator still there? Try again."
        ) from error
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        _end(process)
        raise Unavailable(f"{what} took more than {seconds:.0f} seconds") from error
    except BaseException:
        _end(process)
        raise
    if process.returncode:
        tail = "\n".join(line for line in output.strip().splitlines()[-_TAIL_LINES:] if line.strip())
        raise Unavailable(f"{what} failed:\n{tail}\n")
    return output


def _end(process: "subprocess.Popen[str]") -> None:
    """Ends the program and whatever it started, which is in a process group of its own."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_GRACE_SECONDS)
            return

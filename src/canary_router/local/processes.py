"""Begins processes that may outlive this one, and ends one of an earlier run: never one that came to have its number.

A number alone does not name a process: numbers are used again. A number together with the time at which the process
started does, so that pair is what is written down and compared.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

POLL_SECONDS = 0.02
_PROC = Path("/proc")
_children: dict[int, "subprocess.Popen[bytes]"] = {}
"""Those that this process began: an object that is dropped while its process runs would warn."""


def begin(command: Sequence[str], *, folder: Path, env: Mapping[str, str], log: Path) -> int:
    """Begins a process that leads a group of its own, and returns its number.

    Args:
        command: The program and its arguments.
        folder: Working directory.
        env: Its whole environment.
        log: File that takes what it says.
    """
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=dict(env), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    _children[process.pid] = process
    return process.pid


def last_words(log: Path) -> str:
    """The last lines of what a process has said, for an error."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])


def started_at(pid: int) -> str | None:
    """When the process started, in a form that is only good for comparing; None when there is no such process.

    A process that has ended but that its parent has not collected yet counts as gone.
    """
    if not (_PROC / "self" / "stat").exists():
        return _started_at_by_ps(pid)
    fields = _stat(pid)
    return fields[19] if fields else None


def is_alive(pid: int, start: str) -> bool:
    """Whether the process with this number is there and is the one that started then."""
    return started_at(pid) == start


def end_group(pid: int, start: str, *, grace: float) -> None:
    """Ends the process, which leads a group of its own, and whatever is left of its group.

    Args:
        pid: Number of the process, which is its group's number as well.
        start: When it started, as ``started_at`` told then.
        grace: Seconds that it gets to end by itself after SIGTERM, before the whole group is killed.
    """
    now_there = started_at(pid)
    if now_there not in {None, start}:
        return  # the number was given to another process, which happens only once our whole group is gone
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    _wait_while(lambda: is_alive(pid, start), pid, grace)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    _wait_while(lambda: is_alive(pid, start) or group_members(pid) != [], pid, grace)
    if child := _children.pop(pid, None):
        child.wait(grace)  # its first thread may be gone a moment before the last one is


def group_members(group: int) -> list[int]:
    """Numbers of the living processes of a process group; empty where the system has no ``/proc``."""
    numbers = (int(entry.name) for entry in _PROC.glob("[0-9]*"))
    return [pid for pid in numbers if (fields := _stat(pid)) and fields[2] == str(group)]


def _wait_while(condition: Callable[[], bool], pid: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while condition() and time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # it may be our own child
        time.sleep(POLL_SECONDS)


def _stat(pid: int) -> list[str] | None:
    """The fields of proc(5)'s ``stat`` from the third on, ``state``; None for a process that is gone or a zombie."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field, the program's name, stands in parentheses and may hold anything.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields


def _started_at_by_ps(pid: int) -> str | None:
    command = ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    state, _, start = listing.strip().partition(" ")
    return None if not start or state.startswith("Z") else start.strip()

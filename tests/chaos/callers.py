"""Who is behind a connection to the proxy: a function's process, found by its socket, that can be killed.

Only a descendant of the emulator that this very process has started is ever found, so nothing else can be hit.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from canary_router.local import processes
from canary_router.local.record import Emulator, Process

_PROC = Path("/proc")
_GONE_SECONDS = 5.0
_LOOPBACK = "0100007F"
"""127.0.0.1 as ``/proc/net/tcp`` writes it."""


def can_be_found() -> bool:
    """Whether this system shows which process a socket belongs to."""
    return (_PROC / "net" / "tcp").exists()


@dataclass(frozen=True)
class Caller:
    """A process that runs a function."""

    process: Process

    def kill(self) -> bool:
        """Ends it as a machine that fails does: at once, without a last word. False when it is gone already."""
        if not self.process.is_alive:
            return False
        os.kill(self.process.pid, signal.SIGKILL)
        _await_end(self.process)
        return True


def _await_end(process: Process) -> None:
    until = time.monotonic() + _GONE_SECONDS
    while process.is_alive:
        if time.monotonic() > until:
            raise RuntimeError(f"process {process.pid} survives SIGKILL")
        time.sleep(0.001)


class Callers:
    """The functions' processes of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        """Takes an emulator that this process has started."""
        if emulator.owner != Process.of(os.getpid()):
            raise RuntimeError("The emulator is not this run's own: none of its processes may be killed")
        self._emulator = emulator.process

    def behind(self, port: int, proxy_port: int) -> Caller | None:
        """Whoever has connected from this port to the proxy's; None when that process is gone."""
        inode = _inode(port, proxy_port)
        if inode is None or not self._emulator.is_alive:
            return None
        for pid in processes.group_members(self._emulator.pid):
            if pid == self._emulator.pid or inode not in _sockets(pid):
                continue
            process = Process.of(pid)
            if self._emulator.pid in _ancestors(pid) and process.is_alive:
                return Caller(process)
        return None


def _inode(port: int, proxy_port: int) -> str | None:
    local, remote = (f"{_LOOPBACK}:{number:04X}" for number in (port, proxy_port))
    for line in (_PROC / "net" / "tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        if (fields[1], fields[2]) == (local, remote) and fields[9] != "0":
            return f"socket:[{fields[9]}]"
    return None


def _sockets(pid: int) -> set[str]:
    found = set[str]()
    directory = _PROC / str(pid) / "fd"
    with contextlib.suppress(OSError):  # it has ended
        for descriptor in os.listdir(directory):  # noqa: PTH208 - names do not vanish while they are iterated over
            with contextlib.suppress(OSError):  # it was closed while we looked
                found.add(str((directory / descriptor).readlink()))
    return found


def _ancestors(pid: int) -> list[int]:
    found: list[int] = []
    while pid > 1:
        pid = _parent(pid)
        found.append(pid)
    return found


def _parent(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("PPid:")), 0)

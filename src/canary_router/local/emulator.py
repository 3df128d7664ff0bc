"""Starts, finds and ends the local AWS emulator: ministack, as a process of its own that can outlive its starter.

What a start leaves under the home directory: ``state.json``, the record by which every later command finds it, and
``emulator/``, all of its files. Ending it removes both. The record is written as soon as the process exists, so a
starter that is killed at any later moment leaves something that the next start can clean up.

An emulator belongs to the process that started it until ``keep`` is called: one whose owner is dead was left behind by
an accident, and the next start replaces it. A kept one stays until ``stop``.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from canary_router.errors import ConfigurationError, Unavailable
from canary_router.local import loopback, processes, record
from canary_router.local.home import tools_home
from canary_router.local.record import ACCOUNT, REGION, Emulator, Process
from canary_router.local.toolchain import Progress, Toolchain, node, silent

START_SECONDS = 60.0
STOP_SECONDS = 5.0
POLL_SECONDS = 0.05


def running(home: Path) -> Emulator | None:
    """The emulator that runs from this home directory, or None; the remains of a dead one are cleaned up."""
    found = record.read(home)
    if found is None or found.process.is_alive:
        return found
    with _locked():
        if record.read(home) == found:
            _clean(home)
    return record.read(home)


def start(home: Path, *, port: int = 0, progress: Progress = silent) -> Emulator:
    """Starts an emulator that belongs to this process, and returns once it answers.

    Args:
        home: The home directory; one emulator runs from it at a time.
        port: Port of 127.0.0.1 to listen at; 0 takes a free one.
        progress: Is told, in one line, before a step that takes long.

    Raises:
        ConfigurationError: One runs already, or the port is taken.
        Unavailable: ministack could not be installed, or ended or stayed silent; the message has its log's last lines.
    """
    python = Toolchain(tools_home(), progress).ministack()
    with _locked():
        found = record.read(home)
        if found and found.process.is_alive and not found.is_orphan:
            raise ConfigurationError(
                f"An emulator is running already, at {found.endpoint_url} (process {found.pid})",
                advice="Use it, or end it first: canary-router local down.",
            )
        for attempts_left in (2, 1, 0):
            _clean(home)
            chosen = port or loopback.free_port()
            try:
                begun = _spawn(home, python, chosen)
                _await_ready(begun)
            except Unavailable:
                _clean(home)
                # Somebody may have taken the free port in the moment before ministack did.
                if port or attempts_left == 0 or loopback.is_free(chosen):
                    raise
            except BaseException:
                _clean(home)
                raise
            else:
                return begun
    raise AssertionError("the last attempt returns or raises")


def save(home: Path, emulator: Emulator) -> Emulator:
    """Writes the record anew, for example when a router has been deployed."""
    record.write(home, emulator)
    return emulator


def keep(home: Path, emulator: Emulator) -> Emulator:
    """Lets the emulator stay when this process ends."""
    return save(home, replace(emulator, owner=None))


def stop(home: Path) -> bool:
    """Ends the emulator and removes its files; False when there was none."""
    with _locked():
        there_was = record.read(home) is not None
        _clean(home)
    return there_was


def _spawn(home: Path, python: Path, port: int) -> Emulator:
    if not loopback.is_free(port):
        raise ConfigurationError(
            f"Port {port} of {loopback.HOST} is taken", advice="Name another one, or none: then a free one is found."
        )
    directory = home / "emulator"
    for part in ("home", "tmp", "state", "s3"):
        (directory / part).mkdir(parents=True)
    begun = Emulator(f"http://{loopback.HOST}:{port}", Process(0, ""), Process.of(os.getpid()), str(directory))
    command = [str(python), "-m", "ministack"]
    pid = processes.begin(command, folder=directory, env=_environment(directory, port), log=begun.log)
    return save(home, replace(begun, process=Process.of(pid)))


def _environment(directory: Path, port: int) -> dict[str, str]:
    """All that the emulator, and every function that runs in it, inherits: nothing of the caller's own settings.

    AWS_ENDPOINT_URL must not be among it: set but empty, it makes the functions call the real AWS.
    """
    return {
        "PATH": os.pathsep.join([str(node().parent), os.defpath]),  # functions in Node, such as the CDK's own
        "HOME": str(directory / "home"),
        "LANG": "C.UTF-8",
        "TMPDIR": str(directory / "tmp"),
        "STATE_DIR": str(directory / "state"),
        "S3_DATA_DIR": str(directory / "s3"),
        "AUTH": "true",
        "BIND_HOST": loopback.HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        # A function's call, and each call that it makes in turn, holds a thread: with the default of 64, fifty requests
        # at once wait for each other until all time out.
        "MINISTACK_WORKER_THREADS": "256",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
    }


def _await_ready(emulator: Emulator) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(emulator):
        if not emulator.process.is_alive:
            raise Unavailable(f"The emulator ended while it started:\n{processes.last_words(emulator.log)}")
        if time.monotonic() > deadline:
            raise Unavailable(
                f"The emulator did not answer in {START_SECONDS:.0f} s:\n{processes.last_words(emulator.log)}"
            )
        time.sleep(POLL_SECONDS)


def _is_ready(emulator: Emulator) -> bool:
    return loopback.answers(emulator.endpoint_url, "/_ministack/ready") and emulator.process.is_alive


def _clean(home: Path) -> None:
    if found := record.read(home):
        for process in (found.standins, found.process):
            if process is not None:
                processes.end_group(process.pid, process.started, grace=STOP_SECONDS)
    shutil.rmtree(home / "emulator", ignore_errors=True)
    record.remove(home)


@contextmanager
def _locked() -> Iterator[None]:
    """Keeps two processes from starting or ending emulators at the same time."""
    path = tools_home() / ".emulator.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

"""Runs the sample's stand-ins beside the emulator: for OpenSearch and EMR Serverless, which no emulator has.

They are one process, in a group of its own as the emulator's is, and belong to the same record: whoever ends the
emulator ends them. What they stand in for is said in the sample's README.
"""

import importlib.util
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from canary_router.errors import ConfigurationError, Unavailable
from canary_router.local import loopback, processes, record
from canary_router.local.record import Emulator, Process
from canary_router.local.sample import samples_folder
from canary_router.local.toolchain import Progress, silent

START_SECONDS = 30.0
POLL_SECONDS = 0.05


def check_spark() -> None:
    """Refuses, before anything is begun, to run Spark where it is not installed.

    Raises:
        ConfigurationError: The ``spark`` extra is missing.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise ConfigurationError(
            "PySpark is not installed",
            advice="Install it, half a gigabyte: pip install 'canary-router[local,spark]'; in a checkout, "
            "make demo ARGS=--spark does.",
        )


def start(home: Path, emulator: Emulator, *, spark: bool = False, progress: Progress = silent) -> Emulator:
    """Starts the stand-ins, and returns the record with them once they answer.

    Args:
        home: The home directory that the emulator runs from.
        emulator: Its record; they read and write its S3.
        spark: Whether the sample's Spark jobs run on PySpark; without, their functions are called as they are.
        progress: Is told before a step that takes long.

    Raises:
        Unavailable: They ended or stayed silent; the message has their log's last lines.
    """
    progress("Starting the stand-ins for OpenSearch and EMR Serverless" + (", with Spark" if spark else ""))
    # Ones that have died are looked for where they were: the stacks know the address.
    port = int(emulator.standins_url.rpartition(":")[2]) if emulator.standins_url else loopback.free_port()
    directory = Path(emulator.state_dir)
    command = [sys.executable, "-m", "transformer.standins", "--port", str(port), *([] if spark else ["--plain"])]
    pid = processes.begin(command, folder=directory, env=_environment(emulator, directory), log=_log(emulator))
    process, url = Process.of(pid), f"http://{loopback.HOST}:{port}"
    begun = replace(emulator, standins=process, standins_url=url)
    record.write(home, begun)
    deadline = time.monotonic() + START_SECONDS
    while not loopback.answers(url, "/"):
        if not process.is_alive or time.monotonic() > deadline:
            raise Unavailable(f"The stand-ins do not answer:\n{processes.last_words(_log(emulator))}")
        time.sleep(POLL_SECONDS)
    return begun


def _environment(emulator: Emulator, directory: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ}
    return kept | emulator.client_environment() | {
        "HOME": str(directory / "home"),
        "TMPDIR": str(directory / "tmp"),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(samples_folder()),
    }  # fmt: skip


def _log(emulator: Emulator) -> Path:
    return Path(emulator.state_dir) / "standins.log"

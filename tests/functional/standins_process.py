"""The stand-ins for EMR Serverless and OpenSearch as a process of their own, beside an emulator."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from canary_router.local import loopback
from canary_router.local.record import Emulator
from transformer.versions import HERE

STARTED_WITHIN = 60.0


@dataclass(frozen=True)
class StandIns:
    """Where they are."""

    spark: str
    search: str


@contextmanager
def stand_ins(emulator: Emulator, folder: Path, *, plain: bool = True) -> Iterator[StandIns]:
    """Starts them, and ends them.

    Args:
        emulator: Whose S3 the Spark jobs read and write.
        folder: For what they say.
        plain: Run Spark jobs without Spark.
    """
    port = loopback.free_port()
    command = [sys.executable, "-m", "transformer.standins", "--port", str(port), *(["--plain"] if plain else [])]
    environment = os.environ | emulator.client_environment() | {"PYTHONPATH": str(HERE.parent)}
    log = folder / "stand-ins.log"
    with log.open("w") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
    try:
        yield _served(f"http://127.0.0.1:{port}", process, log)
    finally:
        process.terminate()
        process.wait(30)


def _served(url: str, process: "subprocess.Popen[bytes]", log: Path) -> StandIns:
    until = time.monotonic() + STARTED_WITHIN
    while process.poll() is None and time.monotonic() < until:
        if loopback.answers(url, "/"):
            return StandIns(spark=f"{url}/spark", search=f"{url}/search")
        time.sleep(0.05)
    raise AssertionError(f"The stand-ins do not serve: {log.read_text()}")

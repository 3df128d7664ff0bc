"""The stand-ins for EMR Serverless and OpenSearch beside an emulator, started as ``local up`` does it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from canary_router.local import processes, standins
from canary_router.local.record import Emulator


@dataclass(frozen=True)
class StandIns:
    """Where they are."""

    spark: str
    search: str


@contextmanager
def stand_ins(emulator: Emulator, home: Path) -> Iterator[StandIns]:
    """Starts them, without Spark, and ends them.

    Args:
        emulator: Whose S3 the Spark jobs read and write.
        home: For the record of them.
    """
    begun = standins.start(home, emulator)
    try:
        yield StandIns(spark=f"{begun.standins_url}/spark", search=f"{begun.standins_url}/search")
    finally:
        assert begun.standins is not None
        processes.end_group(begun.standins.pid, begun.standins.started, grace=30)

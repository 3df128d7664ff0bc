"""The stand-ins live beside the emulator, and not a moment longer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from opensearchpy import OpenSearch, Urllib3HttpConnection

from canary_router.errors import Unavailable
from canary_router.local import emulator as local_emulator
from canary_router.local import loopback, processes, standins


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    local_emulator.stop(tmp_path / "home")


def test_they_are_found_by_the_record_and_end_with_the_emulator(home: Path) -> None:
    begun = standins.start(home, local_emulator.start(home))
    assert local_emulator.running(home) == begun
    assert begun.standins is not None
    with OpenSearch(hosts=[begun.search_endpoint], connection_class=Urllib3HttpConnection) as search:
        search.indices.create(index="days")
        assert search.count(index="days")["count"] == 0
    assert loopback.answers(begun.standins_url, "/")
    local_emulator.stop(home)
    assert processes.group_members(begun.standins.pid) == []
    assert not loopback.answers(begun.standins_url, "/")


def test_ones_whose_emulator_has_died_end_as_soon_as_somebody_looks(home: Path) -> None:
    begun = standins.start(home, local_emulator.start(home))
    assert begun.standins is not None
    processes.end_group(begun.pid, begun.process.started, grace=1)
    assert begun.standins.is_alive
    assert local_emulator.running(home) is None
    assert not begun.standins.is_alive


def test_ones_that_cannot_begin_say_why(home: Path) -> None:
    emulator = local_emulator.start(home)
    # A package of this name in the working directory hides theirs.
    hiding = Path(emulator.state_dir, "transformer")
    hiding.mkdir()
    (hiding / "__init__.py").touch()
    with pytest.raises(Unavailable, match=r"No module named transformer\.standins"):
        standins.start(home, emulator)

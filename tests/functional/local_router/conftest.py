"""What the demo leaves running: one deployment serves all tests of this folder, in the order of their files."""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from tests.functional.local_router.follower import Follower
from tests.functional.local_router.machine import OK, Machine


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, dict[str, Any], Follower]]:
    """The demo, with somebody who looks at the dashboard beside it."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    log = tmp_path_factory.mktemp("log") / "demo"
    log.touch()
    follower = Follower(log)
    follower.start()
    try:
        done = machine.run("--output", "json", "demo", "--keep", "--dashboard", log=log)
        assert done.returncode == OK, log.read_text()
        follower.join(30)
        yield machine, json.loads(done.stdout), follower
    finally:
        machine.run("local", "down")
        shutil.rmtree(machine.home)


@pytest.fixture(scope="session")
def shown(played: tuple[Machine, dict[str, Any], Follower]) -> tuple[Machine, dict[str, Any]]:
    return played[0], played[1]


@pytest.fixture
def machine(shown: tuple[Machine, dict[str, Any]]) -> Machine:
    return shown[0]

"""What the demo leaves running: one deployment serves all tests of this folder, in the order of their files."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from tests.functional.local_router.machine import Machine


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, dict[str, Any]]]:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        yield machine, machine.json("demo", "--keep")
    finally:
        machine.run("local", "down")
        shutil.rmtree(machine.home)


@pytest.fixture
def machine(shown: tuple[Machine, dict[str, Any]]) -> Machine:
    return shown[0]

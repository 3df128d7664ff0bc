"""Each port's suite runs against each of its adapters: the fixtures here are one parameter per adapter."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from tests.contracts.backends import BOTO3, WIRE, Backend
from tests.contracts.stub import Stub, running_stub
from tests.contracts.tables import new_ledger

from canary_router.adapters.memory import MemoryLedger
from canary_router.local import loopback
from canary_router.local.record import Emulator
from canary_router.ports import Ledger

_numbers = count(1)
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.contracts)


@pytest.fixture(scope="session")
def ministack(emulator: Emulator) -> Backend:
    return Backend.ministack(emulator)


@pytest.fixture(scope="session")
def moto() -> Iterator[Backend]:
    server = ThreadedMotoServer(loopback.HOST, 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    _really_run_state_machines(host, port)
    yield Backend("moto", f"http://{host}:{port}", "testing", "testing")
    server.stop()


def _really_run_state_machines(host: str, port: int) -> None:
    with closing(http.client.HTTPConnection(host, port, timeout=5)) as connection:
        config = json.dumps({"stepfunctions": {"execute_state_machine": True}})
        connection.request("POST", "/moto-api/config", config, {"Content-Type": "application/json"})
        assert connection.getresponse().status == http.client.CREATED


@pytest.fixture(scope="session")
def wired(ministack: Backend) -> Backend:
    """The emulator, called as the request function does."""
    return ministack.over(WIRE)


@pytest.fixture(scope="session", params=[BOTO3, WIRE])
def stub(request: pytest.FixtureRequest) -> Iterator[Stub]:
    """An endpoint in trouble: tell it what it will answer."""
    with running_stub(transport=request.param) as running:
        yield running


@pytest.fixture(params=["memory", "ministack", "moto", "wired"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """An empty ledger."""
    if request.param == "memory":
        yield MemoryLedger()
        return
    with new_ledger(request.getfixturevalue(request.param)) as made:
        yield made


@pytest.fixture
def service() -> str:
    """The name of a service that no other test knows."""
    return f"service-{next(_numbers)}"

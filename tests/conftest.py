"""What every test stands on: nothing of the caller's AWS settings, no network but this machine, one shared emulator."""

import ipaddress
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from canary_router import settings
from canary_router.local import emulator as local_emulator
from canary_router.local.record import Emulator
from canary_router.local.toolchain import node_environment

for name in list(os.environ):
    if name.startswith(("AWS_", "CANARY_ROUTER_", "CDK_")):
        del os.environ[name]
os.environ |= {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1,localhost",
} | node_environment()


# Tests that share a costly fixture run in one process, the others wherever there is room, a file at a time.
_TOGETHER = ("tests/e2e", "tests/functional/local_router", "tests/infra")
_LONG = ("tests/e2e", "tests/delivery/test_story", "tests/functional/local_router", "tests/chaos")


class _Together(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Gives a process whole groups of tests."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return next((place for place in _TOGETHER if path.startswith(place)), path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Together(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The longest first: what begins last should not take longest.
    items.sort(key=lambda item: not any(place in item.path.as_posix() for place in _LONG))


def _refuse_the_outside_world(event: str, args: tuple[object, ...]) -> None:
    """An audit hook of Python's: a test that would call the real AWS fails instead."""
    if event != "socket.connect":
        return
    address = args[1]
    if isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback:
        raise PermissionError(f"a test tried to connect to {address}, which is not on this machine")


sys.addaudithook(_refuse_the_outside_world)


@pytest.fixture(scope="session", autouse=True)
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests never see, and never end, an emulator that the developer has running."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(settings.ENV_HOME, str(tmp_path_factory.mktemp("canary-router-home")))
        yield


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A running emulator that the whole session shares: name what you make in it after your test."""
    home = tmp_path_factory.mktemp("emulator")
    yield local_emulator.start(home)
    local_emulator.stop(home)

"""One emulator with one deployed router for all of these tests. AUTH is on: the functions' roles are exercised."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.deployed import SERVICE, Deployed, wait_until

from canary_router.core.model import ReleaseState
from canary_router.local import emulator as local_emulator

STACKS = ("canary-router-e2e", "batch-v1-0-0", "batch-v1-1-0", "batch-v1-2-0")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    home = tmp_path_factory.mktemp("e2e")
    emulator = local_emulator.start(home)
    deployed = Deployed(emulator, home / "cdk.out")
    try:
        deployed.synthesise()
        deployed.cdk("bootstrap", f"aws://{emulator.account}/{emulator.region}")
        deployed.deploy(*STACKS)
        yield deployed
    finally:
        local_emulator.stop(home)


@pytest.fixture
def router(deployment: Deployed) -> Deployed:
    """The router asleep, with v1.0.0 as current."""
    deployed = deployment
    deployed.client("ssm").delete_parameters(Names=[f"/canary-router/e2e/{SERVICE}/policy"])
    if deployed.pointer("latest") != "none":
        deployed.write("latest", "none")
    if deployed.pointer("current") != deployed.arn("v1.0.0"):
        deployed.write("current", deployed.arn("v1.0.0"))

    def rests() -> bool:
        deployed.reconcile()
        return deployed.newest.state not in (ReleaseState.OPEN, ReleaseState.PROMOTING, ReleaseState.ABORTING)

    wait_until(rests)
    wait_until(lambda: deployed.submit().document.get("version") == "v1.0.0")
    return deployed

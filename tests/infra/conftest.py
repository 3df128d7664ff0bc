"""One synthesis for all of these tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.infra import stacks
from tests.infra.templates import Template

from canary_router.local.toolchain import node_environment
from transformer.versions import HERE

# In an interpreter of its own, as a user's `cdk synth` is.
_SAMPLE = """
import sys
import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from transformer.app import Choices, build

app = cdk.App(outdir=sys.argv[1])
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
build(app, Choices(tag="v1.1.0", environment="staging"))
build(app, Choices(tag="v1.1.0", environment="production", service="weather", first_router=False))
elsewhere = {"spark_endpoint": "http://127.0.0.1:9/spark", "search_endpoint": "http://127.0.0.1:9/search/"}
build(app, Choices(tag="v1.2.1-RC.1", environment="elsewhere", service="storms", first_router=False, **elsewhere))
app.synth()
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.infra)


@pytest.fixture(scope="session")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembled")
    stacks.build(folder).synth()
    return folder


@pytest.fixture(scope="session")
def router(assembled: Path) -> Template:
    """A router with the default options."""
    return Template.read(assembled, stacks.DEFAULT)


@pytest.fixture(scope="session")
def chosen(assembled: Path) -> Template:
    """A router with every option set."""
    return Template.read(assembled, stacks.CHOSEN)


@pytest.fixture(scope="session")
def largest(assembled: Path) -> Template:
    """A router with as many services, of as long names, as are allowed."""
    return Template.read(assembled, stacks.LARGEST)


@pytest.fixture(scope="session")
def version(assembled: Path) -> Template:
    """One version of a service."""
    return Template.read(assembled, stacks.VERSION)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly of the sample in three environments, of which the last has no EMR Serverless and no OpenSearch."""
    folder = tmp_path_factory.mktemp("sample")
    environment = os.environ | node_environment() | {"PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-c", _SAMPLE, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    # A finding of cdk-nag fails the synthesis.
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def delivery(assembled: Path) -> Template:
    """What the development account has for delivery."""
    return Template.read(assembled, stacks.DELIVERY)


@pytest.fixture(scope="session")
def stages(assembled: Path) -> dict[str, Template]:
    """What the account of each stage has for delivery."""
    return {stage: Template.read(assembled, name) for stage, name in stacks.STAGES.items()}

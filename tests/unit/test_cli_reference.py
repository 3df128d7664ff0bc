"""The reference page says what the code says, and the Tab key knows the verbs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from canary_router.cli.reference import page

ROOT = Path(__file__).parents[2]


def test_the_reference_page_is_that_of_this_code() -> None:
    written = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    assert page() == written, "make reference"


@pytest.mark.parametrize("verb", ["status", "rollback", "explain", "policy check", "doctor", "local up"])
def test_the_reference_page_has_every_verb_with_an_example(verb: str) -> None:
    part = page().split(f"\n## {verb}\n")[1].split("\n## ")[0]
    assert f"`canary-router {verb}" in part
    assert "```sh\n" in part


def test_the_tab_key_completes_a_verb() -> None:
    typed = {"_CANARY_ROUTER_COMPLETE": "complete_bash", "COMP_WORDS": "canary-router ro", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", "from canary_router.cli import main; main()"], env=os.environ | typed,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["rollback"]

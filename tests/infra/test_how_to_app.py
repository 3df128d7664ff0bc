"""The repository that the how-to shows: its files are enough for what the deploying build runs."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.delivery.repository import SOURCE
from tests.infra import pages

from canary_router.cdk import buildspecs
from canary_router.cdk.release import RESOURCE_TYPE

PAGE = pages.ROOT / "docs/how-to/from-a-tag-to-a-version.md"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def shown(name: str, language: str) -> str:
    _, _, after = PAGE.read_text().partition(f"<!-- example: {name} -->\n```{language}\n")
    text, end, _ = after.partition("```")
    assert end, f"the page has no example {name!r}"
    return text


@pytest.mark.parametrize(
    ("tag", "environment", "stack"),
    [("v1.2.0", "production", "transformer-v1-2-0"), ("v1.2.0-rc.1", "staging", "transformer-v1-2-0-rc-1")],
)
def test_the_app_makes_the_stack_that_the_build_deploys(tmp_path: Path, tag: str, environment: str, stack: str) -> None:
    (tmp_path / "app.py").write_text(shown("app", "python"))
    program, *arguments = shlex.split(json.loads(shown("cdk", "json"))["app"])
    assert program == "python3"
    context = {"tag": tag, "environment": environment, "commit": COMMIT}
    assert all(f'--context "{name}=$' in buildspecs.DEPLOY for name in context)
    # As the CDK's command hands them over.
    variables = {**os.environ, "CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": str(tmp_path / "cdk.out")}
    subprocess.run([sys.executable, *arguments], cwd=tmp_path, env=variables, check=True, timeout=120)
    (release,) = _resources(tmp_path / "cdk.out" / f"{stack}.template.json", RESOURCE_TYPE)
    told = {name: release["Properties"][name] for name in ("Service", "Version", "Environment", "Commit")}
    assert told == {"Service": "transformer", "Version": tag, "Environment": environment, "Commit": COMMIT}


def _resources(template: Path, kind: str) -> list[dict[str, Any]]:
    return [it for it in json.loads(template.read_text())["Resources"].values() if it["Type"] == kind]


def test_the_storys_repository_has_the_files_that_the_page_shows() -> None:
    assert json.loads((SOURCE / "cdk.json").read_text()) == json.loads(shown("cdk", "json"))
    assert (SOURCE / "Makefile").read_text() == shown("makefile", "make")

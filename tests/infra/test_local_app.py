"""The CDK app of the local router: the sample's stacks over a router, with the addresses of what stands in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.infra.templates import Template, shown

from canary_router.local import app
from canary_router.local.sample import router_stack_name, search_stack_name, shared_stack_name
from canary_router.local.toolchain import node_environment

AWS = "http://127.0.0.1:4566"
STAND_INS = ["--spark-endpoint", "http://127.0.0.1:9/spark", "--search-endpoint", "http://127.0.0.1:9/search"]


@pytest.mark.parametrize("given", [STAND_INS[:2], STAND_INS[2:], []])
def test_a_router_without_the_addresses_of_what_stands_in_is_refused(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        app.main([str(tmp_path), "--endpoint-url", AWS, "--router", *given])
    assert refusal.value.code == 2
    assert "--router needs --spark-endpoint and --search-endpoint" in capsys.readouterr().err


def test_what_all_versions_stand_on_is_deployed_before_them_and_names_what_stands_in(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "canary_router.local.app", str(tmp_path), "--endpoint-url", AWS, "--router"]
    command += [*STAND_INS, "--tag", "v1.0.0"]
    done = subprocess.run(command, env=os.environ | node_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    router, shared, search = router_stack_name("local"), shared_stack_name("local"), search_stack_name("local")
    manifest = json.loads((tmp_path / "manifest.json").read_text())["artifacts"]
    needed = {
        stack: {it for it in manifest[stack]["dependencies"] if not it.endswith(".assets")}
        for stack in (router, shared, search, "transformer-v1-0-0")
    }
    assert needed == {router: set(), shared: set(), search: {shared}, "transformer-v1-0-0": {router, shared, search}}
    root = "/canary-router/local/attributes"
    published = {
        name: shown(properties["Value"])
        for stack in (shared, search)
        for name, properties in Template.read(tmp_path, stack).by("AWS::SSM::Parameter", "Name").items()
    }
    assert published[f"{root}/shared/spark_endpoint"] == "http://127.0.0.1:9/spark"
    assert published[f"{root}/search/endpoint"] == "http://127.0.0.1:9/search"

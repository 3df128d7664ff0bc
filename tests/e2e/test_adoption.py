"""The one file that a team changes to adopt the router, as the how-to shows it: deployed, released and used."""

import json
import sys
from pathlib import Path

import pytest
from tests.e2e.deployed import ENVIRONMENT, Deployed, run, wait_until

from canary_router.client import RouterClient
from canary_router.core.model import ReleaseState
from canary_router.flows import inspect
from canary_router.local.home import tools_home
from canary_router.local.toolchain import Toolchain, node_environment

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "adopt-the-router.md"
DEFINITION = {
    "StartAt": "Work",
    "States": {
        "Work": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Done"},
        "Done": {"Type": "Succeed"},
    },
}


def example(name: str) -> str:
    """The code block after the comment that names it."""
    code = HOW_TO.read_text().partition(f"<!-- example: {name} -->\n```python\n")[2].partition("```")[0]
    assert code, f"the how-to has no example {name!r}"
    return code


def write_project(folder: Path, code: str) -> None:
    """What the team has: a definition, a function that starts it, and the app."""
    (folder / "start").mkdir()
    (folder / "start" / "start.py").write_text("def handler(event, context): ...\n")
    (folder / "job.asl.json").write_text(json.dumps(DEFINITION))
    (folder / "app.py").write_text(code)


def synthesise(folder: Path, **context: str) -> Path:
    environment = {"CDK_OUTDIR": str(folder / "cdk.out"), "CDK_CONTEXT_JSON": json.dumps(context)}
    run([sys.executable, "app.py"], environment | node_environment(), folder)
    return folder / "cdk.out"


def test_the_stack_that_the_how_to_begins_with_is_one_that_can_be_deployed(tmp_path: Path) -> None:
    write_project(tmp_path, example("before"))
    template = json.loads((synthesise(tmp_path) / "orders.template.json").read_text())
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert {"AWS::StepFunctions::StateMachine", "AWS::Lambda::Function"} <= kinds


def test_the_changed_file_releases_two_versions_and_a_front_end_gets_its_jobs_done(
    deployment: Deployed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = deployment.ports.ledger
    for name, value in deployment.emulator.client_environment().items():
        monkeypatch.setenv(name, value)
    code = example("after")
    # The emulator denies CDK's own roles their bucket.
    here = {
        'environment="prod"': f'environment="{ENVIRONMENT}"',
        "cdk.App()": "cdk.App(default_stack_synthesizer=cdk.CliCredentialsStackSynthesizer())",
    }
    for written, local in here.items():
        assert code.count(written) == 1
        code = code.replace(written, local)
    write_project(tmp_path, code)

    def released(tag: str) -> None:
        assembly = synthesise(tmp_path, tag=tag)
        command = [*Toolchain(tools_home()).cdk(), "deploy", "--app", str(assembly), "--require-approval", "never"]
        run([*command, "--all"], deployment.emulator.client_environment() | node_environment(), tmp_path)

    def newest_is(tag: str, state: ReleaseState) -> bool:
        deployment.reconcile()
        newest = inspect.releases(ledger, "orders")
        return bool(newest) and (newest[0].target.tag, newest[0].state) == (tag, state)

    released("v1.0.0")
    wait_until(lambda: newest_is("v1.0.0", ReleaseState.PROMOTED))
    released("v1.1.0")
    wait_until(lambda: newest_is("v1.1.0", ReleaseState.OPEN))
    router = RouterClient(ENVIRONMENT)
    seen = set()

    def promoted() -> bool:
        job = router.wait(router.submit("orders", {"seconds": 0}), timeout=30, poll=0.2)
        assert job.status == "SUCCEEDED"
        seen.add(job.version)
        return newest_is("v1.1.0", ReleaseState.PROMOTED)

    wait_until(promoted)
    assert "v1.1.0" in seen

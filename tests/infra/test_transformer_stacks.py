"""What the sample's CDK app deploys: names by the contract, roles that allow no more than they must, nag-clean."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from canary_router.local.toolchain import node_environment
from transformer.versions import HERE

pytestmark = pytest.mark.infra

# In an interpreter of its own, since the CDK starts Node when it is imported.
SYNTHESIS = """
import sys
import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from transformer.app import build

app = cdk.App(outdir=sys.argv[1])
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
build(app, tag="v1.1.0", environment="staging")
app.synth()
"""


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assembly")
    environment = os.environ | node_environment() | {"PYTHONPATH": str(HERE.parent)}
    command = [sys.executable, "-c", SYNTHESIS, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    # A finding of cdk-nag fails the synthesis.
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def resources(assembly: Path, stack: str, kind: str) -> list[dict[str, Any]]:
    template = json.loads((assembly / f"{stack}.template.json").read_text())
    return [resource for resource in template["Resources"].values() if resource["Type"] == kind]


def test_a_version_has_the_names_by_which_the_router_finds_it(assembly: Path) -> None:
    (machine,) = resources(assembly, "transformer-v1-1-0", "AWS::StepFunctions::StateMachine")
    assert machine["Properties"]["StateMachineName"] == "transformer-v1-1-0"
    functions = resources(assembly, "transformer-v1-1-0", "AWS::Lambda::Function")
    names = {function["Properties"]["FunctionName"] for function in functions}
    assert names == {f"transformer-v1-1-0-{part}" for part in ("pipeline", "prepare", "publish")}


def test_a_version_releases_itself_after_everything_else_is_there(assembly: Path) -> None:
    (release,) = resources(assembly, "transformer-v1-1-0", "Custom::CanaryRouterRelease")
    template = json.loads((assembly / "transformer-v1-1-0.template.json").read_text())
    others = {
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] not in {"Custom::CanaryRouterRelease", "AWS::CDK::Metadata"}
    }
    assert others <= set(release["DependsOn"])


def test_neither_stack_exports_or_imports_anything(assembly: Path) -> None:
    for stack in ("transformer-v1-1-0", "transformer-shared-staging"):
        text = (assembly / f"{stack}.template.json").read_text()
        assert "Fn::ImportValue" not in text
        assert '"Export"' not in text


@pytest.mark.parametrize("stack", ["transformer-v1-1-0", "transformer-shared-staging"])
def test_only_what_aws_cannot_narrow_is_allowed_on_every_resource(assembly: Path, stack: str) -> None:
    policies = resources(assembly, stack, "AWS::IAM::Policy")
    assert policies
    for policy in policies:
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not [action for action in actions if "*" in action]
            if statement["Resource"] == "*":
                assert {action.split(":")[0] for action in actions} <= {"logs", "xray"}
    assert not [
        role for role in resources(assembly, stack, "AWS::IAM::Role") if "ManagedPolicyArns" in role["Properties"]
    ]


def test_outside_of_the_emulator_the_data_is_served_over_tls_only(assembly: Path) -> None:
    (policy,) = resources(assembly, "transformer-shared-staging", "AWS::S3::BucketPolicy")
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_state_machine_is_the_file_of_the_version_with_every_variable_filled_in(assembly: Path) -> None:
    (machine,) = resources(assembly, "transformer-v1-1-0", "AWS::StepFunctions::StateMachine")
    definition = machine["Properties"]["DefinitionString"]
    assert json.loads(definition) == json.loads((HERE / "job" / "state_machine.asl.json").read_text())
    wanted = {part.split("}")[0] for part in definition.split("${")[1:]}
    assert wanted == set(machine["Properties"]["DefinitionSubstitutions"])

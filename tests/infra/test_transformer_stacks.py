"""What the sample's CDK app deploys: names by the contract, roles that allow no more than they must, nag-clean."""

import ast
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
from canary_router.cdk import CanaryRouter, RouterOptions, shared_cloud_map_service
from cdk_nag import AwsSolutionsChecks
from transformer.app import build

app = cdk.App(outdir=sys.argv[1])
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
for environment, service in (("staging", "transformer"), ("production", "weather")):
    build(app, tag="v1.1.0", environment=environment, service=service)
    stack = cdk.Stack(app, f"router-{environment}")
    first = environment == "staging"
    options = RouterOptions(
        cloud_map_service_id=None if first else shared_cloud_map_service(stack), sets_api_log_role=first
    )
    CanaryRouter(stack, "Router", environment=environment, services=[service], options=options)
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


PRODUCTION = ("router-production", "transformer-shared-production", "weather-v1-1-0")
STAGING = ("router-staging", "transformer-shared-staging", "transformer-v1-1-0")
WITHIN_ANOTHER = {
    "AWS::ApiGateway::Stage": "an API",
    "AWS::ApiGateway::UsagePlanKey": "a plan",
    "AWS::IAM::Policy": "a role",
    "AWS::Glue::Table": "a database",
    "AWS::ServiceDiscovery::Instance": "a service of Cloud Map",
    "AWS::ServiceDiscovery::Service": "a namespace, whose name is looked at",
}


def physical_names(assembly: Path, stacks: tuple[str, ...]) -> set[tuple[str, str]]:
    """Types and names of what is named by its template, where the name has to be the only one in the account."""
    found = set[tuple[str, str]]()
    for stack in stacks:
        template = json.loads((assembly / f"{stack}.template.json").read_text())
        for resource in template["Resources"].values():
            names = {key: value for key, value in resource.get("Properties", {}).items() if key.endswith("Name")}
            names.pop("MetricName", None)
            if resource["Type"] not in WITHIN_ANOTHER:
                # A reference to what another resource is named is not a name.
                found |= {(resource["Type"], json.dumps(it)) for it in names.values() if not refers(it)}
    return found


def refers(value: object) -> bool:
    match value:
        case {"Ref": str(name)}:
            return not name.startswith("AWS::")
        case {"Fn::GetAtt": _}:
            return True
        case _:
            return False


def test_two_environments_in_one_account_share_no_physical_name(assembly: Path) -> None:
    staging, production = physical_names(assembly, STAGING), physical_names(assembly, PRODUCTION)
    assert {f"AWS::{it}" for it in ("Athena::WorkGroup", "Glue::Database", "Lambda::Function", "SSM::Parameter")} <= {
        kind for kind, _ in staging
    }
    assert staging & production == set()


def test_a_version_reads_and_publishes_in_its_own_environment_only(assembly: Path) -> None:
    for stack, environment in (("transformer-v1-1-0", "staging"), ("weather-v1-1-0", "production")):
        template = json.loads((assembly / f"{stack}.template.json").read_text())
        read = {it["Default"] for name, it in template["Parameters"].items() if name != "BootstrapVersion"}
        root = f"/canary-router/{environment}/attributes"
        shared = {"bucket", "data_prefix", "query_prefix", "database", "table", "work_group"}
        assert read == {f"{root}/namespace/id", *(f"{root}/shared/{name}" for name in shared)}
        written = {it["Properties"]["Name"] for it in resources(assembly, stack, "AWS::SSM::Parameter")}
        assert written == {f"{root}/{stack}/{name}" for name in ("pipeline_arn", "state_machine_arn", "results")}


def test_the_shared_stack_publishes_what_a_version_reads(assembly: Path) -> None:
    published = {it["Properties"]["Name"] for it in resources(assembly, STAGING[1], "AWS::SSM::Parameter")}
    template = json.loads((assembly / f"{STAGING[2]}.template.json").read_text())
    read = {it["Default"] for name, it in template["Parameters"].items() if name != "BootstrapVersion"}
    assert read <= published


def test_neither_the_code_of_the_shared_stack_nor_that_of_a_version_imports_the_other() -> None:
    version = {"stack", "workflow", "roles", "versions", *(file.stem for file in (HERE / "job").glob("*.py"))}
    for module, others in {
        "shared": version,
        "seeding": version,
        "stack": {"shared"},
        "workflow": {"shared"},
    }.items():
        tree = ast.parse((HERE / f"{module}.py").read_text())
        imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not [name for name in imported if name.startswith("transformer.") and set(name.split(".")) & others]


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

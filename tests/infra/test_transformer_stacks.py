"""What the sample's CDK app deploys: five stacks, a version among them, that know each other by what they publish."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.infra.templates import Template, shown

from canary_router.local.toolchain import node_environment
from transformer.versions import HERE

STEPS = ("prepare", "spark", "publish", "index", "validate")
STAGING = {
    "shared": "transformer-shared-staging",
    "search": "transformer-search-staging",
    "router": "canary-router-staging",
    "frontend": "transformer-frontend-staging",
    "transformer-v1-1-0": "transformer-v1-1-0",
}
PRODUCTION = {
    "shared": "transformer-shared-production",
    "search": "transformer-search-production",
    "router": "canary-router-production",
    "frontend": "transformer-frontend-production",
    "weather-v1-1-0": "weather-v1-1-0",
}
SHARED = {
    "bucket", "data_prefix", "query_prefix", "days_prefix", "result_prefix", "database", "table", "work_group",
    "spark_application_id", "spark_endpoint",
}  # fmt: skip


def published(template: Template) -> set[str]:
    """Attributes that a stack writes to SSM, as environment/attributes/stack/name."""
    root = "/canary-router/"
    names = {str(it["Name"]) for it in template.all("AWS::SSM::Parameter")}
    return {name.removeprefix(root) for name in names if "/attributes/" in name}


def discovered(template: Template) -> set[str]:
    parameters = template.document["Parameters"]
    return {it["Default"].removeprefix("/canary-router/") for name, it in parameters.items() if "Bootstrap" not in name}


def test_a_version_has_the_names_by_which_the_router_finds_it(sample: Path) -> None:
    version = Template.read(sample, "transformer-v1-1-0")
    assert version.one("AWS::StepFunctions::StateMachine")["StateMachineName"] == "transformer-v1-1-0"
    names = set(version.by("AWS::Lambda::Function", "FunctionName"))
    assert names == {f"transformer-v1-1-0-{part}" for part in ("pipeline", *STEPS)}


def test_a_version_releases_itself_after_everything_else_is_there(sample: Path) -> None:
    found = Template.read(sample, "transformer-v1-1-0").document["Resources"]
    (release,) = [it for it in found.values() if it["Type"] == "Custom::CanaryRouterRelease"]
    first = {name for name, it in found.items() if it["Type"] not in {release["Type"], "AWS::CDK::Metadata"}}
    assert first <= set(release["DependsOn"])


def test_each_stack_publishes_and_discovers_in_its_own_environment_what_another_publishes(sample: Path) -> None:
    for environment, stacks in (("staging", STAGING), ("production", PRODUCTION)):
        root = f"{environment}/attributes"
        version = next(name for name in stacks if name.endswith("-v1-1-0"))
        attributes = {
            "shared": SHARED,
            "search": {"endpoint", "arn"},
            "router": {"endpoint", "api_key_secret"},
            "frontend": {"policy_arn"},
            version: {"pipeline_arn", "state_machine_arn", "results", "index"},
        }
        expected = {name: {f"{root}/{name}/{it}" for it in its} for name, its in attributes.items()}
        expected["shared"].add(f"{root}/namespace/id")
        templates = {name: Template.read(sample, stack) for name, stack in stacks.items()}
        assert {name: published(template) for name, template in templates.items()} == expected
        namespace = {f"{root}/namespace/id"}
        router = set() if environment == "staging" else {"cloud-map-service"}
        assert {name: discovered(template) for name, template in templates.items()} == {
            "shared": set(),
            "search": namespace,
            "router": router,
            "frontend": namespace
            | {f"{root}/router/api_key_secret", f"{root}/shared/bucket", f"{root}/shared/result_prefix"},
            version: namespace | expected["shared"] | expected["search"],
        }


def test_no_stack_exports_or_imports_anything_or_waits_for_another_in_the_assembly(sample: Path) -> None:
    manifest = json.loads((sample / "manifest.json").read_text())["artifacts"]
    for stack in (*STAGING.values(), *PRODUCTION.values()):
        text = (sample / f"{stack}.template.json").read_text()
        assert "Fn::ImportValue" not in text
        assert '"Export"' not in text
        assert not [it for it in manifest[stack].get("dependencies", []) if not it.endswith(".assets")]


CODE = {
    "transformer.shared": {"transformer.seeding", "transformer.spark_application"},
    "transformer.search": set(),
    "transformer.router": set(),
    "frontend.stack": {"frontend.desk"},
    "transformer.stack": {f"transformer.{it}" for it in ("workflow", "functions", "places", "roles", "spark_job")}
    | {"transformer.versions"},
}
"""The code of each stack: its module, and what that imports of the sample, however far."""


def imports(module: str) -> set[str]:
    """What a module imports of the sample, directly."""
    tree = ast.parse((HERE.parent / f"{module.replace('.', '/')}.py").read_text())
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    # `from transformer import roles` names a module as well.
    names = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names} | {str(it.module) for it in nodes}
    ours = {name for name in names if name.split(".")[0] in {"transformer", "frontend"}}
    return {name for name in ours if (HERE.parent / f"{name.replace('.', '/')}.py").is_file()}


@pytest.mark.parametrize("stack", CODE)
def test_no_stacks_code_imports_that_of_another_stack(stack: str) -> None:
    found, waiting = set[str](), [stack]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += [it for it in imports(module) if not it.startswith("frontend.") or module == stack]
    assert found - {stack} == CODE[stack]
    others = set[str]().union(*({name, *code} for name, code in CODE.items() if name != stack))
    assert not found & others


WITHIN_ANOTHER = {
    "AWS::ApiGateway::Stage": "an API",
    "AWS::ApiGateway::UsagePlanKey": "a plan",
    "AWS::IAM::Policy": "a role",
    "AWS::Glue::Table": "a database",
    "AWS::ServiceDiscovery::Instance": "a service of Cloud Map",
    "AWS::ServiceDiscovery::Service": "a namespace, whose name is looked at",
}


def physical_names(sample: Path, stacks: dict[str, str]) -> set[tuple[str, str]]:
    """Types and names of what is named by its template, where the name has to be the only one in the account."""
    found = set[tuple[str, str]]()
    for stack in stacks.values():
        for resource in Template.read(sample, stack).document["Resources"].values():
            properties = resource.get("Properties", {}).items()
            names = {key: value for key, value in properties if key.endswith("Name") or key == "Name"}
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


def test_two_environments_in_one_account_share_no_physical_name(sample: Path) -> None:
    staging, production = physical_names(sample, STAGING), physical_names(sample, PRODUCTION)
    kinds = ("Athena::WorkGroup", "EMRServerless::Application", "Glue::Database", "Lambda::Function", "SSM::Parameter")
    assert {f"AWS::{it}" for it in kinds} <= {kind for kind, _ in staging}
    assert staging & production == set()


def test_outside_of_the_emulator_the_data_is_served_over_tls_only(sample: Path) -> None:
    policy = Template.read(sample, STAGING["shared"]).one("AWS::S3::BucketPolicy")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_search_domain_is_encrypted_everywhere_and_has_no_policy_that_lets_anybody_in(sample: Path) -> None:
    domain = Template.read(sample, STAGING["search"]).one("AWS::OpenSearchService::Domain")
    assert domain["EncryptionAtRestOptions"] == domain["NodeToNodeEncryptionOptions"] == {"Enabled": True}
    endpoint = domain["DomainEndpointOptions"]
    assert endpoint == {"EnforceHTTPS": True, "TLSSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10"}
    assert "AccessPolicies" not in domain


def test_where_something_stands_in_its_address_is_published_and_the_service_is_not_made(sample: Path) -> None:
    shared = Template.read(sample, "transformer-shared-elsewhere")
    search = Template.read(sample, "transformer-search-elsewhere")
    assert shared.all("AWS::EMRServerless::Application") == search.all("AWS::OpenSearchService::Domain") == []
    values = {
        name: shown(properties["Value"])
        for template in (shared, search)
        for name, properties in template.by("AWS::SSM::Parameter", "Name").items()
    }
    root = "/canary-router/elsewhere/attributes"
    assert values[f"{root}/shared/spark_application_id"] == "local"
    assert values[f"{root}/shared/spark_endpoint"] == "http://127.0.0.1:9/spark"
    assert values[f"{root}/search/endpoint"] == "http://127.0.0.1:9/search"
    assert values[f"{root}/search/arn"].endswith(":domain/elsewhere")


def test_on_aws_the_addresses_of_the_services_are_published(sample: Path) -> None:
    root = "/canary-router/staging/attributes"
    spark = Template.read(sample, STAGING["shared"]).by("AWS::SSM::Parameter", "Name")
    assert shown(spark[f"{root}/shared/spark_endpoint"]["Value"]) == (
        "https://emr-serverless.<AWS::Region>.<AWS::URLSuffix>"
    )
    search = Template.read(sample, STAGING["search"]).by("AWS::SSM::Parameter", "Name")
    assert shown(search[f"{root}/search/endpoint"]["Value"]) == "https://<Domain.DomainEndpoint>"


def test_an_index_has_a_name_that_opensearch_takes(sample: Path) -> None:
    version = Template.read(sample, "storms-v1-2-1-RC-1")
    function = version.by("AWS::Lambda::Function", "FunctionName")["storms-v1-2-1-RC-1-index"]
    assert function["Environment"]["Variables"]["INDEX"] == "storms-v1-2-1-rc-1"


def test_only_the_steps_that_talk_to_opensearch_bring_its_client_along(sample: Path) -> None:
    functions = Template.read(sample, "transformer-v1-1-0").by("AWS::Lambda::Function", "FunctionName")
    with_client = {
        name
        for name, properties in functions.items()
        if (sample / f"asset.{properties['Code']['S3Key'].removesuffix('.zip')}" / "opensearchpy").is_dir()
    }
    assert with_client == {"transformer-v1-1-0-index", "transformer-v1-1-0-validate"}


def test_the_spark_job_runs_the_script_of_its_version(sample: Path) -> None:
    for stack, file in (
        ("transformer-v1-1-0", HERE / "job" / "days.py"),
        ("storms-v1-2-1-RC-1", HERE / "versions" / "v1.2.0" / "days.py"),
    ):
        functions = Template.read(sample, stack).by("AWS::Lambda::Function", "FunctionName")
        script = shown(functions[f"{stack}-spark"]["Environment"]["Variables"]["SCRIPT"])
        assert (sample / f"asset.{script.rpartition('/')[2]}").read_bytes() == file.read_bytes()


def test_the_state_machine_is_the_file_of_the_version_with_every_variable_filled_in(sample: Path) -> None:
    machine = Template.read(sample, "transformer-v1-1-0").one("AWS::StepFunctions::StateMachine")
    definition = machine["DefinitionString"]
    assert json.loads(definition) == json.loads((HERE / "job" / "state_machine.asl.json").read_text())
    wanted = {part.split("}")[0] for part in definition.split("${")[1:]}
    assert wanted == set(machine["DefinitionSubstitutions"])


def test_the_app_reads_what_is_chosen_from_its_context(tmp_path: Path) -> None:
    context = {
        "environment": "qa",
        "tag": "v1.3.1",
        "service": "storms",
        "first_router": "no",
        "search_endpoint": "http://127.0.0.1:9",
    }
    environment = os.environ | node_environment() | {"PYTHONPATH": str(HERE.parent)}
    environment |= {"CDK_OUTDIR": str(tmp_path), "CDK_CONTEXT_JSON": json.dumps(context)}
    done = subprocess.run(
        [sys.executable, "-m", "transformer.app"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    stacks = {file.name.removesuffix(".template.json") for file in tmp_path.glob("*.template.json")}
    expected = {
        "canary-router-qa",
        "storms-v1-3-1",
        *(f"transformer-{it}-qa" for it in ("shared", "search", "frontend")),
    }
    assert stacks == expected
    assert Template.read(tmp_path, "transformer-search-qa").all("AWS::OpenSearchService::Domain") == []
    assert "cloud-map-service" in discovered(Template.read(tmp_path, "canary-router-qa"))

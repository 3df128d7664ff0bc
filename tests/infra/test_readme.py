"""The code in the README is run as it stands there."""

import sys
from collections.abc import Iterator
from types import ModuleType

import aws_cdk as cdk
import pytest
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Template
from tests.infra import pages

from canary_router.cdk import Pipeline
from canary_router.errors import ConfigurationError


def example(name: str) -> str:
    return pages.example("README.md", name)


@pytest.fixture
def my_etl() -> Iterator[None]:
    """What the reader has already: a function that makes a state machine of a given name."""
    module = ModuleType("my_etl")

    def state_machine(stack: cdk.Stack, *, name: str) -> sfn.StateMachine:
        body = sfn.DefinitionBody.from_chainable(sfn.Succeed(stack, "Done"))
        return sfn.StateMachine(stack, "Machine", state_machine_name=name, definition_body=body)

    module.state_machine = state_machine  # type: ignore[attr-defined]
    sys.modules["my_etl"] = module
    yield
    del sys.modules["my_etl"]


@pytest.mark.parametrize("name", ["router", "version"])
def test_the_examples_take_fewer_lines_than_promised(name: str) -> None:
    assert len([line for line in example(name).splitlines() if line.strip()]) < 20


def test_the_router_of_the_readme_can_be_synthesised() -> None:
    names: dict[str, object] = {}
    exec(example("router"), names)  # noqa: S102 - the project's own text
    stack = names["stack"]
    assert isinstance(stack, cdk.Stack)
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::ApiGateway::RestApi", 1)
    template.has_resource_properties("AWS::DynamoDB::Table", {"TableName": "canary-router-prod"})


@pytest.mark.usefixtures("my_etl")
def test_the_version_of_the_readme_can_be_synthesised() -> None:
    names: dict[str, object] = {}
    exec(example("version"), names)  # noqa: S102 - the project's own text
    stack = names["stack"]
    assert isinstance(stack, cdk.Stack)
    assert stack.stack_name == "transformer-v1-2-0"
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "Custom::CanaryRouterRelease", {"Service": "transformer", "Version": "v1.2.0", "Environment": "prod"}
    )
    statements = [
        statement
        for policy in template.find_resources("AWS::IAM::Policy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if "states:StartExecution" in statement["Action"]
    ]
    (machine,) = template.find_resources("AWS::StepFunctions::StateMachine")
    assert [one["Resource"] for one in statements] == [{"Ref": machine}], (
        "the pipeline starts this machine, and no other"
    )


def test_a_pipeline_outside_of_a_versions_stack_is_refused() -> None:
    stack = cdk.Stack(cdk.App(), "elsewhere")
    machine = sfn.StateMachine(
        stack, "Machine", definition_body=sfn.DefinitionBody.from_chainable(sfn.Succeed(stack, "Done"))
    )
    with pytest.raises(ConfigurationError, match="elsewhere/Pipeline is not inside an ImmutableStack"):
        Pipeline(stack, "Pipeline", state_machine=machine)

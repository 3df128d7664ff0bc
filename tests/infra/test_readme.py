"""The code in the README is run as it stands there."""

import sys
from collections.abc import Iterator
from types import ModuleType

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk.assertions import Template
from tests.infra import pages


def example(name: str) -> str:
    return pages.example("README.md", name)


@pytest.fixture
def my_etl() -> Iterator[None]:
    """What the reader has already: functions that make a state machine and a pipeline function of a given name."""
    module = ModuleType("my_etl")

    def state_machine(stack: cdk.Stack, *, name: str) -> sfn.StateMachine:
        body = sfn.DefinitionBody.from_chainable(sfn.Succeed(stack, "Done"))
        return sfn.StateMachine(stack, "Machine", state_machine_name=name, definition_body=body)

    def pipeline_function(stack: cdk.Stack, *, name: str, machine: sfn.StateMachine) -> lambda_.Function:
        function = lambda_.Function(
            stack,
            "Pipeline",
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=lambda_.Code.from_inline("# canary_router.pipeline.start_transform"),
        )
        machine.grant_start_execution(function)
        return function

    module.state_machine = state_machine  # type: ignore[attr-defined]
    module.pipeline_function = pipeline_function  # type: ignore[attr-defined]
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

"""Mistakes that are told at synthesis, with the name of the thing, rather than found after a deployment."""

import aws_cdk as cdk
import pytest
from tests.infra.stacks import Transformer

from canary_router.cdk import CanaryRouter, ImmutableStack, Policy, Prune, Release, RouterOptions, Sequential
from canary_router.errors import ConfigurationError, InvalidPolicy


@pytest.mark.parametrize(
    "tag",
    [
        "1.2.0",
        "v1.2",
        "v01.2.3",
        "v1.2.3.4",
        "v1.2.3-",
        "v1.2.3-01",
        "v1.2.3+build",
        "V1.2.3",
        "v1.2.3\n",
        "",
        "latest",
    ],
)
def test_a_tag_that_is_no_semantic_version(tag: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a version's tag"):
        ImmutableStack(cdk.App(), service="transformer", tag=tag, environment="staging")


@pytest.mark.parametrize("tag", ["v0.0.0", "v1.2.3", "v10.20.30", "v1.3.0-rc.1", "v1.3.0-alpha", "v1.0.0-x-y.7"])
def test_a_semantic_version_becomes_the_end_of_the_stacks_name(tag: str) -> None:
    stack = ImmutableStack(cdk.App(), service="transformer", tag=tag, environment="staging")
    assert stack.stack_name == f"transformer-{tag.replace('.', '-')}"
    assert stack.state_machine_name == stack.stack_name
    assert stack.pipeline_function_name == f"{stack.stack_name}-pipeline"


@pytest.mark.parametrize("name", ["Transformer", "t", "1st", "trans_former", "ends-", "x" * 41])
@pytest.mark.parametrize("what", ["service", "environment"])
def test_a_name_that_cannot_be_part_of_other_names(what: str, name: str) -> None:
    names = {"service": "transformer", "environment": "staging"} | {what: name}
    with pytest.raises(ConfigurationError, match=what):
        ImmutableStack(cdk.App(), tag="v1.0.0", **names)


@pytest.mark.parametrize("name", ["etl-v1-0-0", "etl-v1-0-0-x", "a-v10-20-30-b-v1"])
def test_a_service_whose_stacks_would_be_named_like_another_services(name: str) -> None:
    with pytest.raises(ConfigurationError, match="form of a version"):
        ImmutableStack(cdk.App(), service=name, tag="v1.0.0", environment="staging")


@pytest.mark.parametrize("name", ["etl-v1", "etl-v1-0", "etl-v1-0-x", "etl-v1-0-0x", "ev1-0-0"])
def test_a_service_that_only_looks_a_little_like_a_version(name: str) -> None:
    assert ImmutableStack(cdk.App(), service=name, tag="v1.0.0", environment="staging").service == name


def test_a_tag_with_which_the_pipelines_name_is_too_long_for_lambda() -> None:
    with pytest.raises(ConfigurationError, match="Lambda takes 64"):
        ImmutableStack(cdk.App(), service="transformer", tag=f"v1.0.0-{'x' * 40}", environment="staging")


def test_a_pipeline_that_the_router_would_not_look_up() -> None:
    with pytest.raises(ConfigurationError, match=r"is named 'start', but .* 'transformer-v1-0-0-pipeline'"):
        Transformer(cdk.App(), "v1.0.0", pipeline="start")


def test_a_state_machine_that_the_router_would_not_look_up() -> None:
    with pytest.raises(ConfigurationError, match=r"is named 'job', but .* 'transformer-v1-0-0'"):
        Transformer(cdk.App(), "v1.0.0", machine="job")


def test_a_release_outside_of_an_immutable_stack() -> None:
    stack = cdk.Stack(cdk.App(), "plain")
    pipeline = cdk.aws_lambda.Function.from_function_name(stack, "Pipeline", "transformer-v1-0-0-pipeline")
    machine = cdk.aws_stepfunctions.StateMachine.from_state_machine_name(stack, "Machine", "transformer-v1-0-0")
    with pytest.raises(ConfigurationError, match="not inside an ImmutableStack"):
        Release(stack, "Release", pipeline=pipeline, state_machine=machine)


def test_a_pipeline_of_another_stack() -> None:
    stack = ImmutableStack(cdk.App(), service="transformer", tag="v1.0.0", environment="staging")
    pipeline = cdk.aws_lambda.Function.from_function_name(stack, "Pipeline", "transformer-v1-0-0-pipeline")
    machine = cdk.aws_stepfunctions.StateMachine.from_state_machine_name(stack, "Machine", "transformer-v1-0-0")
    with pytest.raises(ConfigurationError, match="has no name of its own in this stack"):
        Release(stack, "Release", pipeline=pipeline, state_machine=machine)


@pytest.mark.parametrize(
    ("environment", "services", "complaint"),
    [
        ("Staging", ["transformer"], "'Staging' is not the name"),
        ("staging", ["trans former"], "'trans former' is not the name"),
        ("staging", ["etl", "etl-v1-0-0-x"], "'etl-v1-0-0-x' is not the name of a service"),
        ("staging", [], "1 to 10 different services"),
        ("staging", ["transformer", "transformer"], "1 to 10 different services"),
        ("staging", [f"service-{number}" for number in range(11)], "1 to 10 different services"),
    ],
)
def test_a_router_whose_names_would_not_work(environment: str, services: list[str], complaint: str) -> None:
    stack = cdk.Stack(cdk.App(), "router")
    with pytest.raises(ConfigurationError, match=complaint):
        CanaryRouter(stack, "Router", environment=environment, services=services)


@pytest.mark.parametrize("prune", [Prune(keep=-1), Prune(drain=60)])
def test_a_retirement_that_would_take_what_still_serves(prune: Prune) -> None:
    stack = cdk.Stack(cdk.App(), "router")
    options = RouterOptions(prune=prune)
    with pytest.raises(ConfigurationError, match="Prune keeps"):
        CanaryRouter(stack, "Router", environment="staging", services=["transformer"], options=options)


def test_a_policy_for_a_service_that_is_not_served() -> None:
    stack = cdk.Stack(cdk.App(), "router")
    options = RouterOptions(policies={"indexer": Policy()})
    with pytest.raises(ConfigurationError, match="policy for indexer"):
        CanaryRouter(stack, "Router", environment="staging", services=["transformer"], options=options)


def test_a_sequential_gate_that_cannot_keep_what_it_promises() -> None:
    stack = cdk.Stack(cdk.App(), "router")
    options = RouterOptions(policies={"transformer": Policy(gate=Sequential(baseline=0.02, harm=0.2, max=20))})
    with pytest.raises(InvalidPolicy, match="within 20 jobs"):
        CanaryRouter(stack, "Router", environment="staging", services=["transformer"], options=options)

"""The commit that a version was built from: on everything in its stack, and with its release."""

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Match, Template
from tests.infra.stacks import Transformer

from canary_router.cdk import ImmutableStack
from canary_router.cdk.release import RESOURCE_TYPE
from canary_router.errors import ConfigurationError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_the_commit_is_tagged_on_what_the_stack_has_and_told_to_the_release() -> None:
    template = Template.from_stack(Transformer(cdk.App(), "v1.2.0", commit=COMMIT))
    template.has_resource_properties(RESOURCE_TYPE, {"Commit": COMMIT})
    tag = {"Key": "canary-router:commit", "Value": COMMIT}
    template.has_resource_properties("AWS::Lambda::Function", {"Tags": Match.array_with([tag])})


def test_without_a_commit_nothing_is_said_of_one() -> None:
    template = Template.from_stack(Transformer(cdk.App(), "v1.2.0"))
    assert "canary-router:commit" not in str(template.to_json())
    template.has_resource_properties(RESOURCE_TYPE, {"Commit": Match.absent()})


def test_the_commit_that_the_deploying_build_sets_is_on_record_whatever_the_app_hands_on() -> None:
    template = Template.from_stack(Transformer(cdk.App(context={"commit": COMMIT}), "v1.2.0"))
    template.has_resource_properties(RESOURCE_TYPE, {"Commit": COMMIT})
    tag = {"Key": "canary-router:commit", "Value": COMMIT}
    template.has_resource_properties("AWS::Lambda::Function", {"Tags": Match.array_with([tag])})


def test_a_commit_that_the_app_names_is_taken_before_the_one_of_the_context() -> None:
    app = cdk.App(context={"commit": "f" * 40})
    template = Template.from_stack(Transformer(app, "v1.2.0", commit=COMMIT))
    template.has_resource_properties(RESOURCE_TYPE, {"Commit": COMMIT})


@pytest.mark.parametrize("commit", ["abc", COMMIT.upper(), " ", "HEAD", 7, True, [COMMIT], {}])
def test_a_context_that_is_no_full_id_of_a_commit_is_refused_at_synthesis(commit: object) -> None:
    app = cdk.App(context={"commit": commit})
    with pytest.raises(ConfigurationError, match="is not the full id of a commit"):
        ImmutableStack(app, service="transformer", tag="v1.0.0", environment="staging")


@pytest.mark.parametrize("commit", ["abc", COMMIT[:12], COMMIT.upper(), f"{COMMIT} ", "HEAD", COMMIT + "0"])
def test_what_is_no_full_id_of_a_commit_is_refused_at_synthesis(commit: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the full id of a commit"):
        ImmutableStack(cdk.App(), service="transformer", tag="v1.0.0", environment="staging", commit=commit)

"""Memory and SnapStart of the request function: what is asked for is deployed, and what Lambda lacks is refused."""

import json
import sys

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from canary_router.cdk import CanaryRouter, RouterOptions
from canary_router.errors import ConfigurationError


def synthesised(options: RouterOptions) -> Template:
    stack = cdk.Stack(cdk.App(), "options")
    CanaryRouter(stack, "Router", environment="staging", services=["transformer"], options=options)
    return Template.from_stack(stack)


def test_memory_is_that_of_the_request_function_alone() -> None:
    template = synthesised(RouterOptions(request_memory=1024))
    names = {"request": 1024, "outcome": 256, "release": 256}
    for role, memory in names.items():
        template.has_resource_properties(
            "AWS::Lambda::Function", {"FunctionName": f"canary-router-staging-{role}", "MemorySize": memory}
        )
    template.resource_count_is("AWS::Lambda::Version", 0)


@pytest.mark.parametrize("memory", [0, 127, 10_241])
def test_memory_that_lambda_does_not_offer_is_refused(memory: int) -> None:
    with pytest.raises(ConfigurationError, match="request_memory"):
        synthesised(RouterOptions(request_memory=memory))


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Lambda has SnapStart for this Python")
def test_snap_start_is_refused_for_a_python_that_lambda_has_it_not_for() -> None:
    with pytest.raises(ConfigurationError, match=r"Python 3\.12 or newer"):
        synthesised(RouterOptions(snap_start=True))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Lambda has no SnapStart for this Python")
def test_with_snap_start_the_api_invokes_a_published_version() -> None:
    template = synthesised(RouterOptions(snap_start=True))
    template.has_resource_properties(
        "AWS::Lambda::Function",
        {"FunctionName": "canary-router-staging-request", "SnapStart": {"ApplyOn": "PublishedVersions"}},
    )
    template.resource_count_is("AWS::Lambda::Version", 1)
    (version,) = template.find_resources("AWS::Lambda::Version")
    methods = template.find_resources("AWS::ApiGateway::Method").values()
    invoked = [json.dumps(method["Properties"]["Integration"].get("Uri")) for method in methods]
    assert [version in uri for uri in invoked if uri != "null"] == [True, True]

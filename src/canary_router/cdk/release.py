"""The last act of a version's deployment: it writes ``latest``, and takes that back if the deployment is undone."""

from typing import cast

import jsii
from aws_cdk import ArnFormat, AspectPriority, Aspects, CfnResource, CustomResource, Duration, IAspect, Stack, Token
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct, IConstruct

from canary_router import settings
from canary_router.cdk.functions import RELEASE_TIMEOUT
from canary_router.cdk.immutable import version_around
from canary_router.errors import ConfigurationError

RESOURCE_TYPE = "Custom::CanaryRouterRelease"
_SERVICE_TIMEOUT = 3 * RELEASE_TIMEOUT + 60 + 120 + 60
"""Seconds that CloudFormation waits for an answer. Lambda calls a function that fails three times in all, a minute and
then two apart, and the third call too may bring the answer; a minute is for Lambda's queue."""


class Release(Construct):
    """Releases the version of the immutable stack around it, once everything else in that stack is there.

    The custom resource is served by the router's own function, found by its name, so the stack imports nothing from
    the router's: it can be deployed, rolled back and destroyed on its own.

    Args:
        scope: The ``ImmutableStack``, or a construct in it.
        construct_id: Id in the scope.
        pipeline: The version's pipeline function, named ``{service}-{slug}-pipeline``.
        state_machine: The version's state machine, named ``{service}-{slug}``.

    Attributes:
        resource: The custom resource.

    Raises:
        ConfigurationError: It is outside an ``ImmutableStack``, or a name does not follow the contract.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, pipeline: lambda_.IFunction, state_machine: sfn.IStateMachine
    ) -> None:
        super().__init__(scope, construct_id)
        version = version_around(self)
        service, tag, environment = version.service, version.tag, version.environment
        _check_name("pipeline function", _function_name(pipeline), settings.pipeline_function_name(service, tag))
        _check_name("state machine", _state_machine_name(state_machine), settings.stack_name(service, tag))
        stack = Stack.of(self)
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type=RESOURCE_TYPE,
            service_token=stack.format_arn(
                service="lambda",
                resource="function",
                resource_name=settings.function_name(environment, "release"),
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            ),
            service_timeout=Duration.seconds(_SERVICE_TIMEOUT),
            properties={
                "Service": service,
                "Version": tag,
                "Environment": environment,
                "PipelineArn": pipeline.function_arn,
                **({"Commit": version.commit} if version.commit else {}),
            },
        )
        # After all other aspects, which may still add resources.
        Aspects.of(stack).add(_Last(self.resource), priority=AspectPriority.READONLY)


@jsii.implements(IAspect)
class _Last:
    """Makes a resource depend on every other resource of its stack, so that it is created last and deleted first."""

    def __init__(self, last: CustomResource) -> None:
        child = cast(CfnResource, last.node.default_child)
        self._last = child
        self._last_path = child.node.path
        self._stack_path = Stack.of(last).node.path

    def visit(self, node: IConstruct) -> None:
        """Called by the CDK for each construct under the stack, nested stacks' content included."""
        if not isinstance(node, CfnResource) or node.node.path == self._last_path:
            return
        # A nested stack is itself a resource of this stack, and stands for all that is in it.
        if Stack.of(node).node.path == self._stack_path:
            self._last.add_resource_dependency(node)


def _function_name(pipeline: lambda_.IFunction) -> str | None:
    child = pipeline.node.default_child
    return child.function_name if isinstance(child, lambda_.CfnFunction) else None


def _state_machine_name(state_machine: sfn.IStateMachine) -> str | None:
    child = state_machine.node.default_child
    return child.state_machine_name if isinstance(child, sfn.CfnStateMachine) else None


def _check_name(what: str, name: str | None, expected: str) -> None:
    if name == expected:
        return
    if name is None or Token.is_unresolved(name):
        found = "has no name of its own in this stack"
    else:
        found = f"is named {name!r}"
    raise ConfigurationError(
        f"The {what} {found}, but the router looks for {expected!r}",
        advice=f"Make it in this stack and name it {expected!r}; ImmutableStack has the name as a property.",
    )

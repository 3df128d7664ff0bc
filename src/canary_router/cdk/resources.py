"""ARNs of what the functions touch, as narrow as the contract's names allow."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from constructs import Construct

from canary_router import settings
from canary_router.cdk.options import ExtraTarget


class Arns:
    """ARNs in the account and region of a stack.

    A version's tag is not known when the router is deployed, so its pipelines and state machines are named by a
    pattern: ``{service}-v*``.

    Args:
        scope: A construct in the stack.
        environment: Name of the environment.
        services: The services that the router serves.
        extra_targets: Pipelines outside the naming convention.
    """

    def __init__(
        self, scope: Construct, environment: str, services: Sequence[str], extra_targets: Sequence[ExtraTarget]
    ) -> None:
        self._stack = Stack.of(scope)
        self._environment = environment
        self._services = tuple(services)
        self._extra_targets = tuple(extra_targets)

    def parameters(self, *leaves: str) -> list[str]:
        """The SSM parameters of every service with these last parts."""
        return [
            self._stack.format_arn(
                service="ssm",
                resource="parameter",
                resource_name=settings.parameter_name(self._environment, service, leaf).removeprefix("/"),
            )
            for service in self._services
            for leaf in leaves
        ]

    def pipelines(self) -> list[str]:
        """The pipeline functions of every version, and their own versions and aliases."""
        names = [f"{service}-v*-pipeline" for service in self._services]
        names += [target.pipeline_function for target in self._extra_targets]
        return [self._colon("lambda", "function", form) for name in names for form in (name, f"{name}:*")]

    def executions(self) -> list[str]:
        """The executions of every version's state machine."""
        return [self._colon("states", "execution", f"{name}:*") for name in self._state_machines()]

    def state_machine_matchers(self) -> list[object]:
        """What an event pattern compares the ARN of a state machine with."""
        prefixes: list[object] = [
            {"prefix": self._colon("states", "stateMachine", f"{service}-v")} for service in self._services
        ]
        return prefixes + [
            self._colon("states", "stateMachine", target.state_machine) for target in self._extra_targets
        ]

    def state_machines(self) -> list[str]:
        """The state machines of every version that follows the contract's names."""
        return [self._colon("states", "stateMachine", f"{service}-v*") for service in self._services]

    def stacks(self) -> list[str]:
        """The stacks of every version."""
        return [
            self._stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{service}-v*/*")
            for service in self._services
        ]

    def all_stacks(self) -> str:
        """What CloudFormation asks for when stacks are listed."""
        return self._stack.format_arn(service="cloudformation", resource="stack", resource_name="*/*")

    def controller(self) -> str:
        """The controller's function."""
        return self._colon("lambda", "function", settings.function_name(self._environment, "outcome"))

    def default_bus(self) -> str:
        """EventBridge's default bus."""
        return self._stack.format_arn(service="events", resource="event-bus", resource_name="default")

    def _state_machines(self) -> list[str]:
        return [f"{service}-v*" for service in self._services] + [
            target.state_machine for target in self._extra_targets
        ]

    def _colon(self, service: str, resource: str, name: str) -> str:
        return self._stack.format_arn(
            service=service, resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

"""One version of the Transformer: an immutable stack, which releases itself as the last act of its deployment."""

from typing import Any

from constructs import Construct

from canary_router.cdk import ImmutableStack, Publish, Release
from transformer.workflow import Workflow

SERVICE = "transformer"


class TransformerStack(ImmutableStack):
    """Everything that belongs to one tag, in a stack named after it.

    Args:
        scope: The app.
        tag: Semantic version to deploy, for example ``v1.1.0``.
        environment: Name of the environment.
        service: Name of the service. Its stacks and functions are named after it, so of two environments in one
            account and region each needs its own.
        **stack_options: What ``Stack`` takes, such as ``env`` and ``synthesizer``.
    """

    def __init__(
        self, scope: Construct, *, tag: str, environment: str, service: str = SERVICE, **stack_options: Any
    ) -> None:
        super().__init__(scope, service=service, tag=tag, environment=environment, **stack_options)
        workflow = Workflow(self, "Workflow", tag=tag, environment=environment)
        Publish(
            self,
            "Published",
            environment=environment,
            stack=self.stack_name,
            attributes={
                "pipeline_arn": workflow.pipeline.function.function_arn,
                "state_machine_arn": workflow.state_machine.state_machine_arn,
                "results": workflow.results,
                "index": workflow.index,
            },
        )
        Release(self, "Release", pipeline=workflow.pipeline.function, state_machine=workflow.state_machine)

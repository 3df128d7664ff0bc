"""One version of the Transformer: an immutable stack, which releases itself as the last act of its deployment."""

from typing import Any

from constructs import Construct

from canary_router.cdk import ImmutableStack, Release
from transformer.workflow import Workflow

SERVICE = "transformer"


class TransformerStack(ImmutableStack):
    """Everything that belongs to one tag, in a stack named after it.

    Args:
        scope: The app.
        tag: Semantic version to deploy, for example ``v1.1.0``.
        environment: Name of the environment.
        **stack_options: What ``Stack`` takes, such as ``env`` and ``synthesizer``.
    """

    def __init__(self, scope: Construct, *, tag: str, environment: str, **stack_options: Any) -> None:
        super().__init__(scope, service=SERVICE, tag=tag, environment=environment, **stack_options)
        workflow = Workflow(self, "Workflow", tag=tag, environment=environment)
        Release(self, "Release", pipeline=workflow.pipeline.function, state_machine=workflow.state_machine)

"""A CDK app for the tests: six versions of the Transformer side by side, in plain stacks that release nothing."""

import aws_cdk as cdk

from canary_router.settings import stack_name
from transformer.shared import SharedStack
from transformer.workflow import Workflow

TAGS = ("v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0", "v2.0.0")


def build() -> None:
    """Writes the assembly to where the CDK's command line wants it."""
    # The emulator denies CDK's own roles their bucket, and serves no TLS.
    app = cdk.App(default_stack_synthesizer=cdk.CliCredentialsStackSynthesizer())
    environment = app.node.get_context("environment")
    shared = SharedStack(app, environment=environment, tls_only=False)
    for tag in TAGS:
        stack = cdk.Stack(app, stack_name("transformer", tag))
        Workflow(stack, "Workflow", tag=tag, environment=environment)
        stack.add_stack_dependency(shared)
    app.synth()


if __name__ == "__main__":
    build()

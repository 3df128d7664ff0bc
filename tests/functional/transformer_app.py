"""A CDK app for the tests: versions of the Transformer side by side, released by nobody, and what they stand on."""

import aws_cdk as cdk

from canary_router.cdk import CanaryRouter, Publish, RouterOptions
from canary_router.local.app import STAGE_PATH
from canary_router.local.concessions import concede
from canary_router.settings import stack_name
from frontend.stack import FrontendStack
from transformer.search import SearchStack
from transformer.shared import SharedStack
from transformer.workflow import Workflow

TAGS = ("v1.0.0", "v1.1.0", "v1.2.0", "v1.2.1", "v1.3.0", "v1.4.0", "v2.0.0")


def build() -> None:
    """Writes the assembly to where the CDK's command line wants it."""
    # The emulator denies CDK's own roles their bucket, and serves no TLS.
    app = cdk.App(default_stack_synthesizer=cdk.CliCredentialsStackSynthesizer())
    environment, spark, search, aws = (
        app.node.get_context(name) for name in ("environment", "spark_endpoint", "search_endpoint", "endpoint_url")
    )
    shared = SharedStack(app, environment=environment, spark_endpoint=spark, tls_only=False)
    searching = SearchStack(app, environment=environment, endpoint=search)
    searching.add_stack_dependency(shared)
    for tag in TAGS:
        name = stack_name("transformer", tag)
        stack = cdk.Stack(app, name)
        workflow = Workflow(stack, "Workflow", tag=tag, environment=environment)
        published = {"results": workflow.results}
        Publish(stack, "Published", environment=environment, stack=name, attributes=published)
        stack.add_stack_dependency(searching)
    router = cdk.Stack(app, f"canary-router-{environment}")
    options = RouterOptions(
        removal_policy=cdk.RemovalPolicy.DESTROY, endpoint=lambda api_id: f"{aws}/restapis/{api_id}/{STAGE_PATH}"
    )
    concede(CanaryRouter(router, "Router", environment=environment, services=["transformer"], options=options))
    frontend = FrontendStack(app, environment=environment)
    for needed in (shared, router):
        frontend.add_stack_dependency(needed)
    app.synth()


if __name__ == "__main__":
    build()

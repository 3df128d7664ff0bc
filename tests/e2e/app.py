"""A CDK app for these tests: a router, and versions of a service whose jobs end as their input says.

A job's input is ``{"seconds": 0, "fail": false}``. v1.0.0 releases itself, as every version does; v1.1.0 and v1.2.0 lie
ready, and a test releases them by writing ``latest``; v2.0.0 is deployed by a test.
"""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn

from canary_router.cdk import (
    BundledFunction,
    CanaryRouter,
    FunctionOptions,
    ImmutableStack,
    NotificationOptions,
    Prune,
    Release,
    RouterOptions,
)
from canary_router.local.concessions import concede

ENVIRONMENT = "e2e"
SERVICE = "batch"
DEFINITION = """{
  "StartAt": "Work",
  "States": {
    "Work": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "Judge"},
    "Judge": {
      "Type": "Choice",
      "Choices": [{"Variable": "$.fail", "BooleanEquals": true, "Next": "Broken"}],
      "Default": "Done"
    },
    "Broken": {"Type": "Fail", "Error": "Broken", "Cause": "The job was told to fail."},
    "Done": {"Type": "Succeed"}
  }
}"""


class BatchStack(ImmutableStack):
    """One version."""

    def __init__(self, app: cdk.App, tag: str, *, releases: bool) -> None:
        super().__init__(app, service=SERVICE, tag=tag, environment=ENVIRONMENT)
        machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=self.state_machine_name,
            definition_body=sfn.DefinitionBody.from_string(DEFINITION),
            role=iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com")),
        )
        pipeline = BundledFunction(
            self,
            "Pipeline",
            FunctionOptions(
                function_name=self.pipeline_function_name,
                handler="batch_pipeline.handler",
                sources=[Path(__file__).parent],
                variables={"STATE_MACHINE_ARN": machine.state_machine_arn},
            ),
        )
        pipeline.allow("states:StartExecution", on=[machine.state_machine_arn])
        if releases:
            Release(self, "Release", pipeline=pipeline.function, state_machine=machine)


def build() -> None:
    # The emulator denies CDK's own roles their bucket.
    app = cdk.App(default_stack_synthesizer=cdk.CliCredentialsStackSynthesizer())
    endpoint = app.node.get_context("emulator")
    router = cdk.Stack(app, f"canary-router-{ENVIRONMENT}")
    options = RouterOptions(
        pointer_ttl=1,
        grace=5,
        requests_per_second=1000,
        burst=1000,
        removal_policy=cdk.RemovalPolicy.DESTROY,
        prune=Prune(keep=0),
        endpoint=lambda api_id: f"{endpoint}/restapis/{api_id}/v1/_user_request_",
        notifications=NotificationOptions(topic=sns.Topic(router, "Releases", topic_name=f"{ENVIRONMENT}-releases")),
    )
    services = [SERVICE, "never-released", "orders"]
    concede(CanaryRouter(router, "Router", environment=ENVIRONMENT, services=services, options=options))
    for tag, releases in {"v1.0.0": True, "v1.1.0": False, "v1.2.0": False, "v2.0.0": True}.items():
        # Its release calls a function of the router's, which is deployed by the same command.
        BatchStack(app, tag, releases=releases).add_stack_dependency(router)
    app.synth()


if __name__ == "__main__":
    build()

"""The CDK app of the service that the story delivers: its repository is made of this folder.

It knows nothing of commits: the build that deploys puts the commit on record.
A job's input is ``{"seconds": 0, "fail": false}``, and it ends as that says.
"""

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn

from canary_router.cdk import BundledFunction, FunctionOptions, ImmutableStack, Release

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

    def __init__(self, app: cdk.App, tag: str, environment: str, env: cdk.Environment) -> None:
        super().__init__(app, service=SERVICE, tag=tag, environment=environment, env=env)
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
                sources=[Path(__file__).parent / "function"],
                variables={"STATE_MACHINE_ARN": machine.state_machine_arn},
            ),
        )
        pipeline.allow("states:StartExecution", on=[machine.state_machine_arn])
        Release(self, "Release", pipeline=pipeline.function, state_machine=machine)


if __name__ == "__main__":
    app = cdk.App()
    tag, environment = (app.node.get_context(name) for name in ("tag", "environment"))
    BatchStack(app, tag, environment, cdk.Environment())
    app.synth()

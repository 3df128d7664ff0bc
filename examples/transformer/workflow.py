"""The functions and the state machine of one version."""

import tempfile
from pathlib import Path

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from canary_router.cdk import BundledFunction, Discover, FunctionOptions
from transformer.roles import acknowledge_wildcards, bucket_arn, run_queries
from transformer.versions import source_for


class Workflow(Construct):
    """What runs a job: the state machine, the steps that it invokes, and the pipeline function that starts it.

    The state machine is named like the stack, and the pipeline like the stack with ``-pipeline`` after it. The router
    counts on both names when it has to look a job up.

    Args:
        scope: The version's stack.
        construct_id: Id in the stack.
        tag: The version, whose code is taken from ``versions.py``.
        environment: Name of the environment, whose shared data is read and written.

    Attributes:
        pipeline: The function that the router invokes.
        state_machine: What it starts.
        results: Where the results are, so that no version can overwrite another's.
    """

    def __init__(self, scope: Construct, construct_id: str, *, tag: str, environment: str) -> None:
        super().__init__(scope, construct_id)
        self._stack = Stack.of(self)
        self._shared = Discover(self, "Shared", environment=environment, stack="shared")
        self._result_prefix = f"results/{self._stack.stack_name}/"
        self.results = f"s3://{self._shared['bucket']}/{self._result_prefix}"
        with tempfile.TemporaryDirectory() as folder:
            self._source = Path(folder)
            self._definition = source_for(tag, self._source) / "state_machine.asl.json"
            prepare = self._function("Prepare", {"TABLE": self._shared["table"]})
            publish = self._publish(tag)
            self.state_machine = self._state_machine(prepare, publish)
            self.pipeline = self._pipeline()
        acknowledge_wildcards(self, self._shared, self._result_prefix)

    def _publish(self, tag: str) -> BundledFunction:
        where = {"BUCKET": self._shared["bucket"], "PREFIX": self._result_prefix}
        publish = self._function("Publish", where | {"VERSION": tag})
        publish.allow("s3:PutObject", on=[f"{bucket_arn(self._stack, self._shared)}/{self._result_prefix}*"])
        return publish

    def _pipeline(self) -> BundledFunction:
        pipeline = self._function("Pipeline", {"STATE_MACHINE_ARN": self.state_machine.state_machine_arn})
        pipeline.allow("states:StartExecution", on=[self.state_machine.state_machine_arn])
        return pipeline

    def _function(self, construct_id: str, variables: dict[str, str]) -> BundledFunction:
        module = construct_id.lower()
        options = FunctionOptions(
            function_name=f"{self._stack.stack_name}-{module}",
            handler=f"transformer.job.{module}.handler",
            sources=[self._source],
            variables=variables,
        )
        return BundledFunction(self, construct_id, options)

    def _state_machine(self, prepare: BundledFunction, publish: BundledFunction) -> sfn.StateMachine:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        for statement in run_queries(self._stack, self._shared):
            role.add_to_policy(statement)
        functions = {
            "PrepareFunction": prepare.function.function_arn,
            "PublishFunction": publish.function.function_arn,
        }
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=list(functions.values())))
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/states/{self._stack.stack_name}",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        return sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=self._stack.stack_name,
            definition_body=sfn.DefinitionBody.from_string(self._definition.read_text(encoding="utf-8")),
            definition_substitutions={
                **functions,
                "Database": self._shared["database"],
                "WorkGroup": self._shared["work_group"],
            },
            role=role,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL),
            tracing_enabled=True,
        )

"""What runs the jobs of one version: the state machine, its steps, and the pipeline function that starts it."""

import tempfile
from pathlib import Path

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from canary_router.cdk import BundledFunction, FunctionOptions, acknowledge_wildcards
from transformer.functions import JobFunctions
from transformer.places import Places
from transformer.roles import run_queries, wildcards
from transformer.spark_job import SparkJob
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
        results: Where the results are.
        index: Name of the index that has the days.
    """

    def __init__(self, scope: Construct, construct_id: str, *, tag: str, environment: str) -> None:
        super().__init__(scope, construct_id)
        self._places = Places(self, environment)
        self.results = f"s3://{self._places.shared['bucket']}/{self._places.result_prefix}"
        self.index = self._places.index
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder)
            job = source_for(tag, source)
            spark_job = SparkJob(self, "SparkJob", script=job / "days.py", places=self._places)
            steps = JobFunctions(self, tag=tag, source=source, places=self._places, spark_job=spark_job)
            definition = (job / "state_machine.asl.json").read_text(encoding="utf-8")
            self.state_machine = self._state_machine(definition, steps.arns)
            self.pipeline = self._pipeline(source)
        acknowledge_wildcards(self, wildcards(self._places))

    def _pipeline(self, source: Path) -> BundledFunction:
        options = FunctionOptions(
            function_name=f"{self._places.stack.stack_name}-pipeline",
            handler="transformer.job.pipeline.handler",
            sources=[source],
            variables={"STATE_MACHINE_ARN": self.state_machine.state_machine_arn},
        )
        pipeline = BundledFunction(self, "Pipeline", options)
        pipeline.allow("states:StartExecution", on=[self.state_machine.state_machine_arn])
        return pipeline

    def _state_machine(self, definition: str, steps: dict[str, str]) -> sfn.StateMachine:
        stack, shared = self._places.stack, self._places.shared
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        for statement in run_queries(self._places):
            role.add_to_policy(statement)
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=list(steps.values())))
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/vendedlogs/states/{stack.stack_name}",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        return sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=stack.stack_name,
            definition_body=sfn.DefinitionBody.from_string(definition),
            definition_substitutions={
                **steps,
                "Database": shared["database"],
                "WorkGroup": shared["work_group"],
            },
            role=role,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL),
            tracing_enabled=True,
        )

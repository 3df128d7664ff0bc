"""A Lambda function that may do nothing but write its own log, until it is granted more."""

from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct


class Function(Construct):
    """One function with a role and a log group of its own.

    CDK's default role comes with a managed policy that allows writing every log of the account.

    Args:
        scope: Parent construct.
        construct_id: Id in the parent.
        bundle: Folder with the code.
        handler: Dotted path of the handler in it; its module's name ends the name of the function.
        environment: Environment variables.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bundle: Path, handler: str, environment: dict[str, str]
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"{Stack.of(self).stack_name}-{handler.split('.')[-2]}"
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=handler,
            code=lambda_.Code.from_asset(str(bundle)),
            environment=environment,
            role=role,
            log_group=log_group,
            timeout=Duration.seconds(30),
            memory_size=256,
        )

    def allow(self, actions: list[str], resources: list[str]) -> None:
        """Lets the function call these actions on these resources."""
        self.function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=resources))

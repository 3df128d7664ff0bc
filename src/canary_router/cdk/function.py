"""A Lambda function that may do nothing but write its own log, until it is granted more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from canary_router.cdk.bundle import bundled_code, matching_runtime
from canary_router.cdk.wildcards import acknowledge_wildcards


@dataclass(frozen=True, kw_only=True)
class FunctionOptions:
    """What a function runs, and how.

    Attributes:
        function_name: Its name.
        handler: Dotted path of the handler: module and function. The module is the bundle's entry.
        sources: Folders whose modules belong to the bundle if they are imported, besides ``canary_router``.
        packages: Names of installed packages that belong to the bundle, with all that they require; pure Python only.
        variables: Environment variables.
        timeout: Seconds after which Lambda ends it.
        memory: Megabytes; the share of a processor grows with them.
        snap_start: Start from a snapshot of the initialised function. That takes a published version.
        architecture: Processor; pure Python runs on both, and ARM costs less.
        log_retention: How long its log is kept.
        description: One line for people who find it in the console.
    """

    function_name: str
    handler: str
    sources: Sequence[Path] = ()
    packages: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 30
    memory: int = 256
    snap_start: bool = False
    architecture: lambda_.Architecture = lambda_.Architecture.ARM_64
    log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS
    description: str = ""


class BundledFunction(Construct):
    """One function with a bundle, a role and a log group of its own.

    The CDK's default role comes with a managed policy that allows writing every log of the account; this one has
    none.

    Args:
        scope: Parent construct.
        construct_id: Id in the parent.
        options: What the function runs, and how.

    Attributes:
        function: The function.
        invoked: What its callers invoke: the function, or its published version.

    Raises:
        ConfigurationError: The bundle cannot be made, or Lambda has no runtime like this Python.
    """

    def __init__(self, scope: Construct, construct_id: str, options: FunctionOptions) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{options.function_name}",
            retention=options.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(self._role)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=options.function_name,
            description=options.description or None,
            runtime=matching_runtime(),
            architecture=options.architecture,
            handler=options.handler,
            code=bundled_code(options.handler.rpartition(".")[0], options.sources, options.packages),
            environment=dict(options.variables),
            role=self._role,
            log_group=log_group,
            timeout=Duration.seconds(options.timeout),
            memory_size=options.memory,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if options.snap_start else None,
        )
        self.invoked: lambda_.IFunction = self.function.current_version if options.snap_start else self.function
        Validations.of(self.function).acknowledge(
            Acknowledgment(
                id="AwsSolutions-L1",
                reason="The runtime is that of the Python which synthesises: the bundle's bytecode fits no other.",
            )
        )

    def allow(
        self,
        *actions: str,
        on: Sequence[str],
        because: str = "",
        only_if: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Lets the function call these actions on these resources.

        Args:
            *actions: IAM actions.
            on: ARNs of the resources.
            because: Why an ARN with a wildcard in it cannot be narrower; for the reviewer, and for cdk-nag.
            only_if: Conditions, by IAM's operator.
        """
        self.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=list(actions), resources=list(on), conditions=dict(only_if) if only_if else None
            )
        )
        if because:
            acknowledge_wildcards(self._role, dict.fromkeys(on, because))

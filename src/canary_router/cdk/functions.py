"""The router's functions, each with a role that may do what its flow does and nothing else."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from canary_router import settings
from canary_router.cdk.function import BundledFunction, FunctionOptions
from canary_router.cdk.options import Prune, RouterOptions
from canary_router.cdk.resources import Arns

REQUEST_TIMEOUT = 28
"""Seconds; API Gateway gives up after 29."""
RELEASE_TIMEOUT = 60
PRUNE_TIMEOUT = 900

_VERSIONS = "A version's tag is not known when the router is deployed; the pattern is the contract's name of a version."


class RouterFunctions(Construct):
    """The functions ``request``, ``outcome`` (the controller), ``release`` and, if it is asked for, ``prune``.

    Args:
        scope: Parent construct.
        environment: Name of the environment.
        services: The services that the router serves.
        table: The record.
        options: The router's options.

    Attributes:
        request: Answers the API.
        outcome: The controller.
        release: Serves the custom resource of immutable stacks.
        prune: Retires old versions, on its schedule; None without the option.
    """

    def __init__(
        self,
        scope: Construct,
        environment: str,
        services: Sequence[str],
        table: dynamodb.ITable,
        options: RouterOptions,
    ) -> None:
        super().__init__(scope, "Functions")
        self._environment = environment
        self._options = options
        self._variables = {
            settings.ENV_ENVIRONMENT: environment,
            settings.ENV_SERVICES: ",".join(services),
            settings.ENV_POINTER_TTL: f"{options.pointer_ttl:g}",
            settings.ENV_GRACE: f"{options.grace:g}",
        }
        arns = Arns(self, environment, services, options.extra_targets)
        self.request = self._request(arns, table)
        self.outcome = self._outcome(arns, table)
        self.release = self._release(arns)
        self.prune = None if options.prune is None else self._prune(arns, table, options.prune)

    def _request(self, arns: Arns, table: dynamodb.ITable) -> BundledFunction:
        function = self._function("request", settings.REQUEST_HANDLER, REQUEST_TIMEOUT, "routes jobs to versions")
        function.allow("ssm:GetParameters", on=arns.parameters("current", "latest", "policy"))
        # TransactWriteItems is authorised as the writes that it is made of.
        function.allow("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=[table.table_arn])
        function.allow("lambda:InvokeFunction", on=arns.pipelines(), because=_VERSIONS)
        function.allow("states:DescribeExecution", on=arns.executions(), because=_VERSIONS)
        return function

    def _outcome(self, arns: Arns, table: dynamodb.ITable) -> BundledFunction:
        function = self._function(
            "outcome", settings.OUTCOME_HANDLER, settings.OUTCOME_TIMEOUT, "judges releases by their outcomes"
        )
        function.allow("ssm:GetParameters", on=arns.parameters("current", "latest", "policy"))
        function.allow("ssm:GetParameterHistory", "ssm:PutParameter", on=arns.parameters("current", "latest"))
        function.allow("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", on=[table.table_arn])
        indexes = (settings.PENDING_INDEX, settings.RELEASE_INDEX)
        function.allow("dynamodb:Query", on=[f"{table.table_arn}/index/{index}" for index in indexes])
        # A rescue runs a failed job's input once more.
        function.allow("lambda:InvokeFunction", on=arns.pipelines(), because=_VERSIONS)
        function.allow("states:DescribeExecution", on=arns.executions(), because=_VERSIONS)
        function.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["events:PutEvents"],
                resources=[arns.default_bus()],
                # AWS sets the key at every PutEvents. "IfExists" is for emulators, which do not.
                conditions={"StringEqualsIfExists": {"events:source": settings.EVENT_SOURCE}},
            )
        )
        return function

    def _release(self, arns: Arns) -> BundledFunction:
        function = self._function(
            "release", settings.RELEASE_HANDLER, RELEASE_TIMEOUT, "writes latest at the end of a stack's deployment"
        )
        function.allow("ssm:GetParameters", on=arns.parameters("current", "latest", "policy"))
        function.allow("ssm:GetParameterHistory", "ssm:PutParameter", on=arns.parameters("latest"))
        function.allow("lambda:InvokeFunction", on=[arns.controller()])
        return function

    def _prune(self, arns: Arns, table: dynamodb.ITable, wanted: Prune) -> BundledFunction:
        variables = {settings.ENV_KEEP: f"{wanted.keep}", settings.ENV_DRAIN: f"{wanted.drain}"}
        if wanted.deletion_role is not None:
            variables[settings.ENV_DELETION_ROLE] = wanted.deletion_role
        function = self._function("prune", settings.PRUNE_HANDLER, PRUNE_TIMEOUT, "retires old versions", variables)
        # Few statements, since each names all services: a role of ten would exceed IAM's 10,240 characters otherwise.
        reading = ("ssm:GetParameters", "ssm:GetParameterHistory")
        function.allow(*reading, on=arns.parameters("current", "latest", "policy"))
        table_rights = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Query")
        function.allow(*table_rights, on=[table.table_arn])
        function.allow("states:ListExecutions", on=arns.state_machines(), because=_VERSIONS)
        # DescribeStacks without a name is held against both.
        listing = ("cloudformation:DescribeStacks", "cloudformation:ListStacks")
        function.allow(*listing, on=[arns.all_stacks()], because="CloudFormation lists all stacks or none.")
        deleting = ("cloudformation:DeleteStack", "cloudformation:DescribeStackEvents")
        ours = {"StringEquals": {f"aws:ResourceTag/{settings.TAG_ENVIRONMENT}": self._environment}}
        function.allow(*deleting, on=arns.stacks(), because=_VERSIONS, only_if=ours)
        if wanted.deletion_role is not None:
            passed = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
            function.allow("iam:PassRole", on=[wanted.deletion_role], only_if=passed)
        events.Rule(
            self,
            "PruneSchedule",
            rule_name=f"canary-router-{self._environment}-prune",
            description="Retire old versions",
            schedule=wanted.schedule or events.Schedule.rate(Duration.days(1)),
            targets=[targets.LambdaFunction(function.function, retry_attempts=0)],  # the next day is the retry
        )
        return function

    def _function(
        self, role: str, handler: str, timeout: int, purpose: str, more: Mapping[str, str] | None = None
    ) -> BundledFunction:
        options = FunctionOptions(
            function_name=settings.function_name(self._environment, role),
            handler=handler,
            variables={**self._variables, **(more or {})},
            timeout=timeout,
            memory=self._options.request_memory if role == "request" else 256,
            snap_start=self._options.snap_start and role == "request",
            architecture=self._options.architecture,
            log_retention=self._options.log_retention,
            description=f"Canary Router in {self._environment}: {purpose}",
        )
        return BundledFunction(self, role.capitalize(), options)

"""The router's three functions, each with a role that may do what its flow does and nothing else."""

from collections.abc import Sequence

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from canary_router import settings
from canary_router.cdk.function import BundledFunction, FunctionOptions
from canary_router.cdk.options import RouterOptions
from canary_router.cdk.resources import Arns

REQUEST_TIMEOUT = 28
"""Seconds; API Gateway gives up after 29."""
RELEASE_TIMEOUT = 60

_VERSIONS = "A version's tag is not known when the router is deployed; the pattern is the contract's name of a version."


class RouterFunctions(Construct):
    """The functions ``request``, ``outcome`` (the controller) and ``release``.

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

    def _function(self, role: str, handler: str, timeout: int, purpose: str) -> BundledFunction:
        options = FunctionOptions(
            function_name=settings.function_name(self._environment, role),
            handler=handler,
            variables=self._variables,
            timeout=timeout,
            memory=self._options.request_memory if role == "request" else 256,
            snap_start=self._options.snap_start and role == "request",
            architecture=self._options.architecture,
            log_retention=self._options.log_retention,
            description=f"Canary Router in {self._environment}: {purpose}",
        )
        return BundledFunction(self, role.capitalize(), options)

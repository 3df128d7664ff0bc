"""What the caller may do, found out by calls that change nothing.

Reads are made. A write is made with a condition that cannot hold, an invocation as a dry run: AWS looks at the caller's
rights first, so any other answer than "denied" means that the right is there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from canary_router import settings
from canary_router.adapters.aws.trouble import code_of, read, status_of
from canary_router.core.pointers import execution_arn_of, version_of
from canary_router.ports.operation import MissingRight

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

_DENIED = ("AccessDenied", "AccessDeniedException")
_NO_ANSWER = (
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "ThrottlingException",
    "UnrecognizedClientException",
)
"""Says nothing about rights."""
_SERVER_ERROR = 500
_NOBODY = "canary-router-doctor"
_LOOKING = "status, watch, history, explain"
_ORDERS = "promote, abort, pause, resume, rollback"


@dataclass(frozen=True)
class RightsClients:
    """Clients without retries of their own."""

    ssm: "SSMClient"
    dynamodb: "DynamoDBClient"
    functions: "LambdaClient"
    executions: "SFNClient"


_Probe: TypeAlias = tuple[str, str, str, Callable[[], object]]
"""Action, resource, the verbs that need it, and a call that tells."""


class ProbedRights:
    """Tries what an operator needs."""

    def __init__(self, clients: RightsClients, environment: str) -> None:
        """Args: the clients, and the router's environment."""
        self._clients = clients
        self._environment = environment

    def missing(self, service: str) -> tuple[MissingRight, ...]:
        """The rights that were denied."""
        probes = [*self._parameters(service), *self._table(service), *self._functions(), *self._executions(service)]
        return tuple(
            MissingRight(action, resource, verbs)
            for action, resource, verbs, call in probes
            if _is_denied(f"trying {action} on {resource}", call)
        )

    def _parameters(self, service: str) -> Iterator[_Probe]:
        ssm, latest = self._clients.ssm, settings.parameter_name(self._environment, service, "latest")
        path = f"/canary-router/{self._environment}/"
        yield "ssm:GetParameters", latest, _LOOKING, lambda: ssm.get_parameters(Names=[latest])
        history = "rollback, release, explain"
        yield "ssm:GetParameterHistory", latest, history, lambda: ssm.get_parameter_history(Name=latest, MaxResults=1)
        yield "ssm:GetParametersByPath", path, "status", lambda: ssm.get_parameters_by_path(Path=path, MaxResults=1)
        # Only over a parameter that is there, so that it is refused as "exists already".
        if _value_of(ssm, latest) is not None:
            yield (
                "ssm:PutParameter", latest, "release",
                lambda: ssm.put_parameter(Name=latest, Value=settings.BLANK, Type="String", Overwrite=False),
            )  # fmt: skip

    def _table(self, service: str) -> Iterator[_Probe]:
        dynamodb, table = self._clients.dynamodb, settings.table_name(self._environment)
        key: dict[str, Any] = {
            settings.PARTITION_KEY: {"S": f"SERVICE#{service}"}, settings.SORT_KEY: {"S": _NOBODY}
        }  # fmt: skip
        never = f"attribute_exists({settings.PARTITION_KEY})"
        mine = {":mine": {"S": _NOBODY}}
        yield "dynamodb:GetItem", table, _LOOKING, lambda: dynamodb.get_item(TableName=table, Key=key)
        yield (
            "dynamodb:Query", table, _LOOKING,
            lambda: dynamodb.query(
                TableName=table, KeyConditionExpression=f"{settings.PARTITION_KEY} = :mine",
                ExpressionAttributeValues=mine, Limit=1,
            ),
        )  # fmt: skip
        yield (
            "dynamodb:Query", f"{table}/index/{settings.RELEASE_INDEX}", "watch, transforms, explain",
            lambda: dynamodb.query(
                TableName=table, IndexName=settings.RELEASE_INDEX, Limit=1,
                KeyConditionExpression=f"{settings.RELEASE_INDEX_KEY} = :mine", ExpressionAttributeValues=mine,
            ),
        )  # fmt: skip
        yield (
            "dynamodb:PutItem", table, _ORDERS,
            lambda: dynamodb.put_item(TableName=table, Item=key, ConditionExpression=never),
        )  # fmt: skip
        yield (
            "dynamodb:UpdateItem", table, _ORDERS,
            lambda: dynamodb.update_item(
                TableName=table, Key=key, ConditionExpression=never,
                UpdateExpression="SET probed = :mine", ExpressionAttributeValues=mine,
            ),
        )  # fmt: skip

    def _functions(self) -> Iterator[_Probe]:
        functions = self._clients.functions
        router, controller = (settings.function_name(self._environment, role) for role in ("request", "outcome"))
        yield (
            "lambda:GetFunctionConfiguration", router, "release, rollback, doctor",
            lambda: functions.get_function_configuration(FunctionName=router),
        )  # fmt: skip
        yield (
            "lambda:InvokeFunction", controller, f"release, {_ORDERS}: without it they take up to a minute",
            lambda: functions.invoke(FunctionName=controller, InvocationType="DryRun"),
        )  # fmt: skip

    def _executions(self, service: str) -> Iterator[_Probe]:
        name = settings.parameter_name(self._environment, service, "current")
        version = version_of(service, _value_of(self._clients.ssm, name) or "")
        place = None if version is None else execution_arn_of(service, version, _NOBODY)
        if place is not None:
            executions = self._clients.executions
            yield (
                "states:DescribeExecution", place.rpartition(":")[0] + ":*", "explain",
                lambda: executions.describe_execution(executionArn=place),
            )  # fmt: skip


def _value_of(ssm: "SSMClient", name: str) -> str | None:
    """A parameter's value; None when there is none, or it may not be read, which another probe tells of."""
    found: list[str] = []

    def call() -> None:
        found.extend(it["Value"] for it in ssm.get_parameters(Names=[name])["Parameters"])

    _is_denied(f"reading {name}", call)
    return found[0] if found else None


def _is_denied(what: str, call: Callable[[], object]) -> bool:
    """Whether AWS answered that the caller may not; any other answer of its own means that the caller may.

    Raises:
        Unavailable: There was no answer.
    """

    def tried() -> bool:
        try:
            call()
        except Exception as error:
            if not code_of(error) or code_of(error) in _NO_ANSWER or status_of(error) >= _SERVER_ERROR:
                raise
            return code_of(error) in _DENIED
        return False

    return read(what, tried)

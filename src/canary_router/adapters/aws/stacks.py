"""Stacks of CloudFormation, and what their state machines do."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from canary_router.adapters.aws.trouble import code_of, read, write
from canary_router.core.stacks import Activity, DeployedStack
from canary_router.errors import NotVisible, Unavailable

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_stepfunctions import SFNClient

T = TypeVar("T")

_DENIED = ("AccessDenied", "AccessDeniedException")
_NO_MACHINE = ("StateMachineDoesNotExist", "StateMachineDeleting")
_NOT_TOLD = (*_DENIED, "StateMachineTypeNotSupported")
"""An express state machine lists no executions."""
_NEWEST = 100
_PAGES_AT_MOST = 200


class CloudFormationStacks:
    """Lists, looks up and deletes stacks."""

    def __init__(self, client: "CloudFormationClient", role_arn: str = "") -> None:
        """Args: a client of CloudFormation, and the role with which it deletes; empty for the caller's own rights."""
        self._client = client
        self._role_arn = role_arn

    def named_after(self, service: str) -> tuple[DeployedStack, ...]:
        """DescribeStacks, page by page: it alone tells the tags of all of them."""

        def call() -> tuple[DeployedStack, ...]:
            found: list[DeployedStack] = []
            request: dict[str, Any] = {}
            for _ in range(_PAGES_AT_MOST):
                page = self._client.describe_stacks(**request)
                found += [_stack(it) for it in page["Stacks"] if it["StackName"].startswith(f"{service}-")]
                if not page.get("NextToken"):
                    return tuple(found)
                request["NextToken"] = page["NextToken"]
            raise Unavailable(f"There are more stacks than {_PAGES_AT_MOST} pages of DescribeStacks hold")

        return read("listing the stacks", lambda: _visible("listing the stacks", call))

    def find(self, name: str) -> DeployedStack | None:
        """DescribeStacks; one that is deleted is still described by its id."""
        what = f"looking up the stack {name}"

        def call() -> DeployedStack | None:
            try:
                stack = self._client.describe_stacks(StackName=name)["Stacks"][0]
            except Exception as error:
                if code_of(error) == "ValidationError" and "does not exist" in str(error):
                    return None
                raise
            return None if stack["StackStatus"] == "DELETE_COMPLETE" else _stack(stack)

        return read(what, lambda: _visible(what, call))

    def delete(self, stack: DeployedStack, token: str) -> None:
        """DeleteStack, by the stack's id; whoever deletes what is gone already is told nothing."""
        request: dict[str, Any] = {"StackName": stack.stack_id, "ClientRequestToken": token}
        if self._role_arn:
            request["RoleARN"] = self._role_arn
        write(f"deleting the stack {stack.name}", lambda _: self._client.delete_stack(**request))

    def what_failed(self, stack: DeployedStack) -> str:
        """The events of resources that could not be deleted, the newest of each, as far as one page of events goes."""
        what = f"reading the events of the stack {stack.name}"

        def call() -> str:
            events = self._client.describe_stack_events(StackName=stack.stack_id)["StackEvents"]
            found: dict[str, str] = {}
            for event in events:  # newest first
                if event.get("ResourceStatus") == "DELETE_FAILED" and event.get("PhysicalResourceId") != stack.stack_id:
                    found.setdefault(event["LogicalResourceId"], event.get("ResourceStatusReason", "no reason given"))
            return "; ".join(f"{name}: {reason}" for name, reason in found.items())

        return read(what, lambda: _visible(what, call))


class StepFunctionsActivities:
    """Lists executions of the state machine that the contract names for a stack: it has the stack's name."""

    def __init__(self, client: "SFNClient") -> None:
        """Args: a client of Step Functions."""
        self._client = client

    def of(self, stack: DeployedStack) -> Activity | None:
        """Whether one runs, however long ago it was started; and the last end among the hundred newest."""
        _, partition, _, region, account, _ = stack.stack_id.split(":", 5)
        machine = f"arn:{partition}:states:{region}:{account}:stateMachine:{stack.name}"

        def call() -> Activity | None:
            try:
                running = self._client.list_executions(stateMachineArn=machine, statusFilter="RUNNING", maxResults=1)
                newest = self._client.list_executions(stateMachineArn=machine, maxResults=_NEWEST)
            except Exception as error:
                if code_of(error) in _NO_MACHINE:
                    return Activity(is_running=False)
                if code_of(error) in _NOT_TOLD:
                    return None
                raise
            ends = [_milliseconds(it["stopDate"]) for it in newest["executions"] if it.get("stopDate")]
            return Activity(bool(running["executions"]), max(ends, default=None))

        return read(f"listing the executions of {machine}", call)


def _visible(what: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except Exception as error:
        if code_of(error) in _DENIED:
            raise NotVisible(f"{what}: {error}") from error
        raise


def _stack(described: Any) -> DeployedStack:
    created = _milliseconds(described["CreationTime"])
    updated = described.get("LastUpdatedTime")
    return DeployedStack(
        name=described["StackName"],
        stack_id=described["StackId"],
        status=described["StackStatus"],
        created=created,
        changed=created if updated is None else max(created, _milliseconds(updated)),
        tags={it["Key"]: it["Value"] for it in described.get("Tags", ())},
        is_protected=bool(described.get("EnableTerminationProtection", False)),
    )


def _milliseconds(moment: "datetime") -> int:
    return round(moment.timestamp() * 1000)

"""Every call that the ports make to AWS, by name, to be sent into trouble."""

from collections.abc import Callable

from tests.contracts.backends import Backend

from canary_router.adapters.aws.dynamodb import DynamoLedger
from canary_router.adapters.aws.events import EventBridgeNotifier
from canary_router.adapters.aws.functions import LambdaInvoker
from canary_router.adapters.aws.parameters import SsmPointers
from canary_router.adapters.aws.stepfunctions import StepFunctionsExecutions
from canary_router.core.announcement import Announcement
from canary_router.core.conditions import Clause, Key, Op, Write
from canary_router.ports import Invocation
from canary_router.settings import PENDING_INDEX

Call = Callable[[Backend], object]

KEY = Key("SERVICE#job", "STATE")
GUARD = Clause("the guard", "state", Op.EQUALS, "OPEN")
ASSIGN = Write(KEY, (GUARD,), assign={"state": "CLOSED"})
PUT = Write(KEY, (GUARD,), put={"state": "CLOSED"})
ADD = Write(KEY, (GUARD,), add={"count": 1})
OTHER = Write(Key("TRANSFORM#t-1", "TRANSFORM"), (), put={"a": 1})
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:job-v1-0-0:t-1"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:job-v1-0-0-pipeline"


def pointers(backend: Backend) -> SsmPointers:
    return SsmPointers(backend.client("ssm"), "test")


def ledger(backend: Backend) -> DynamoLedger:
    return DynamoLedger(backend.client("dynamodb"), "table")


def invoke(backend: Backend) -> Invocation:
    return LambdaInvoker(backend.client("lambda")).invoke(FUNCTION, {"transform_id": "t-1"})


def describe(backend: Backend) -> object:
    return StepFunctionsExecutions(backend.client("stepfunctions")).describe(EXECUTION)


def tell(backend: Backend) -> None:
    EventBridgeNotifier(backend.client("events")).tell(Announcement("Release Opened", {}))


READS: dict[str, Call] = {
    "read pointers": lambda backend: pointers(backend).read("job"),
    "read a history": lambda backend: pointers(backend).history("job", "latest", 0),
    "list services": lambda backend: pointers(backend).services(),
    "get an item": lambda backend: ledger(backend).get(KEY),
    "list an index": lambda backend: ledger(backend).by_index(PENDING_INDEX, "job"),
    "list a partition": lambda backend: ledger(backend).by_prefix("SERVICE#job", "RELEASE#"),
    "describe an execution": describe,
    "tell": tell,
}
WRITES: dict[str, Call] = {
    "put a pointer": lambda backend: pointers(backend).put("job", "latest", "none", "note"),
    "put an item": lambda backend: ledger(backend).commit((PUT,)),
    "change an item": lambda backend: ledger(backend).commit((ASSIGN,)),
    "commit a transaction": lambda backend: ledger(backend).commit((ADD, OTHER)),
}

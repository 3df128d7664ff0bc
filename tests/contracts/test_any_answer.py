"""Whatever AWS answers, nothing escapes from a port but what it promises."""

import json
from contextlib import suppress
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.contracts.calls import READS, WRITES, invoke
from tests.contracts.stub import Reply, Stub

from canary_router.errors import Unavailable, Uncertain
from canary_router.ports import Accepted, Broke, Lost, Refused

# Names that the answers of the four services have, so that some of what is made up nearly makes sense.
NAMES = [
    "CancellationReasons",
    "Code",
    "ConsumedCapacity",
    "Entries",
    "FailedEntryCount",
    "Item",
    "Items",
    "LastEvaluatedKey",
    "LastModifiedDate",
    "N",
    "Name",
    "Parameters",
    "S",
    "Value",
    "Version",
    "__type",
    "errorMessage",
    "execution_arn",
    "executionArn",
    "message",
    "pk",
    "state",
    "status",
]
TYPES = [
    "ConditionalCheckFailedException",
    "TransactionCanceledException",
    "ParameterNotFound",
    "ExecutionDoesNotExist",
]
TEXTS = ["", "5", "1.5", "1e400", "9" * 50, "\u00b2", "RUNNING", "ConditionalCheckFailed", "/canary-router/test/job/x"]
EXAMPLES = settings(max_examples=25, deadline=None)

scalars: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(TEXTS + TYPES)
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(NAMES), documents, max_size=6)


@st.composite
def replies(draw: st.DrawFn) -> Reply:
    """An answer that nearly makes sense, or none at all. What the service says of itself (5xx) would be repeated."""
    body = draw(st.binary(max_size=20) | objects.map(encoded) | documents.map(encoded))
    kind = draw(st.sampled_from(["", *TYPES]))
    headers = (("x-amzn-ErrorType", kind),) if kind else ()
    return Reply(draw(st.sampled_from([200, 201, 301, 400, 404, 413])), body, headers)


def encoded(document: object) -> bytes:
    return json.dumps(document).encode()


@EXAMPLES
@example(Reply(200, b'{"ConsumedCapacity": {}, "Item": {"a": {"N": "1.5"}, "b": {"BOOL": true}}}'))
@example(Reply(200, b'{"Parameters": [{"Name": "/canary-router/test/job/latest", "LastModifiedDate": "yesterday"}]}'))
@example(Reply(200, b'{"Items": [{"a": {"N": "many"}}], "LastEvaluatedKey": 5}'))
@given(replies())
def test_a_reader_returns_or_says_unavailable(stub: Stub, reply: Reply) -> None:
    for call in READS.values():
        stub.will(reply)
        with suppress(Unavailable):
            call(stub.backend)


@EXAMPLES
@example(Reply(400, b'{"__type": "TransactionCanceledException", "CancellationReasons": [5, null]}'))
@example(Reply(400, b'{"__type": "TransactionCanceledException", "CancellationReasons": {"Code": "None"}}'))
@example(Reply(400, b'{"__type": "ConditionalCheckFailedException", "Item": {"a": {"N": "x"}}}'))
@given(replies())
def test_a_writer_returns_or_says_what_is_certain(stub: Stub, reply: Reply) -> None:
    for call in WRITES.values():
        stub.will(reply)
        with suppress(Unavailable, Uncertain):
            call(stub.backend)


@EXAMPLES
@given(replies(), st.sampled_from(["", "Unhandled"]))
def test_an_invoker_always_answers(stub: Stub, reply: Reply, failure: str) -> None:
    headers = (("X-Amz-Function-Error", failure),) if failure else ()
    stub.will(Reply(reply.status, reply.body, (*reply.headers, *headers)))
    assert isinstance(invoke(stub.backend), Accepted | Refused | Broke | Lost)


def test_what_the_project_does_not_store_is_left_out_and_hides_nothing(stub: Stub) -> None:
    foreign = {
        "fraction": {"N": "1.5"},
        "huge": {"N": "1E+50"},
        "flag": {"BOOL": True},
        "list": {"L": [{"S": "a"}]},
        "raw": {"B": "AAAA"},
        "nothing": {"NULL": True},
    }
    own = {"pk": {"S": "a"}, "count": {"N": "-12"}, "text": {"S": "t"}}
    stub.will(Reply(200, encoded({"ConsumedCapacity": {}, "Item": {**foreign, **own}})))
    assert READS["get an item"](stub.backend) == {"pk": "a", "count": -12, "text": "t"}

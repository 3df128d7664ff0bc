"""What the adapters send again, and that no later answer makes them forget what an earlier attempt may have done.

attempt 1   put ... the answer gets lost, the write has happened
attempt 2   put ... throttled: "nothing was written" would be a lie
"""

import json
from typing import Any

import boto3
import pytest
from tests.contracts.calls import ADD, ASSIGN, FUNCTION, GUARD, KEY, OTHER, READS, WRITES, Call, ledger
from tests.contracts.stub import BROKEN, LOST, THROTTLED, Answer, Reply, Stub, error, ok

from canary_router import wiring
from canary_router.adapters.aws.trouble import _jitter, pause
from canary_router.core.conditions import Refusal
from canary_router.errors import Unavailable, Uncertain
from canary_router.ports import Lost
from canary_router.settings import ANSWER_SECONDS, CALL_SECONDS, CONNECT_SECONDS

DENIED = error("AccessDeniedException")
STORED = {"pk": {"S": KEY.partition}, "sk": {"S": KEY.sort}, "state": {"S": "CLOSED"}}
CONDITION = error("ConditionalCheckFailedException", Item=STORED)
ITEM_CONFLICT = error("TransactionConflictException")
GOOD: dict[str, Reply] = {
    "read pointers": ok(Parameters=[]),
    "read a history": ok(Parameters=[]),
    "list services": ok(Parameters=[]),
    "get an item": ok(ConsumedCapacity={"TableName": "table"}),
    "list an index": ok(Items=[]),
    "list a partition": ok(Items=[]),
    "describe an execution": ok(executionArn="arn", status="RUNNING"),
    "tell": ok(FailedEntryCount=0, Entries=[]),
    "put a pointer": ok(Version=3),
    "put an item": ok(),
    "change an item": ok(),
    "commit a transaction": ok(),
}


def cancelled(*codes: str) -> Reply:
    """A transaction's refusal, with one reason for each of its writes."""
    return error("TransactionCanceledException", CancellationReasons=[reason(code) for code in codes])


def reason(code: str) -> dict[str, Any]:
    found: dict[str, Any] = {"Code": code, "Message": "as told"}
    return {**found, "Item": STORED} if code == "ConditionalCheckFailed" else found


CONFLICT = cancelled("TransactionConflict", "None")


@pytest.mark.parametrize("trouble", [BROKEN, LOST, THROTTLED, error("RequestLimitExceeded")])
@pytest.mark.parametrize(("name", "call"), [*READS.items(), *WRITES.items()], ids=[*READS, *WRITES])
def test_what_passes_in_a_moment_is_not_noticed(stub: Stub, name: str, call: Call, trouble: Answer) -> None:
    stub.will(trouble, GOOD[name])
    call(stub.backend)
    assert stub.count == 2


@pytest.mark.parametrize("call", READS.values(), ids=READS.keys())
def test_a_service_that_stays_broken_is_asked_three_times(stub: Stub, call: Call) -> None:
    stub.will(BROKEN)
    with pytest.raises(Unavailable):
        call(stub.backend)
    assert stub.count == 3


@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES.keys())
@pytest.mark.parametrize("earlier", [BROKEN, LOST], ids=["broken", "lost"])
def test_a_refusal_after_a_lost_answer_proves_nothing(stub: Stub, call: Call, earlier: Answer) -> None:
    stub.will(earlier, DENIED)
    with pytest.raises(Uncertain):
        call(stub.backend)


@pytest.mark.parametrize("name", ["put a pointer", "commit a transaction"])
def test_being_throttled_after_a_lost_answer_proves_nothing(stub: Stub, name: str) -> None:
    stub.will(LOST, THROTTLED)
    with pytest.raises(Uncertain):
        WRITES[name](stub.backend)


@pytest.mark.parametrize("name", ["put a pointer", "commit a transaction", "change an item"])
def test_whoever_is_throttled_to_the_end_has_written_nothing(stub: Stub, name: str) -> None:
    stub.will(THROTTLED)
    with pytest.raises(Unavailable):
        WRITES[name](stub.backend)
    assert stub.count == 8


@pytest.mark.parametrize(("contended", "attempts"), [(True, 8), (False, 3)])
def test_the_pauses_between_attempts_are_a_matter_of_chance_and_bounded(*, contended: bool, attempts: int) -> None:
    for count in range(1, attempts):
        longest = pause(count, 1.0, contended=contended)
        assert [pause(count, draw, contended=contended) for draw in (0.0, 0.5)] == [0.0, longest / 2]
        assert longest == 2 * pause(count - 1, 1.0, contended=contended)
    # Whoever waits longest in each of them has time left for one more answer within what a call may take.
    waited = sum(pause(count, 1.0, contended=contended) for count in range(1, attempts))
    assert waited + CONNECT_SECONDS + ANSWER_SECONDS < CALL_SECONDS


def test_callers_do_not_wait_in_step() -> None:
    assert len({_jitter() for _ in range(100)}) > 90
    assert all(0 <= _jitter() < 1 for _ in range(100))


def test_a_transaction_keeps_its_token_so_that_dynamodb_takes_it_once(stub: Stub) -> None:
    stub.will(LOST, BROKEN, ok())
    assert ledger(stub.backend).commit((ADD, OTHER)) is None
    tokens = [body["ClientRequestToken"] for body in stub.bodies]
    assert len(tokens) == 3
    assert len(set(tokens)) == 1


def test_two_transactions_have_two_tokens(stub: Stub) -> None:
    stub.will(ok())
    for _ in range(2):
        ledger(stub.backend).commit((ADD, OTHER))
    assert len({body["ClientRequestToken"] for body in stub.bodies}) == 2


@pytest.mark.parametrize("trouble", [BROKEN, LOST], ids=["broken", "lost"])
def test_an_addition_is_not_sent_again_when_it_may_have_happened(stub: Stub, trouble: Answer) -> None:
    stub.will(trouble, ok())
    with pytest.raises(Uncertain):
        ledger(stub.backend).commit((ADD,))
    assert stub.count == 1


def test_an_addition_that_was_throttled_is_sent_again(stub: Stub) -> None:
    stub.will(THROTTLED, ok())
    assert ledger(stub.backend).commit((ADD,)) is None


def test_a_condition_that_fails_after_a_lost_answer_may_fail_because_of_that_very_write(stub: Stub) -> None:
    stub.will(LOST, CONDITION)
    with pytest.raises(Uncertain, match="perhaps by what was written before"):
        ledger(stub.backend).commit((ASSIGN,))


def test_a_condition_that_fails_after_being_throttled_is_a_refusal(stub: Stub) -> None:
    stub.will(THROTTLED, CONDITION)
    refusal = ledger(stub.backend).commit((ASSIGN,))
    assert isinstance(refusal, Refusal)
    assert refusal.names() == {GUARD.name}


def test_a_cancelled_transaction_after_a_lost_answer_is_a_refusal_since_its_token_was_not_taken(stub: Stub) -> None:
    stub.will(LOST, cancelled("ConditionalCheckFailed", "None"))
    refusal = ledger(stub.backend).commit((ADD, OTHER))
    assert isinstance(refusal, Refusal)
    assert [(failure.key, failure.clauses) for failure in refusal.failures] == [(KEY, (GUARD.name,))]


@pytest.mark.parametrize("conflict", [CONFLICT, cancelled("None", "ThrottlingError")])
def test_a_transaction_in_conflict_is_tried_again_and_then_given_up(stub: Stub, conflict: Reply) -> None:
    stub.will(conflict, conflict, ok())
    assert ledger(stub.backend).commit((ADD, OTHER)) is None
    stub.will(conflict)
    with pytest.raises(Unavailable):
        ledger(stub.backend).commit((ADD, OTHER))
    assert stub.count == 8


def test_a_change_in_conflict_with_a_transaction_is_tried_again(stub: Stub) -> None:
    stub.will(ITEM_CONFLICT, ITEM_CONFLICT, ok())
    assert ledger(stub.backend).commit((ADD,)) is None
    assert stub.count == 3


def test_a_clause_that_failed_counts_more_than_a_conflict_beside_it(stub: Stub) -> None:
    stub.will(cancelled("ConditionalCheckFailed", "TransactionConflict"))
    refusal = ledger(stub.backend).commit((ADD, OTHER))
    assert isinstance(refusal, Refusal)
    assert refusal.names() == {GUARD.name}
    assert stub.count == 1


@pytest.mark.parametrize("answer", [cancelled(), cancelled("ValidationError", "None"), error("ValidationException")])
def test_a_transaction_that_dynamodb_does_not_understand_was_not_made(stub: Stub, answer: Reply) -> None:
    stub.will(answer)
    with pytest.raises(Unavailable):
        ledger(stub.backend).commit((ADD, OTHER))
    assert stub.count == 1


def test_as_wired_the_adapters_alone_repeat_calls(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stub.backend.endpoint_url)
    session = boto3.Session("000000000000", "test", region_name="us-east-1")
    ports = wiring.aws_ports(session, "test")
    stub.will(BROKEN)
    with pytest.raises(Unavailable):
        ports.pointers.read("job")
    assert stub.count == 3
    stub.will(LOST)
    with pytest.raises(Uncertain):
        ports.ledger.commit((ADD,))
    assert stub.count == 1
    stub.will(BROKEN)
    assert isinstance(ports.invoker.invoke(FUNCTION, {"transform_id": "t-1"}), Lost)
    assert [json.dumps(body) for body in stub.bodies] == ['{"transform_id": "t-1"}']

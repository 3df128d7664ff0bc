"""What each port promises when AWS is in trouble: was something changed, or can nobody tell."""

from contextlib import suppress

import pytest
from tests.contracts.backends import Backend
from tests.contracts.calls import READS, WRITES, Call, describe, invoke, tell
from tests.contracts.stub import BROKEN, LOST, THROTTLED, Answer, Reply, Silence, Stub, error, ok

from canary_router.errors import Unavailable, Uncertain
from canary_router.local import loopback
from canary_router.ports import Accepted, Broke, Invocation, Lost, Refused

DENIED = error("AccessDeniedException")
GATEWAY = Reply(503, b"<html><body>503 Service Unavailable</body></html>")
CUT = Reply(200, b'{"Parameters": [', cut=True)
REFUSALS: dict[str, Answer] = {
    "access denied": DENIED,
    "no such table": error("ResourceNotFoundException"),
    "signature expired": error("InvalidSignatureException", 403),
    "not JSON": Reply(400, b"\x00<html>"),
    "nothing": Reply(404, b""),
}
LOSSES: dict[str, Answer] = {"error of its own": BROKEN, "gateway": GATEWAY, "closed": LOST}
BAD_ANSWERS = [b"", b"<html>", b"{", b"[]", b"null", b"5", b'"text"', b"\xff\xfe", b"[" * 5000]


@pytest.fixture
def nobody() -> Backend:
    """An address where nobody listens."""
    return Backend("nobody", f"http://{loopback.HOST}:{loopback.free_port()}", "000000000000", "test")


@pytest.mark.parametrize("answer", [*REFUSALS.values(), *LOSSES.values(), CUT], ids=[*REFUSALS, *LOSSES, "cut"])
@pytest.mark.parametrize("call", READS.values(), ids=READS.keys())
def test_what_cannot_be_read_is_unavailable(stub: Stub, call: Call, answer: Answer) -> None:
    stub.will(answer)
    with pytest.raises(Unavailable):
        call(stub.backend)


@pytest.mark.parametrize("answer", REFUSALS.values(), ids=REFUSALS.keys())
@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES.keys())
def test_a_write_that_is_refused_has_not_happened(stub: Stub, call: Call, answer: Answer) -> None:
    stub.will(answer)
    with pytest.raises(Unavailable):
        call(stub.backend)
    assert stub.count == 1, "a refusal does not become another answer by asking again"


@pytest.mark.parametrize("answer", LOSSES.values(), ids=LOSSES.keys())
@pytest.mark.parametrize("call", WRITES.values(), ids=WRITES.keys())
def test_a_write_whose_answer_is_lost_may_have_happened(stub: Stub, call: Call, answer: Answer) -> None:
    stub.will(answer)
    with pytest.raises(Uncertain):
        call(stub.backend)


@pytest.mark.parametrize("call", [*READS.values(), *WRITES.values()], ids=[*READS, *WRITES])
def test_where_nobody_listens_nothing_has_happened(nobody: Backend, call: Call) -> None:
    with pytest.raises(Unavailable):
        call(nobody)


@pytest.mark.parametrize("name", ["get an item", "read pointers"])
def test_a_reader_does_not_wait_for_ever(stub: Stub, name: str) -> None:
    stub.will(Silence(hanging=True))
    with pytest.raises(Unavailable, match=r"[Tt]imeout"):
        READS[name](stub.backend.with_patience(0.2))


@pytest.mark.parametrize("name", ["put a pointer", "commit a transaction"])
def test_a_writer_does_not_wait_for_ever(stub: Stub, name: str) -> None:
    stub.will(Silence(hanging=True))
    with pytest.raises(Uncertain, match=r"[Tt]imeout"):
        WRITES[name](stub.backend.with_patience(0.2))


@pytest.mark.parametrize("body", BAD_ANSWERS)
@pytest.mark.parametrize("name", READS)
def test_an_answer_that_makes_no_sense_is_no_answer(stub: Stub, name: str, body: bytes) -> None:
    stub.will(Reply(200, body))
    with pytest.raises(Unavailable):
        READS[name](stub.backend)


@pytest.mark.parametrize("answer", [CUT, *(Reply(200, body) for body in BAD_ANSWERS)])
@pytest.mark.parametrize("name", ["put an item", "change an item", "commit a transaction"])
def test_a_commit_that_is_answered_with_200_is_never_said_not_to_have_happened(
    stub: Stub, name: str, answer: Answer
) -> None:
    stub.will(answer)
    with suppress(Uncertain):
        assert WRITES[name](stub.backend) is None


@pytest.mark.parametrize("answer", [CUT, *(Reply(200, body) for body in BAD_ANSWERS)])
def test_a_pointer_whose_version_is_not_answered_may_have_been_written(stub: Stub, answer: Answer) -> None:
    """The version tells whether another write slipped in between, so it cannot be done without."""
    stub.will(answer)
    with pytest.raises(Uncertain):
        WRITES["put a pointer"](stub.backend)


def test_a_status_that_nobody_knows_yet_is_no_answer(stub: Stub) -> None:
    stub.will(ok(executionArn="arn", status="HIBERNATING"))
    with pytest.raises(Unavailable, match="HIBERNATING"):
        describe(stub.backend)


@pytest.mark.parametrize("code", ["ExecutionDoesNotExist", "StateMachineDoesNotExist"])
def test_an_execution_that_step_functions_does_not_know_is_none(stub: Stub, code: str) -> None:
    """The emulators know the first of these only."""
    stub.will(error(code))
    assert describe(stub.backend) is None


def test_an_execution_that_is_about_to_be_redriven_is_running(stub: Stub) -> None:
    stub.will(ok(executionArn="arn", status="PENDING_REDRIVE"))
    assert getattr(describe(stub.backend), "status", None) == "RUNNING"


def test_an_event_that_the_bus_did_not_take_was_not_sent(stub: Stub) -> None:
    stub.will(ok(FailedEntryCount=1, Entries=[{"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}]))
    with pytest.raises(Unavailable, match=r"InternalFailure.*try again"):
        tell(stub.backend)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (THROTTLED, Refused),
        (error("TooManyRequestsException", 429), Refused),
        (DENIED, Refused),
        (error("ResourceNotFoundException", 404), Refused),
        (error("RequestTooLargeException", 413), Refused),
        (error("KMSDisabledException", 502), Refused),
        (error("ENILimitReachedException", 502), Refused),
        (error("ServiceException", 500), Lost),
        (GATEWAY, Lost),
        (LOST, Lost),
        (Reply(200, b"<html>"), Accepted),
        (Reply(200, b"[" * 60_000), Accepted),
        (Reply(200, b"\xff\xfe"), Accepted),
        (Reply(200, b"", (("X-Amz-Function-Error", "Unhandled"),)), Broke),
        (Reply(200, b"[]", (("X-Amz-Function-Error", "Unhandled"),)), Broke),
        (Reply(200, b'{"errorMessage": {"a": 1}}', (("X-Amz-Function-Error", "Unhandled"),)), Broke),
    ],
)
def test_an_invocation_in_trouble_is_an_answer_and_never_repeated(
    stub: Stub, answer: Answer, expected: type[Invocation]
) -> None:
    stub.will(answer)
    assert type(invoke(stub.backend)) is expected
    assert stub.count == 1


def test_an_invocation_that_is_not_answered_is_not_waited_for_for_ever(stub: Stub) -> None:
    stub.will(Silence(hanging=True))
    assert isinstance(invoke(stub.backend.with_patience(0.2)), Lost)
    assert stub.count == 1


def test_an_invocation_that_reached_nobody_did_not_run(nobody: Backend) -> None:
    assert isinstance(invoke(nobody), Refused)


@pytest.mark.parametrize("answer", [CUT, Reply(200, b'{"execution_arn": "ar', cut=True)])
def test_an_invocation_whose_answer_is_cut_off_says_at_most_that_the_pipeline_ran(stub: Stub, answer: Answer) -> None:
    stub.will(answer)
    invocation = invoke(stub.backend)
    assert isinstance(invocation, Lost) or invocation == Accepted(None)
    assert stub.count == 1

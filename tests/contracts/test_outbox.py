"""Writes that nobody waits for: they arrive, their clauses hold, and no trouble of theirs is anybody else's."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from tests.contracts.backends import BOTO3, WIRE, Backend
from tests.contracts.calls import ASSIGN
from tests.contracts.samples import NOW, opened, put, recorded, transform
from tests.contracts.stub import BROKEN, LOST, THROTTLED, Answer, Reply, Silence, Stub, error, ok, running_stub
from tests.contracts.tables import new_ledger

from canary_router.adapters.aws.dynamodb import DynamoLedger
from canary_router.adapters.aws.outbox import HeardOutbox, WireOutbox
from canary_router.adapters.memory import MemoryLedger
from canary_router.core import changes
from canary_router.core.model import Status
from canary_router.local import loopback
from canary_router.ports import Ledger, Outbox

ARN = "arn:aws:states:us-east-1:000000000000:execution:job-v1-1-0:t-1"
TROUBLE: dict[str, Answer] = {
    "throttled": THROTTLED,
    "an error of its own": BROKEN,
    "closed": LOST,
    "denied": error("AccessDeniedException"),
    "expired": error("ExpiredTokenException"),
    "cut": Reply(200, b"{", cut=True),
    "nonsense": Reply(400, b"\xff<html>"),
}


@contextmanager
def over(backend: Backend) -> Iterator[tuple[Ledger, Outbox]]:
    with new_ledger(backend) as ledger:
        yield ledger, outbox_of(backend, ledger._table)


def outbox_of(backend: Backend, table: str) -> Outbox:
    client = backend.client("dynamodb")
    return WireOutbox(client, table) if backend.transport == WIRE else HeardOutbox(DynamoLedger(client, table))


@pytest.fixture(params=["memory", "ministack", "wired"])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Ledger, Outbox]]:
    """A ledger, and the outbox that writes to its table."""
    if request.param == "memory":
        memory = MemoryLedger()
        yield memory, HeardOutbox(memory)
        return
    with over(request.getfixturevalue(request.param)) as made:
        yield made


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_a_mark_that_is_sent_arrives(both: tuple[Ledger, Outbox], service: str) -> None:
    ledger, outbox = both
    job = transform(service)
    ledger.commit(changes.admit(opened(ledger, service).release_id, job, None))
    outbox.send(changes.mark_running(job, ARN)[0])
    wait_until(lambda: recorded(ledger, job) == replace(job, status=Status.RUNNING, execution_arn=ARN))


@pytest.mark.parametrize("status", [Status.RUNNING, Status.SUCCEEDED, Status.NOT_STARTED])
def test_a_mark_that_comes_late_changes_nothing(
    both: tuple[Ledger, Outbox], service: str, status: Status, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, outbox = both
    job, other = transform(service, status=status), transform(service, 2)
    for each in (job, other):
        put(ledger, each)
    outbox.send(changes.mark_running(job, ARN)[0])
    # Sent after it, over the same connection: once this one has arrived, that one has.
    outbox.send(changes.mark_running(other, ARN)[0])
    wait_until(lambda: getattr(recorded(ledger, other), "status", None) is Status.RUNNING)
    assert recorded(ledger, job) == job
    assert caplog.records == [], "that something else came first is no trouble"


@pytest.mark.parametrize("answer", TROUBLE.values(), ids=TROUBLE)
def test_trouble_is_logged_and_escapes_to_nobody(stub: Stub, answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    stub.will(answer)
    outbox = outbox_of(stub.backend, "table")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):  # the second one hears of the first
            outbox.send(ASSIGN)
    if answer is not TROUBLE["cut"] or stub.backend.transport == WIRE:  # boto3 takes it for an empty answer
        assert f"{ASSIGN.key.partition} is not written, or nobody can tell" in caplog.text


@pytest.mark.parametrize("transport", [BOTO3, WIRE])
def test_where_nobody_listens_the_sender_goes_on(transport: str, caplog: pytest.LogCaptureFixture) -> None:
    url = f"http://{loopback.HOST}:{loopback.free_port()}"
    outbox_of(Backend("nobody", url, "000000000000", "test", transport=transport), "table").send(ASSIGN)
    assert ASSIGN.key.partition in caplog.text


@pytest.mark.parametrize("answer", TROUBLE.values(), ids=TROUBLE)
def test_over_the_wire_nothing_is_sent_twice(answer: Answer) -> None:
    with running_stub(transport=WIRE) as stub:
        stub.will(answer, ok(ConsumedCapacity={"TableName": "table"}))
        outbox_of(stub.backend, "table").send(ASSIGN)
        assert DynamoLedger(stub.backend.client("dynamodb"), "table").get(ASSIGN.key) is None
        assert stub.count == 2


def test_over_the_wire_nobody_waits_for_a_service_that_is_silent(service: str) -> None:
    with running_stub(transport=WIRE) as stub:
        stub.will(Silence(hanging=True), ok(ConsumedCapacity={"TableName": "table"}))
        outbox_of(stub.backend, "table").send(changes.mark_running(transform(service, created_at=NOW), ARN)[0])
        wait_until(lambda: stub.count == 1)
        assert not stub.released.is_set()

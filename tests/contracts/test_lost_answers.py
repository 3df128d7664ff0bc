"""Between the adapter and a real server an answer gets lost: what was asked for has happened once, or can be told."""

from collections.abc import Iterator

import pytest
from tests.contracts.backends import BOTO3, WIRE, Backend
from tests.contracts.samples import NOW, on_current, opened, recorded, recorded_release, refused, state, transform
from tests.contracts.stub import THROTTLED, Performed, Stub, running_stub
from tests.contracts.tables import create_table

from canary_router import settings
from canary_router.adapters.aws.dynamodb import DynamoLedger
from canary_router.adapters.aws.parameters import SsmPointers
from canary_router.core import changes
from canary_router.core.conditions import Key, Write
from canary_router.core.pointers import Readings
from canary_router.errors import Unavailable, Uncertain

LOST = Performed(lost=True)
TABLE = settings.table_name("lost-answers")


@pytest.fixture(scope="module")
def table(ministack: Backend) -> str:
    create_table(ministack.client("dynamodb"), TABLE)
    return TABLE


@pytest.fixture(scope="module", params=[BOTO3, WIRE])
def wire(request: pytest.FixtureRequest, ministack: Backend, table: str) -> Iterator[Stub]:
    """The way to the server, which loses what it is told to lose."""
    with running_stub(ministack.endpoint_url, request.param) as running:
        yield running


@pytest.fixture
def ledger(wire: Stub) -> DynamoLedger:
    wire.will(Performed())
    return DynamoLedger(wire.backend.client("dynamodb"), TABLE)


@pytest.fixture
def pointers(wire: Stub, service: str) -> SsmPointers:
    wire.will(Performed())
    return SsmPointers(wire.backend.client("ssm"), f"test-{service}")


def test_a_job_whose_admission_was_not_heard_of_has_one_place(ledger: DynamoLedger, wire: Stub, service: str) -> None:
    made = opened(ledger, service)
    wire.will(LOST, LOST, Performed())
    assert ledger.commit(changes.admit(made.release_id, transform(service), None)) is None
    assert wire.count == 3
    assert recorded_release(ledger, made).admitted == 1
    assert recorded(ledger, transform(service)) == transform(service)


def test_an_outcome_whose_answer_was_lost_is_counted_once(ledger: DynamoLedger, wire: Stub, service: str) -> None:
    made = opened(ledger, service)
    ledger.commit(changes.admit(made.release_id, transform(service), None))
    wire.will(LOST, Performed())
    assert ledger.commit(changes.settle_not_started(transform(service), NOW)) is None
    assert recorded_release(ledger, made).not_started == 1


def test_a_record_whose_answer_was_lost_is_not_taken_for_somebody_else_s(
    ledger: DynamoLedger, wire: Stub, service: str
) -> None:
    job = on_current(service)
    wire.will(LOST, Performed())
    with pytest.raises(Uncertain):
        ledger.commit(changes.record(job))
    assert recorded(ledger, job) == job
    assert refused(ledger.commit(changes.record(job))) == {changes.NEW}


def test_a_lease_whose_answer_was_lost_is_not_said_to_be_another_s(
    ledger: DynamoLedger, wire: Stub, service: str
) -> None:
    wire.will(LOST, Performed())
    with pytest.raises(Uncertain):
        ledger.commit(changes.take_lease(service, "me", NOW, NOW + 90_000))
    assert state(ledger, service).lease_owner == "me"


def test_what_is_told_twice_is_on_record_as_once(ledger: DynamoLedger, wire: Stub, service: str) -> None:
    made = opened(ledger, service)
    wire.will(LOST, Performed())
    assert ledger.commit(changes.tell(made)) is None
    assert recorded_release(ledger, made).told == "OPEN"


def test_an_addition_whose_answer_was_lost_has_happened_once(ledger: DynamoLedger, wire: Stub, service: str) -> None:
    key = Key(f"SERVICE#{service}", "COUNT")
    wire.will(LOST, Performed())
    with pytest.raises(Uncertain):
        ledger.commit((Write(key, (), add={"count": 1}),))
    item = ledger.get(key)
    assert item is not None
    assert item["count"] == 1


def test_a_write_that_happened_unheard_is_never_unavailable(ledger: DynamoLedger, wire: Stub, service: str) -> None:
    wire.will(LOST, THROTTLED)
    with pytest.raises(Uncertain):
        ledger.commit(changes.record(on_current(service)))
    wire.will(Performed())
    assert recorded(ledger, on_current(service)) is not None


def test_a_read_whose_answer_was_lost_is_read_again(ledger: DynamoLedger, wire: Stub, service: str) -> None:
    made = opened(ledger, service)
    wire.will(LOST, Performed())
    assert recorded_release(ledger, made) == made


def test_a_pointer_whose_answer_was_lost_is_written_twice_with_the_same_value_and_note(
    pointers: SsmPointers, wire: Stub, service: str
) -> None:
    wire.will(LOST, Performed())
    assert pointers.put(service, "current", "value", "the order") == 2
    assert [(each.value, each.note) for each in pointers.history(service, "current", 0)] == [("value", "the order")] * 2


def test_a_pointer_that_could_not_be_written_is_unchanged(pointers: SsmPointers, wire: Stub, service: str) -> None:
    wire.will(THROTTLED)
    with pytest.raises(Unavailable):
        pointers.put(service, "current", "value", "")
    wire.will(Performed())
    assert pointers.read(service) == Readings()

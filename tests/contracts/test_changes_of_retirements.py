"""Each change by which a stack is retired: made with its conditions or not at all, on every ledger alike."""

from dataclasses import replace

from tests.contracts.samples import NOW, opened, refused, state, version

from canary_router.core import changes
from canary_router.core.changes import orders as ordered
from canary_router.core.changes import retirements as retired
from canary_router.core.changes.clauses import FREE, OWN, SAME_RETIREMENTS
from canary_router.core.model import ServiceState
from canary_router.core.orders import Order, OrderKind, rollback_release
from canary_router.core.retirement_records import Retirement, RetirementState, retirement_key, retirement_of
from canary_router.ports import Ledger


def retirement(service: str, number: int = 1, tag: str = "v1.0.0", at: int = NOW) -> Retirement:
    stack = f"{service}-v1-0-0"
    return Retirement(f"r{number}", service, tag, stack, f"arn:{stack}", "ann", "spring", at, "old", at + 90_000)


def recorded(ledger: Ledger, service: str) -> Retirement:
    item = ledger.get(retirement_key(service, "v1.0.0"))
    assert item is not None
    return retirement_of(item)


def rollback(service: str, seen: ServiceState, number: int = 1) -> changes.Commit:
    order = Order(f"o{number}", OrderKind.ROLLBACK, service, "ben", "", NOW + number)
    return ordered.roll_back(order, rollback_release(order, version(service, "v1.0.0"), None), seen)


def test_what_is_begun_is_on_record_and_counted(ledger: Ledger, service: str) -> None:
    begun = retirement(service)
    assert ledger.commit(retired.begin(begun, ServiceState(service))) is None
    assert recorded(ledger, service) == begun
    assert state(ledger, service).retirements == 1


def test_a_release_that_came_between_keeps_its_stack(ledger: Ledger, service: str) -> None:
    before = ServiceState(service)
    opened(ledger, service)
    assert refused(ledger.commit(retired.begin(retirement(service), before))) == {changes.SAME_OPEN}
    assert ledger.get(retirement_key(service, "v1.0.0")) is None
    assert state(ledger, service).retirements == 0


def test_a_write_of_current_that_came_between_refuses_it_too(ledger: Ledger, service: str) -> None:
    seen = ServiceState(service, current_write=3)
    assert refused(ledger.commit(retired.begin(retirement(service), seen))) == {changes.SEEN_WRITE}


def test_two_cannot_be_at_one_stack(ledger: Ledger, service: str) -> None:
    ledger.commit(retired.begin(retirement(service), ServiceState(service)))
    assert refused(ledger.commit(retired.begin(retirement(service, 2), state(ledger, service)))) == {FREE}
    assert recorded(ledger, service).retirement_id == "r1"
    late = retirement(service, 3, at=NOW + 90_001)
    assert ledger.commit(retired.begin(late, state(ledger, service))) is None
    assert recorded(ledger, service) == late


def test_its_end_is_recorded_and_frees_the_version(ledger: Ledger, service: str) -> None:
    begun = retirement(service)
    ledger.commit(retired.begin(begun, ServiceState(service)))
    assert ledger.commit(retired.deleting(begun, NOW + 1_000_000)) is None
    assert recorded(ledger, service) == replace(begun, state=RetirementState.DELETING, until=NOW + 1_000_000)
    assert ledger.commit(retired.end(begun, RetirementState.RETIRED, "deleted", NOW + 5)) is None
    assert recorded(ledger, service) == replace(
        begun, state=RetirementState.RETIRED, until=0, outcome="deleted", ended_at=NOW + 5
    )
    assert ledger.commit(retired.begin(retirement(service, 2), state(ledger, service))) is None


def test_who_comes_late_does_not_write_over_a_later_attempt(ledger: Ledger, service: str) -> None:
    first = retirement(service)
    ledger.commit(retired.begin(first, ServiceState(service)))
    ledger.commit(retired.begin(retirement(service, 2, at=NOW + 90_001), state(ledger, service)))
    assert refused(ledger.commit(retired.end(first, RetirementState.FAILED, "", NOW))) == {OWN}
    assert refused(ledger.commit(retired.deleting(first, NOW))) == {OWN}


def test_a_rollback_that_has_not_seen_a_retirement_is_refused(ledger: Ledger, service: str) -> None:
    before = state(ledger, service)
    ledger.commit(retired.begin(retirement(service), before))
    assert refused(ledger.commit(rollback(service, before))) == {SAME_RETIREMENTS}
    assert ledger.commit(rollback(service, state(ledger, service))) is None
    seen = replace(state(ledger, service), open_release=None)
    assert refused(ledger.commit(retired.begin(retirement(service, 2, "v1.1.0"), seen))) == {changes.SAME_OPEN}

"""Each change that a person orders: made with its record or not at all, on every ledger alike."""

from dataclasses import replace

import pytest
from tests.contracts.samples import NOW, opened, put, recorded_release, refused, release, state, version

from canary_router.core import changes, order_records, records
from canary_router.core.changes import orders as ordered
from canary_router.core.model import Release, ReleaseState, ServiceState, WriteMark
from canary_router.core.orders import GivenOrder, Order, OrderKind, rollback_release
from canary_router.ports import Ledger


def order(service: str, kind: OrderKind, number: int = 1) -> Order:
    return Order(f"o{number}", kind, service, "ann", "because", NOW + number)


def orders(ledger: Ledger, service: str) -> list[GivenOrder]:
    page = ledger.by_prefix(records.state_key(service).partition, order_records.ORDER_PREFIX)
    return [order_records.order_of(item) for item in page.items]


def rolled_back(service: str, older: Release | None, number: int = 1) -> tuple[Order, Release]:
    given = order(service, OrderKind.ROLLBACK, number)
    return given, rollback_release(given, version(service, "v1.0.0"), older)


def test_an_order_and_its_effect_are_on_record_together(ledger: Ledger, service: str) -> None:
    before, given = opened(ledger, service, admitted=1), order(service, OrderKind.PROMOTE)
    assert ledger.commit(ordered.carry_out(given, before, ReleaseState.PROMOTING)) is None
    counts = "0 succeeded, 0 failed, 1 running"
    assert recorded_release(ledger, before) == replace(
        before,
        state=ReleaseState.PROMOTING,
        decided_at=given.at,
        reason=f"promoted by order of ann: because ({counts})",
        ordered_by="ann",
        orders=1,
    )
    assert orders(ledger, service) == [GivenOrder(given, before.release_id, "v1.1.0", counts)]


def test_a_pause_is_no_decision(ledger: Ledger, service: str) -> None:
    before = opened(ledger, service)
    assert ledger.commit(ordered.carry_out(order(service, OrderKind.PAUSE), before, ReleaseState.PAUSED)) is None
    assert recorded_release(ledger, before) == replace(before, state=ReleaseState.PAUSED, orders=1)


def test_the_same_order_is_carried_out_once(ledger: Ledger, service: str) -> None:
    before, given = opened(ledger, service), order(service, OrderKind.PAUSE)
    commit = ordered.carry_out(given, before, ReleaseState.PAUSED)
    assert ledger.commit(commit) is None
    put(ledger, before)
    assert refused(ledger.commit(commit)) == {changes.NEW}


def test_an_order_that_arrives_late_finds_that_another_one_came_between(ledger: Ledger, service: str) -> None:
    before = opened(ledger, service)
    late = ordered.carry_out(order(service, OrderKind.PAUSE, 1), before, ReleaseState.PAUSED)
    ledger.commit(ordered.carry_out(order(service, OrderKind.PAUSE, 2), before, ReleaseState.PAUSED))
    paused = recorded_release(ledger, before)
    ledger.commit(ordered.carry_out(order(service, OrderKind.RESUME, 3), paused, ReleaseState.OPEN))
    assert refused(ledger.commit(late)) == {changes.SAME_ORDERS}
    assert recorded_release(ledger, before) == replace(before, orders=2)
    assert [given.order.order_id for given in orders(ledger, service)] == ["o2", "o3"]


@pytest.mark.parametrize(
    "actual", [state for state in ReleaseState if state not in (ReleaseState.OPEN, ReleaseState.PAUSED)]
)
def test_a_decision_that_came_first_stands(ledger: Ledger, service: str, actual: ReleaseState) -> None:
    seen = opened(ledger, service)
    put(ledger, replace(seen, state=actual))
    refusal = ledger.commit(ordered.carry_out(order(service, OrderKind.ABORT), seen, ReleaseState.ABORTING))
    assert refused(refusal) == {changes.EXPECTED_STATE}
    assert orders(ledger, service) == []


def test_a_rollback_takes_the_place_of_the_open_release(ledger: Ledger, service: str) -> None:
    older = opened(ledger, service, 2)
    given, rollback = rolled_back(service, older)
    assert ledger.commit(ordered.roll_back(given, rollback, state(ledger, service))) is None
    assert recorded_release(ledger, rollback) == rollback
    assert rollback.supersedes == older.release_id
    stopped = recorded_release(ledger, older)
    assert (stopped.state, stopped.reason) == (
        ReleaseState.ABORTING,
        "rolled back to v1.0.0 by order of ann: because",
    )
    after = state(ledger, service)
    assert (after.open_release, after.newest) == (rollback.release_id, older.write.sortable)
    assert (
        ledger.commit(changes.close_promoted(rollback, version(service, "v1.1.0"), WriteMark(NOW, 4), NOW + 9)) is None
    )
    assert recorded_release(ledger, older).state is ReleaseState.ABORTED
    after = state(ledger, service)
    assert (after.open_release, after.current, after.current_write) == (None, rollback.target, 4)


@pytest.mark.parametrize("decided", [ReleaseState.PROMOTING, ReleaseState.ABORTING])
def test_nothing_is_rolled_back_while_pointers_are_being_written(
    ledger: Ledger, service: str, decided: ReleaseState
) -> None:
    older = opened(ledger, service, state=decided)
    given, rollback = rolled_back(service, older)
    refusal = ledger.commit(ordered.roll_back(given, rollback, state(ledger, service)))
    assert refused(refusal) == {changes.UNDECIDED_OLDER}
    assert state(ledger, service).open_release == older.release_id
    assert orders(ledger, service) == []


def test_a_rollback_is_of_what_the_person_saw(ledger: Ledger, service: str) -> None:
    seen = ServiceState(service)
    made = opened(ledger, service, state=ReleaseState.PROMOTING)
    ledger.commit(changes.close_promoted(made, None, WriteMark(NOW, 3), NOW))
    given, rollback = rolled_back(service, None)
    assert refused(ledger.commit(ordered.roll_back(given, rollback, seen))) == {changes.SEEN_WRITE}
    opened(ledger, service, 2)
    assert refused(ledger.commit(ordered.roll_back(given, rollback, seen))) == {changes.SEEN_WRITE, changes.SAME_OPEN}


def test_the_same_rollback_is_ordered_once(ledger: Ledger, service: str) -> None:
    given, rollback = rolled_back(service, None)
    commit = ordered.roll_back(given, rollback, ServiceState(service))
    assert ledger.commit(commit) is None
    assert refused(ledger.commit(commit)) == {changes.NEW, changes.SAME_OPEN}


def test_nothing_is_opened_while_a_rollback_is_under_way(ledger: Ledger, service: str) -> None:
    given, rollback = rolled_back(service, None)
    ledger.commit(ordered.roll_back(given, rollback, ServiceState(service)))
    refusal = ledger.commit(changes.open_release(release(service, 2), rollback.release_id))
    assert refused(refusal) == {changes.UNDECIDED_OLDER}

"""The controller's events in any shape: garbage is a reason to look, and settles and decides nothing."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.hostile.garbage import BOUNDED, NASTY_TEXTS, anything, mangled
from tests.unit.world import SERVICE, World

from canary_router.core.model import Status
from canary_router.errors import Unavailable
from canary_router.flows.reconcile import Reconciler
from canary_router.lambdas.events import ended_from
from canary_router.lambdas.turn import take_turn

DETAIL = {
    "name": "t-1",
    "executionArn": f"arn:aws:states:eu-west-1:123456789012:execution:{SERVICE}-v1-1-0:t-1",
    "stateMachineArn": f"arn:aws:states:eu-west-1:123456789012:stateMachine:{SERVICE}-v1-1-0",
    "status": "SUCCEEDED",
    "input": "{}",
}
EVENT = {
    "version": "0",
    "source": "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    "detail": DETAIL,
}


def turn(world: World, event: object, services: tuple[str, ...] = (SERVICE,)) -> dict[str, Any]:
    controller = world.controller()
    return take_turn(event, controller, Reconciler(controller, world.settings), services)


def with_a_canary() -> World:
    world = World()
    world.write_latest("v1.1.0")
    assert world.submit().route == "latest"
    return world


@BOUNDED
@given(event=st.one_of(anything, mangled(EVENT), mangled(DETAIL).map(lambda detail: {**EVENT, "detail": detail})))
@example({**EVENT, "detail": {**DETAIL, "status": []}})
@example({**EVENT, "detail": {**DETAIL, "status": {}}})
def test_an_event_of_any_form_is_survived_and_decides_nothing(event: Any) -> None:
    world = with_a_canary()
    # It is the end of the canary's job if it says so in every field that matters.
    is_told = ended_from(event) is not None and event["detail"]["executionArn"] == DETAIL["executionArn"]
    answer = turn(world, event)
    assert set(answer) <= {"settled", "reconciled"}
    assert world.release_state() == "OPEN" or (is_told and event["detail"]["status"] != "SUCCEEDED")
    assert world.release.succeeded == 0 or is_told


@pytest.mark.parametrize("event", [None, [], "x", {}, {"source": []}, {"source": "aws.states", "detail": []}], ids=str)
def test_what_is_no_end_of_an_execution_is_a_reason_to_look_at_everything(event: object) -> None:
    assert turn(World(), event) == {"reconciled": [SERVICE]}


@pytest.mark.parametrize("name", NASTY_TEXTS, ids=ascii)
def test_a_name_that_is_nobodys_id_settles_nothing(name: str) -> None:
    world = with_a_canary()
    turn(world, {**EVENT, "detail": {**DETAIL, "name": name}})
    assert world.recorded("t-1").status is Status.RUNNING


@pytest.mark.parametrize("name", ["x" * 81, "", "\x00", "\ud800"], ids=ascii)
def test_a_name_that_no_execution_can_have_never_becomes_a_key(name: str) -> None:
    assert ended_from({**EVENT, "detail": {**DETAIL, "name": name}}) is None


@pytest.mark.parametrize("trouble", [Unavailable("down"), KeyError("nobody foresaw this")], ids=repr)
def test_a_service_in_trouble_keeps_no_other_one_waiting(trouble: Exception) -> None:
    world = World()
    looked_at: list[str] = []

    class Look(Reconciler):
        def reconcile(self, service: str) -> None:
            looked_at.append(service)
            if service == "first":
                raise trouble

    controller = world.controller()
    with pytest.raises(type(trouble)):
        take_turn({}, controller, Look(controller, world.settings), ("first", "second"))
    assert looked_at == ["first", "second"]

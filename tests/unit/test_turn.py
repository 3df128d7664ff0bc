"""One run of the controller looks after every service, and none of them can keep it from the others."""

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.core.model import ReleaseState, Status
from canary_router.core.pointers import Readings
from canary_router.errors import Unavailable
from canary_router.flows.reconcile import Reconciler
from canary_router.lambdas.turn import take_turn
from canary_router.ports import Execution
from canary_router.settings import CALL_SECONDS, OUTCOME_TIMEOUT


class Troubled:
    """Pointers of one service that cannot be read; the others' are the world's."""

    def __init__(self, world: World, error: Exception) -> None:
        self.world = world
        self.error = error
        self.put = world.pointers.put
        self.history = world.pointers.history

    def read(self, service: str) -> Readings:
        if service == "troubled":
            raise self.error
        return self.world.pointers.read(service)


def turn(world: World, *services: str) -> None:
    controller = world.controller()
    take_turn({}, controller, Reconciler(controller, world.settings), services)


@pytest.mark.parametrize("error", [Unavailable("silent"), ZeroDivisionError()])
def test_the_trouble_of_one_service_is_told_and_keeps_no_other_waiting(error: Exception) -> None:
    world = World(current="")
    world.write_latest("v1.0.0")
    world.replace_ports(pointers=Troubled(world, error))
    with pytest.raises(type(error)):
        turn(world, "troubled", SERVICE)
    assert world.pointer("current") == arn("v1.0.0")


class SlowExecutions:
    def __init__(self, world: World) -> None:
        self.world = world

    def describe(self, execution_arn: str) -> Execution | None:
        self.world.clock.advance(CALL_SECONDS)
        return self.world.pipelines.describe(execution_arn)


def test_slow_look_ups_of_one_service_keep_no_release_of_another_waiting() -> None:
    world = World()
    for number in range(40):
        world.submit(key=f"job-{number}")
    first, second = "slow", SERVICE
    world.write_latest("v1.1.0")
    for transform in [world.submit() for _ in range(2)]:
        world.end(transform, tell=False)
    world.replace_ports(executions=SlowExecutions(world))
    began = world.clock.now()
    turn(world, first, second)
    assert world.release.state is ReleaseState.PROMOTED
    assert world.clock.now() - began <= OUTCOME_TIMEOUT * 1000


def test_more_pending_jobs_than_fit_into_a_pass_are_looked_up_in_turn() -> None:
    world = World()
    jobs = []
    for number in range(230):
        jobs.append(world.submit(key=f"job-{number}"))
        world.clock.advance(1)
    last = jobs[-1]
    world.end(last, tell=False)
    for _ in range(3):
        turn(world, SERVICE)
    assert world.recorded(last.transform_id).status is Status.SUCCEEDED
    world.end(jobs[0], tell=False)
    for _ in range(3):
        turn(world, SERVICE)
    assert world.recorded(jobs[0].transform_id).status is Status.SUCCEEDED

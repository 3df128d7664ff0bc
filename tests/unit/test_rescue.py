"""A failed canary job's input is run once on current, whatever goes wrong on the way."""

import json

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.api.answers import transform_json
from canary_router.core.model import ReleaseState, Route, Status, Transform
from canary_router.flows.inspect import transform_view
from canary_router.ports import Invocation, Lost, Refused

JOB = {"year": 2014, "text": "é"}


def rescuing() -> World:
    world = World()
    world.pointers.put(SERVICE, "policy", '{"rescue": true}', "")
    world.write_latest("v1.1.0")
    return world


def rescue_of(world: World, transform: Transform) -> Transform:
    return world.recorded(f"{transform.transform_id}-rescue")


def started_on(world: World, tag: str, transform: Transform) -> int:
    return sum(
        execution.execution_arn == world.pipelines.arn_of(arn(tag), transform.transform_id)
        for execution in world.pipelines.executions()
    )


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT, Status.ABORTED])
def test_a_failed_canary_is_run_again_on_current_with_its_own_input(status: Status) -> None:
    world = rescuing()
    canary = world.submit(JOB)
    world.end(canary, status)
    rescue = rescue_of(world, canary)
    assert (rescue.status, rescue.route, rescue.target.tag) == (Status.RUNNING, Route.CURRENT, "v1.0.0")
    assert rescue.rescue_of == canary.transform_id
    function, payload = world.pipelines.invocations[-1]
    assert (function, payload["input"]) == (arn("v1.0.0"), JOB)
    assert world.release.state is ReleaseState.ABORTED


def test_the_status_of_the_first_leads_to_the_second() -> None:
    world = rescuing()
    canary = world.submit(JOB)
    world.end(canary, Status.FAILED)
    first = transform_json(transform_view(world.ports, SERVICE, canary.transform_id, None))
    assert first["status"] == "FAILED"
    world.end(rescue_of(world, canary))
    second = transform_view(world.ports, SERVICE, str(first["rescued_by"]), None)
    assert (second.status, second.target.tag) == (Status.SUCCEEDED, "v1.0.0")
    assert json.dumps(first)


def test_a_canary_that_succeeds_is_not_run_again() -> None:
    world = rescuing()
    world.end(world.submit(JOB))
    assert len(world.pipelines.executions()) == 1


def test_without_rescue_no_input_is_kept() -> None:
    world = World()
    world.write_latest("v1.1.0")
    canary = world.submit({"secret": "s3cr3t"})
    world.end(canary, Status.FAILED)
    assert "s3cr3t" not in repr(world.ledger.__dict__)
    assert len(world.pipelines.executions()) == 1


def test_a_failure_told_twice_is_rescued_once() -> None:
    world = rescuing()
    canary = world.submit(JOB)
    for _ in range(3):
        world.end(canary, Status.FAILED)
    world.reconcile()
    assert len(world.pipelines.executions()) == 2


def test_a_failure_that_was_never_told_is_rescued_by_the_next_pass() -> None:
    world = rescuing()
    canary = world.submit(JOB)
    world.end(canary, Status.FAILED, tell=False)
    world.reconcile()
    world.reconcile()
    assert rescue_of(world, canary).status is Status.RUNNING
    assert len(world.pipelines.executions()) == 2


def test_a_rescue_that_current_did_not_start_is_tried_again_on_what_is_current_then() -> None:
    world = rescuing()
    canary = world.submit(JOB)
    world.pipelines.answers[arn("v1.0.0")] = Refused("throttled")
    world.end(canary, Status.FAILED)
    assert rescue_of(world, canary).status is Status.ADMITTED
    world.pointers.put(SERVICE, "current", arn("v1.0.1"), "by hand")
    world.reconcile()
    assert rescue_of(world, canary).target.tag == "v1.0.1"
    assert started_on(world, "v1.0.1", rescue_of(world, canary)) == 1
    world.reconcile()
    assert len(world.pipelines.executions()) == 2


class LosesItsFirstAnswers:
    def __init__(self, world: World, *, started: bool) -> None:
        self.world = world
        self.started = started
        self.left = 2

    def invoke(self, function_arn: str, payload: dict[str, object]) -> Invocation:
        if self.left:
            self.left -= 1
            if self.started:
                self.world.pipelines.invoke(function_arn, payload)
            return Lost("timeout")
        return self.world.pipelines.invoke(function_arn, payload)


def test_a_rescue_of_unknown_fate_goes_nowhere_else_before_the_grace_time_is_over() -> None:
    world = rescuing()
    canary = world.submit(JOB)
    world.replace_ports(invoker=LosesItsFirstAnswers(world, started=False))
    world.end(canary, Status.FAILED)
    world.pointers.put(SERVICE, "current", arn("v1.0.1"), "by hand")
    world.reconcile()
    assert world.pipelines.executions() == (world.pipelines.describe(str(canary.execution_arn)),)
    world.clock.advance(world.settings.grace)
    world.reconcile()
    assert started_on(world, "v1.0.1", rescue_of(world, canary)) == 1
    assert len(world.pipelines.executions()) == 2


def test_a_rescue_whose_answers_were_lost_is_found_by_its_name() -> None:
    world = rescuing()
    canary = world.submit(JOB)
    world.replace_ports(invoker=LosesItsFirstAnswers(world, started=True))
    world.end(canary, Status.FAILED)
    world.reconcile()
    assert rescue_of(world, canary).status is Status.RUNNING
    assert len(world.pipelines.executions()) == 2


def test_a_rescue_that_cannot_be_started_for_a_day_is_given_up_aloud() -> None:
    world = rescuing()
    canary = world.submit(JOB)
    world.pipelines.answers[arn("v1.0.0")] = Refused("ResourceNotFoundException")
    world.end(canary, Status.FAILED)
    world.clock.advance(86_400)
    world.reconcile()
    assert rescue_of(world, canary).status is Status.NOT_STARTED
    world.reconcile()
    assert len(world.pipelines.executions()) == 1


def test_a_job_that_current_took_over_is_not_rescued_when_it_fails_there() -> None:
    world = rescuing()
    world.pipelines.answers[arn("v1.1.0")] = Refused("throttled")
    taken_over = world.submit(JOB, key="k")
    assert (taken_over.route, taken_over.target.tag) == (Route.CURRENT, "v1.0.0")
    first = world.recorded(taken_over.transform_id)
    assert first.kept_input
    assert not world.recorded(taken_over.transform_id, fallback=True).kept_input
    assert not world.router.taken_over(first, first.target).kept_input
    world.end(taken_over, Status.FAILED)
    assert len(world.pipelines.invocations) == 2

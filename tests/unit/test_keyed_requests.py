from dataclasses import replace

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.core import changes
from canary_router.core.model import Route, Status, Version
from canary_router.core.routing import canonical_input, input_hash, transform_id_for_key
from canary_router.errors import KeyReused, NotStartedOnCurrent, RecordUnavailable, StartUnknown
from canary_router.flows.request import Job
from canary_router.ports import Accepted, Invocation, Lost, Refused

KEY = "order-17"


class Scripted:
    """A pipeline's invoker that follows a script, then behaves."""

    def __init__(self, world: World, *script: Invocation) -> None:
        self.world = world
        self.script = list(script)

    def invoke(self, function_arn: str, payload: dict[str, object]) -> Invocation:
        if self.script:
            return self.script.pop(0)
        return self.world.pipelines.invoke(function_arn, payload)


def test_a_retry_returns_the_same_job() -> None:
    world = World()
    first = world.submit({"year": 2014}, key=KEY)
    second = world.submit({"year": 2014}, key=KEY, router=world.new_router())
    assert second == world.recorded(first.transform_id)
    assert (second.transform_id, second.execution_arn) == (first.transform_id, first.execution_arn)
    assert len(world.pipelines.invocations) == 1


def test_a_retry_finds_its_job_across_a_flip() -> None:
    world = World()
    world.write_latest("v1.1.0")
    canary = world.submit(key=KEY)
    other = world.submit()
    for transform in (canary, other):
        world.end(transform)
    assert world.pointer("current") == arn("v1.1.0")
    again = world.submit(key=KEY)
    assert (again.execution_arn, again.status, again.route) == (canary.execution_arn, Status.SUCCEEDED, Route.LATEST)


def test_the_same_key_with_another_body_is_refused() -> None:
    world = World()
    world.submit({"year": 2014}, key=KEY)
    with pytest.raises(KeyReused):
        world.submit({"year": 2015}, key=KEY)
    assert len(world.pipelines.executions()) == 1


def test_with_the_table_down_a_job_with_a_key_is_refused_and_not_started() -> None:
    world = World()
    world.ledger.down = True
    with pytest.raises(RecordUnavailable):
        world.submit(key=KEY)
    assert world.pipelines.invocations == []


def test_a_504_retried_with_its_key_ends_as_one_job_on_the_same_version() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.replace_ports(invoker=Scripted(world, Lost("timeout"), Lost("timeout")))
    with pytest.raises(StartUnknown):
        world.submit(key=KEY)
    retried = world.submit(key=KEY)
    assert (retried.route, retried.status) == (Route.LATEST, Status.RUNNING)
    assert len(world.pipelines.executions()) == 1
    assert world.recorded(retried.transform_id).attempts == 2


def test_a_retry_may_not_give_up_what_another_attempt_may_have_started() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.replace_ports(invoker=Scripted(world, Lost("timeout"), Lost("timeout"), Refused("throttled")))
    with pytest.raises(StartUnknown) as unknown:
        world.submit(key=KEY)
    with pytest.raises(StartUnknown):
        world.submit(key=KEY)
    assert world.recorded(str(unknown.value.transform_id)).status is Status.ADMITTED
    assert world.pipelines.executions() == ()


def test_an_attempt_that_is_joined_meanwhile_cannot_give_up_either() -> None:
    world = World()
    world.write_latest("v1.1.0")

    class JoinedThenThrottled:
        joined = False

        def invoke(self, function_arn: str, payload: dict[str, object]) -> Invocation:
            if not self.joined:
                self.joined = True
                # While this invocation is under way, a retry of the front-end's comes through another router.
                assert world.submit(key=KEY, router=world.new_router()).status is Status.RUNNING
                return Refused("throttled")
            return world.pipelines.invoke(function_arn, payload)

    world.replace_ports(invoker=JoinedThenThrottled())
    first = world.submit(key=KEY)
    assert (first.route, first.status) == (Route.LATEST, Status.RUNNING)
    assert len(world.pipelines.executions()) == 1


def test_once_the_grace_time_is_over_a_job_that_never_started_goes_to_current() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.replace_ports(invoker=Scripted(world, Lost("timeout"), Lost("timeout")))
    with pytest.raises(StartUnknown):
        world.submit(key=KEY)
    world.clock.advance(world.settings.grace + 1)
    retried = world.submit(key=KEY)
    assert (retried.route, retried.target.tag, retried.fallback) == (Route.CURRENT, "v1.0.0", True)
    assert world.recorded(retried.transform_id).status is Status.NOT_STARTED
    assert len(world.pipelines.executions()) == 1


def test_after_the_grace_time_a_job_that_did_start_is_found() -> None:
    world = World()
    target = arn("v1.0.0")
    world.pipelines.answers[target] = lambda _payload: Lost("timeout")
    started = world.submit(key=KEY)
    assert started.status is Status.RUNNING
    assert len(world.pipelines.executions()) == 1


def test_a_job_taken_over_by_current_stays_there() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.pipelines.answers[arn("v1.1.0")] = Refused("throttled")
    first = world.submit(key=KEY)
    second = world.submit(key=KEY)
    assert (first.route, second.route) == (Route.CURRENT, Route.CURRENT)
    assert first.execution_arn == second.execution_arn
    assert len(world.pipelines.executions()) == 1


def test_a_retry_finds_the_job_that_current_took_over_though_current_is_invalid_by_now() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.pipelines.answers[arn("v1.1.0")] = Refused("throttled")
    first = world.submit(key=KEY)
    world.pointers.put(SERVICE, "current", "rubbish", "by hand")
    retried = world.submit(key=KEY, router=world.new_router())
    assert (retried.execution_arn, retried.status) == (first.execution_arn, Status.RUNNING)
    assert len(world.pipelines.executions()) == 1


def test_a_crash_before_current_took_over_is_mended_by_the_retry() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.pipelines.answers[arn("v1.1.0")] = Refused("throttled")
    world.pipelines.answers[arn("v1.0.0")] = Refused("throttled")
    with pytest.raises(NotStartedOnCurrent):
        world.submit(key=KEY)
    del world.pipelines.answers[arn("v1.0.0")]
    retried = world.submit(key=KEY)
    assert (retried.route, retried.status) == (Route.CURRENT, Status.RUNNING)


def test_what_current_certainly_did_not_start_is_started_by_the_retry_on_what_is_current_then() -> None:
    world = World()
    world.pipelines.answers[arn("v1.0.0")] = Refused("ResourceNotFoundException")
    with pytest.raises(NotStartedOnCurrent):
        world.submit(key=KEY)
    world.pointers.put(SERVICE, "current", arn("v1.0.1"), "by hand")
    retried = world.submit(key=KEY)
    assert (retried.target.tag, retried.status) == ("v1.0.1", Status.RUNNING)
    assert world.recorded(retried.transform_id).execution_arn == retried.execution_arn


@pytest.mark.parametrize("happened", [True, False])
def test_a_lost_answer_of_the_record_does_not_make_two_jobs(*, happened: bool) -> None:
    world = World()
    world.ledger.lose_answers = [happened]
    transform = world.submit(key=KEY)
    assert transform.status is Status.RUNNING
    assert world.submit(key=KEY).execution_arn == transform.execution_arn
    assert len(world.pipelines.executions()) == 1


@pytest.mark.parametrize("happened", [[True, True], [False, True], [False, False]])
def test_an_uncertain_admission_with_a_key_is_read_again_not_guessed(happened: list[bool]) -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    world.ledger.lose_answers = list(happened)
    transform = world.submit(key=KEY)
    assert transform.status is Status.RUNNING
    assert world.release.admitted == 2
    assert len(world.pipelines.executions()) == 2


def test_twins_with_one_key_take_one_place_and_start_one_job() -> None:
    world = World()
    world.write_latest("v1.1.0")
    twin = world.new_router()
    answers: list[object] = []

    class TwinComesFirst:
        asked = False

        def invoke(self, function_arn: str, payload: dict[str, object]) -> Invocation:
            if not self.asked:
                self.asked = True
                answers.append(world.submit(key=KEY, router=twin))
            return world.pipelines.invoke(function_arn, payload)

    world.replace_ports(invoker=TwinComesFirst())
    twin = world.new_router()
    first = world.submit(key=KEY)
    assert len(answers) == 1
    assert len(world.pipelines.executions()) == 1
    assert world.release.admitted == 1
    assert first.execution_arn is not None
    assert isinstance(world.pipelines.invoke(arn("v1.1.0"), {"transform_id": first.transform_id}), Accepted)
    assert len(world.pipelines.executions()) == 1


def test_whoever_retries_a_504_without_end_is_answered_when_the_grace_time_of_the_first_attempt_is_over() -> None:
    world = World()
    world.write_latest("v1.1.0")
    died = world.router.new_transform(
        Job(SERVICE, None, input_hash(canonical_input(None)), "k"),
        transform_id_for_key(SERVICE, "k"),
        Version(arn("v1.1.0"), "v1.1.0"),
        None,
    )
    assert world.ledger.commit(changes.record(replace(died, route=Route.LATEST))) is None
    world.pipelines.answers[arn("v1.1.0")] = Refused("its stack is gone")
    for _ in range(4):
        with pytest.raises(StartUnknown):
            world.submit(key="k")
        world.clock.advance(250)
    assert world.submit(key="k").target.tag == "v1.0.0"

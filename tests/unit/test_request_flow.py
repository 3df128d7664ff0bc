import json

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.core.model import ReleaseState, Route, Status
from canary_router.core.pointers import Readings
from canary_router.errors import NoCurrentVersion, NotFound, NotStartedOnCurrent, StartUnknown, Unavailable
from canary_router.flows.request import Job
from canary_router.ports import Accepted, Broke, Execution, Invocation, Lost, Refused


class CountingPointers:
    def __init__(self, world: World) -> None:
        self.world = world
        self.reads = 0
        self.down = False

    def read(self, service: str) -> Readings:
        self.reads += 1
        if self.down:
            raise Unavailable("SSM is down")
        return self.world.pointers.read(service)


def test_asleep_a_job_costs_one_invocation_and_one_look_at_the_pointers_in_five_seconds() -> None:
    world = World(pointer_ttl=5)
    counting = CountingPointers(world)
    world.replace_ports(pointers=counting)
    for _ in range(50):
        assert world.submit().route is Route.CURRENT
        world.clock.advance(0.2)
    assert (counting.reads, world.ledger.gets, world.ledger.commits) == (2, 0, [])
    assert len(world.pipelines.invocations) == 50


def test_a_canary_takes_as_many_jobs_as_its_policy_says_and_not_one_more() -> None:
    world = World()
    world.write_latest("v1.1.0")
    routes = [world.submit().route for _ in range(10)]
    assert routes == [Route.LATEST] * 2 + [Route.CURRENT] * 8
    assert (world.release.admitted, world.release.state) == (2, ReleaseState.OPEN)


def test_the_budget_holds_whatever_the_routers_remember() -> None:
    world = World(pointer_ttl=60)
    world.write_latest("v1.1.0")
    routers = [world.new_router() for _ in range(10)]
    routes = [world.submit(router=router).route for _ in range(3) for router in routers]
    assert routes.count(Route.LATEST) == world.release.admitted == 2


def test_chance_decides_who_is_offered() -> None:
    world = World(draw=0.5)
    world.write_latest("v1.1.0")
    assert world.submit().route is Route.CURRENT
    world.draw = 0.49
    assert world.submit().route is Route.LATEST


def test_the_payload_is_the_contracts() -> None:
    world = World()
    transform = world.submit({"year": 2014})
    assert world.pipelines.invocations == [
        (
            arn("v1.0.0"),
            {
                "transform_id": transform.transform_id,
                "service": SERVICE,
                "version": "v1.0.0",
                "input": {"year": 2014},
            },
        )
    ]
    assert json.dumps(world.pipelines.invocations[0][1])


def test_a_canary_is_on_record_with_its_execution() -> None:
    world = World()
    world.write_latest("v1.1.0")
    transform = world.submit()
    recorded = world.recorded(transform.transform_id)
    assert (recorded.status, recorded.target.tag, recorded.route) == (Status.RUNNING, "v1.1.0", Route.LATEST)
    assert recorded.execution_arn == transform.execution_arn


@pytest.mark.parametrize("answer", [Refused("throttled"), Broke("AccessDenied")])
def test_what_latest_certainly_did_not_start_current_takes_over_under_the_same_id(answer: Invocation) -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.pipelines.answers[arn("v1.1.0")] = answer
    transform = world.submit()
    assert (transform.route, transform.status, transform.target.tag) == (Route.CURRENT, Status.RUNNING, "v1.0.0")
    assert world.recorded(transform.transform_id).status is Status.NOT_STARTED
    assert world.recorded(transform.transform_id, fallback=True).execution_arn == transform.execution_arn
    assert (world.release.not_started, world.release.failures) == (1, 1)
    assert len(world.pipelines.executions()) == 1


def test_an_uncertain_job_is_tried_again_on_the_same_version_and_is_one_job() -> None:
    world = World()
    world.write_latest("v1.1.0")
    answers = iter([Lost("timeout"), None])
    target = arn("v1.1.0")

    def lose_the_first(payload: dict[str, object]) -> Invocation:
        execution = world.pipelines.arn_of(target, str(payload["transform_id"]))
        return next(answers) or Accepted(execution)

    world.pipelines.answers[target] = lose_the_first
    transform = world.submit()
    assert transform.route is Route.LATEST
    assert [invoked for invoked, _ in world.pipelines.invocations] == [target, target]
    assert len(world.pipelines.executions()) == 1


def test_a_lost_answer_is_settled_by_looking_the_execution_up() -> None:
    world = World()
    world.pipelines.answers[arn("v1.0.0")] = lambda _payload: Lost("timeout")
    assert world.submit().status is Status.RUNNING


class NeverStarts:
    """A pipeline whose answer is lost before anything was started."""

    def __init__(self) -> None:
        self.invoked: list[str] = []

    def invoke(self, function_arn: str, payload: dict[str, object]) -> Invocation:
        self.invoked.append(function_arn)
        return Lost("connection reset")


def test_an_uncertain_job_never_runs_on_the_other_version() -> None:
    world = World()
    world.write_latest("v1.1.0")
    pipeline = NeverStarts()
    world.replace_ports(invoker=pipeline)
    with pytest.raises(StartUnknown) as unknown:
        world.submit()
    assert pipeline.invoked == [arn("v1.1.0"), arn("v1.1.0")]
    assert world.recorded(str(unknown.value.transform_id)).status is Status.ADMITTED


@pytest.mark.parametrize("answer", [Accepted(None), Broke("crashed after the start")])
def test_a_pipeline_that_does_not_say_what_it_started_is_looked_up(answer: Invocation) -> None:
    world = World()
    world.pipelines.answers[arn("v1.0.0")] = lambda _payload: answer
    assert world.submit().execution_arn is not None


def test_current_failing_to_start_a_job_is_an_error_of_its_own() -> None:
    world = World()
    world.pipelines.answers[arn("v1.0.0")] = Refused("ResourceNotFoundException")
    with pytest.raises(NotStartedOnCurrent, match="ResourceNotFound"):
        world.submit()


def test_with_the_table_down_current_serves() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.ledger.down = True
    assert [world.submit().route for _ in range(5)] == [Route.CURRENT] * 5


@pytest.mark.parametrize("happened", [True, False])
def test_an_admission_whose_answer_was_lost_is_asked_for_again_and_takes_one_place(*, happened: bool) -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    world.ledger.lose_answers = [happened]
    assert world.submit().route is Route.LATEST
    assert world.release.admitted == 2


def test_an_admission_that_nobody_can_confirm_goes_to_current_as_another_job() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    world.ledger.lose_answers = [True, True]
    transform = world.submit()
    assert transform.route is Route.CURRENT
    assert [execution.execution_arn for execution in world.pipelines.executions()].count(
        transform.execution_arn or ""
    ) == 1


def test_with_ssm_down_the_last_pointers_serve_for_an_hour_and_no_longer() -> None:
    world = World(pointer_ttl=5)
    pointers = CountingPointers(world)
    world.replace_ports(pointers=pointers)
    world.submit()
    pointers.down = True
    world.clock.advance(3599)
    assert world.submit().route is Route.CURRENT
    world.clock.advance(2)
    with pytest.raises(NoCurrentVersion):
        world.submit()


def test_no_pointer_ever_read_is_no_current_version() -> None:
    world = World()
    pointers = CountingPointers(world)
    pointers.down = True
    world.replace_ports(pointers=pointers)
    with pytest.raises(NoCurrentVersion):
        world.submit()


@pytest.mark.parametrize("latest", ["v1.1.0", "arn:aws:s3:::bucket", "NONE"])
def test_an_invalid_latest_wakes_nothing_is_said_and_stays(latest: str) -> None:
    world = World()
    world.pointers.put(SERVICE, "latest", latest, "")
    assert world.submit().route is Route.CURRENT
    assert world.meter.sums["InvalidPointer", SERVICE] == 1
    assert (world.pointer("latest"), world.releases) == (latest, [])


def test_a_refused_policy_wakes_nothing() -> None:
    world = World()
    world.pointers.put(SERVICE, "policy", '{"requests": 99}', "")
    world.write_latest("v1.1.0")
    assert world.submit().route is Route.CURRENT
    assert world.releases == []


def test_with_current_blank_nothing_serves_and_the_request_decides_nothing() -> None:
    world = World(current="")
    world.write_latest("v1.0.0")
    with pytest.raises(NoCurrentVersion):
        world.submit()
    assert world.releases == []


def test_an_unknown_service_is_not_found() -> None:
    world = World()
    with pytest.raises(NotFound, match="other"):
        world.router.submit(Job("other", None, "", None))


def test_record_all_keeps_the_jobs_of_current_too() -> None:
    world = World()
    world.pointers.put(SERVICE, "policy", '{"record": "all"}', "")
    transform = world.submit()
    assert world.recorded(transform.transform_id).status is Status.RUNNING


def test_a_newer_latest_supersedes_an_open_release() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    world.write_latest("v1.2.0")
    world.submit()
    newer, older = world.releases
    assert (newer.target.tag, newer.state, newer.admitted) == ("v1.2.0", ReleaseState.OPEN, 1)
    assert (older.state, older.admitted) == (ReleaseState.SUPERSEDED, 1)
    assert newer.release_id in older.reason


def test_a_reader_that_is_behind_opens_nothing_and_admits_nothing() -> None:
    world = World(pointer_ttl=60)
    behind = world.new_router()
    world.write_latest("v1.1.0")
    world.submit(router=behind)
    world.write_latest("v1.2.0")
    world.submit(router=world.new_router())
    assert world.submit(router=behind).route is Route.CURRENT
    assert [release.target.tag for release in world.releases] == ["v1.2.0", "v1.1.0"]


@pytest.mark.parametrize("second", [Broke("before the start"), Refused("throttled")])
def test_an_execution_that_cannot_be_seen_yet_is_waited_for_before_another_version_is_tried(second: Invocation) -> None:
    world = World()
    world.write_latest("v1.1.0")

    class StartsThenBreaks:
        """Its execution can be seen two seconds after the start."""

        invocations = 0
        started_at = 0

        def invoke(self, function_arn: str, payload: dict[str, object]) -> Invocation:
            self.invocations += 1
            if self.invocations > 1:
                return second
            self.started_at = world.clock.now()
            world.pipelines.invoke(function_arn, payload)
            return Broke("after the start")

        def describe(self, execution_arn: str) -> Execution | None:
            if world.clock.now() < self.started_at + 2000:
                return None
            return world.pipelines.describe(execution_arn)

    lagging = StartsThenBreaks()
    world.replace_ports(invoker=lagging, executions=lagging)
    transform = world.submit()
    assert (transform.route, transform.target.tag) == (Route.LATEST, "v1.1.0")
    assert len(world.pipelines.executions()) == 1


def test_with_ssm_down_it_is_asked_once_in_a_while_and_not_by_every_request() -> None:
    world = World(pointer_ttl=5)
    pointers = CountingPointers(world)
    world.replace_ports(pointers=pointers)
    world.submit()
    world.clock.advance(5)
    pointers.down = True
    for _ in range(50):
        world.submit()
    assert pointers.reads == 2


def test_a_service_that_was_never_released_is_not_looked_up_by_every_request() -> None:
    world = World(pointer_ttl=5, current="")
    pointers = CountingPointers(world)
    world.replace_ports(pointers=pointers)
    for _ in range(50):
        with pytest.raises(NoCurrentVersion):
            world.submit()
    assert pointers.reads == 1

"""Marks that arrive late or never: the job runs, and whoever looks for it finds it."""

import json
from typing import Any

import pytest
from tests.unit.test_api import ask, get, post
from tests.unit.world import SERVICE, World, arn

from canary_router.core.conditions import Write
from canary_router.core.model import ReleaseState, Route, Status, Transform
from canary_router.errors import NotVisible
from canary_router.ports import Accepted, Execution, Refused

OWN_NAME = "arn:aws:lambda:eu-west-1:123456789012:function:a-name-of-its-own"
OWN_EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:a-machine-of-its-own"


class Post:
    """An outbox whose writes lie there until somebody takes them."""

    def __init__(self) -> None:
        self.sent: list[Write] = []

    def send(self, write: Write) -> None:
        self.sent.append(write)

    def arrive(self, world: World) -> None:
        """All of them, in the order in which they were sent."""
        for write in self.sent:
            world.ledger.commit((write,))


def late(*, policy: dict[str, Any] | None = None, latest: str = "v1.1.0") -> tuple[World, Post]:
    world, post_office = World(), Post()
    world.replace_ports(outbox=post_office)
    world.pointers.put(SERVICE, "policy", json.dumps(policy or {}), "")
    if latest:
        world.write_latest(latest)
    return world, post_office


def test_a_canary_is_answered_before_its_mark_has_arrived() -> None:
    world, office = late()
    transform = world.submit()
    assert (transform.status, transform.route) == (Status.RUNNING, Route.LATEST)
    assert world.recorded(transform.transform_id).status is Status.ADMITTED
    office.arrive(world)
    recorded = world.recorded(transform.transform_id)
    assert (recorded.status, recorded.execution_arn) == (Status.RUNNING, transform.execution_arn)


def test_an_outcome_that_comes_before_the_mark_stands() -> None:
    world, office = late()
    for canary in [world.submit() for _ in range(2)]:
        world.end(canary)
        office.arrive(world)
        assert world.recorded(canary.transform_id).status is Status.SUCCEEDED
    assert world.release.state is ReleaseState.PROMOTED


@pytest.mark.parametrize("tell", [True, False])
def test_releases_are_judged_without_any_mark(*, tell: bool) -> None:
    world, _ = late()
    for canary in [world.submit() for _ in range(2)]:
        world.end(canary, tell=tell)
    world.reconcile()
    assert world.release.state is ReleaseState.PROMOTED


def test_the_next_pass_of_the_controller_marks_what_runs() -> None:
    world, _ = late()
    canary = world.submit()
    world.reconcile()
    assert world.recorded(canary.transform_id).execution_arn == canary.execution_arn


@pytest.mark.parametrize("with_arn", [True, False], ids=["as its status_url says", "by its id alone"])
def test_whoever_asks_before_the_mark_has_arrived_sees_where_the_job_runs(*, with_arn: bool) -> None:
    world, _ = late()
    _, accepted = ask(world, post())
    event = get(accepted["transform_id"], **({"execution_arn": accepted["execution_arn"]} if with_arn else {}))
    assert ask(world, event) == (200, accepted)
    world.pipelines.end(accepted["execution_arn"], Status.FAILED)
    assert ask(world, event) == (200, {**accepted, "status": "FAILED"})


def test_a_recorded_job_of_current_is_shown_so_too() -> None:
    world, office = late(policy={"record": "all"}, latest="")
    _, accepted = ask(world, post())
    assert len(office.sent) == 1
    assert ask(world, get(accepted["transform_id"])) == (200, accepted)


def test_a_job_that_current_took_over_is_marked_without_waiting_too() -> None:
    world, office = late()
    world.pipelines.answers[arn("v1.1.0")] = Refused("throttled")
    transform = world.submit()
    assert (transform.route, len(office.sent)) == (Route.CURRENT, 1)
    office.arrive(world)
    recorded = world.recorded(transform.transform_id, fallback=True)
    assert (recorded.status, recorded.execution_arn) == (Status.RUNNING, transform.execution_arn)


class Looks:
    """Step Functions that show no execution, or none that may be seen."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    def describe(self, execution_arn: str) -> Execution | None:
        if self._error is not None:
            raise self._error
        return None


@pytest.mark.parametrize("executions", [Looks(), Looks(NotVisible("another account's"))], ids=["not yet", "not ever"])
@pytest.mark.parametrize("with_arn", [True, False])
def test_an_execution_that_cannot_be_seen_leaves_the_job_as_it_is_on_record(
    executions: Looks, *, with_arn: bool
) -> None:
    world, _ = late()
    _, accepted = ask(world, post())
    world.replace_ports(executions=executions)
    query = {"execution_arn": accepted["execution_arn"]} if with_arn else {}
    status, found = ask(world, get(accepted["transform_id"], **query))
    assert (status, found["status"], found["route"]) == (200, "ADMITTED", "latest")


def only_the_mark_can_tell(world: World) -> Transform:
    world.pipelines.answers[OWN_NAME] = lambda payload: Accepted(f"{OWN_EXECUTION}:{payload['transform_id']}")
    world.clock.advance(1)
    world.pointers.put(SERVICE, "latest", OWN_NAME, "")
    return world.submit()


def test_where_only_the_mark_can_tell_where_a_job_runs_it_is_waited_for() -> None:
    world, office = late(latest="")
    transform = only_the_mark_can_tell(world)
    assert (transform.route, office.sent) == (Route.LATEST, [])
    assert world.recorded(transform.transform_id).execution_arn == f"{OWN_EXECUTION}:{transform.transform_id}"


@pytest.mark.parametrize("latest", ["v1.1.0", ""], ids=["canary", "current"])
def test_the_mark_of_a_job_with_a_key_is_waited_for_since_a_retry_reads_it(latest: str) -> None:
    world, office = late(latest=latest)
    transform = world.submit(key="k")
    assert (world.recorded(transform.transform_id).status, office.sent) == (Status.RUNNING, [])
    assert world.submit(key="k") == transform
    assert len(world.pipelines.invocations) == 1

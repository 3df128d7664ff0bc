from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.world import SERVICE, FaultyLedger, World, arn

from canary_router.adapters.memory import MemoryPointers
from canary_router.core import changes
from canary_router.core.conditions import Item, Key, Refusal, Write
from canary_router.core.model import ReleaseState, Status, Transform
from canary_router.core.pointers import Readings
from canary_router.errors import Unavailable
from canary_router.flows.operate import Released, withdraw
from canary_router.flows.outcome import Controller, Ended
from canary_router.flows.starting import mark
from canary_router.ports import Refused

BAD = [Status.FAILED, Status.TIMED_OUT, Status.ABORTED]


def canaries(world: World, tag: str = "v1.1.0") -> list[Transform]:
    world.write_latest(tag)
    return [world.submit() for _ in range(2)]


def told(world: World) -> list[str]:
    return [announcement.detail_type for announcement in world.notifier.told]


def test_all_succeeded_so_latest_becomes_current() -> None:
    world = World()
    first, second = canaries(world)
    world.end(first)
    assert (world.release.state, world.pointer("current")) == (ReleaseState.OPEN, arn("v1.0.0"))
    world.end(second)
    assert (world.release.state, world.release.succeeded) == (ReleaseState.PROMOTED, 2)
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.1.0"), "none")
    assert world.state.previous is not None
    assert (world.state.previous.tag, world.state.open_release) == ("v1.0.0", None)
    assert told(world) == ["Release Opened", "Release Promoted"]


@pytest.mark.parametrize("status", BAD)
def test_one_bad_end_turns_the_release_away_and_current_was_never_touched(status: Status) -> None:
    world = World()
    first, second = canaries(world)
    world.end(first, status)
    assert world.release.state is ReleaseState.ABORTED
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.0.0"), "none")
    assert world.readings.current is not None
    assert world.readings.current.version == 1
    assert told(world) == ["Release Opened", "Release Aborted"]
    world.end(second)
    assert (world.release.state, world.release.succeeded) == (ReleaseState.ABORTED, 1)


def test_a_duplicate_event_counts_once() -> None:
    world = World()
    first, _ = canaries(world)
    for _ in range(3):
        world.end(first)
    assert (world.release.succeeded, world.release.state) == (1, ReleaseState.OPEN)


def test_an_event_that_overtakes_the_mark_stands() -> None:
    world = World()
    world.write_latest("v1.1.0")
    transform = world.submit()
    # The record as it was before the router marked the start.
    late = world.recorded(transform.transform_id)
    world.end(transform)
    mark(world.ports, late, str(transform.execution_arn))
    assert world.recorded(transform.transform_id).status is Status.SUCCEEDED


def test_the_end_of_somebody_elses_execution_of_that_name_counts_for_nothing() -> None:
    world = World()
    first, _ = canaries(world)
    child = str(first.execution_arn).replace("transformer-v1-1-0", "child-of-it")
    world.controller().on_ended(Ended(first.transform_id, child, Status.FAILED))
    world.controller().on_ended(Ended("unheard-of", child.replace(first.transform_id, "unheard-of"), Status.FAILED))
    assert (world.release.failures, world.release.state) == (0, ReleaseState.OPEN)


def test_the_end_of_a_job_that_current_took_over_does_not_count_for_the_release() -> None:
    world = World()
    world.pointers.put(SERVICE, "policy", '{"requests": 3, "max_failures": 1, "successes": 2}', "")
    world.write_latest("v1.1.0")
    world.pipelines.answers[arn("v1.1.0")] = Refused("throttled")
    taken_over = world.submit()
    world.end(taken_over)
    assert world.recorded(taken_over.transform_id, fallback=True).status is Status.SUCCEEDED
    assert (world.release.succeeded, world.release.not_started) == (0, 1)


def test_after_an_abort_the_same_version_comes_back_only_by_a_new_release() -> None:
    world = World()
    first, _ = canaries(world)
    world.end(first, Status.FAILED)
    assert world.submit().target.tag == "v1.0.0"
    for transform in canaries(world):
        assert transform.target.tag == "v1.1.0"
        world.end(transform)
    assert [release.state for release in world.releases[:2]] == [ReleaseState.PROMOTED, ReleaseState.ABORTED]


def test_outcomes_of_a_superseded_release_decide_nothing() -> None:
    world = World()
    old = canaries(world)
    new = canaries(world, "v1.2.0")
    for transform in old:
        world.end(transform, Status.FAILED)
    assert world.release.state is ReleaseState.OPEN
    for transform in new:
        world.end(transform)
    newer, older = world.releases[:2]
    assert (newer.state, older.state, older.failed) == (ReleaseState.PROMOTED, ReleaseState.SUPERSEDED, 2)
    assert world.pointer("current") == arn("v1.2.0")


def test_a_release_written_while_another_is_decided_is_not_lost() -> None:
    world = World()
    first, second = canaries(world)
    world.end(first)

    class DeployDuringTheBlank:
        """Between the controller's look at latest and its blank, somebody releases v2.0.0."""

        def __init__(self) -> None:
            self.read = world.pointers.read
            self.history = world.pointers.history

        def put(self, service: str, leaf: str, value: str, note: str) -> int:
            if value == "none":
                world.pointers.put(service, leaf, arn("v2.0.0"), "a deployment")
            return world.pointers.put(service, leaf, value, note)

    world.replace_ports(pointers=DeployDuringTheBlank())
    world.end(second)
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.1.0"), arn("v2.0.0"))
    world.replace_ports(pointers=world.pointers)
    assert world.submit().target.tag == "v2.0.0"


def test_only_one_of_two_controllers_writes_the_pointers() -> None:
    world = World()
    for transform in canaries(world):
        world.end(transform, tell=False)
    assert world.state.lease_until == 0
    world.reconcile()
    assert world.readings.current is not None
    assert (world.readings.current.version, world.pointer("current")) == (2, arn("v1.1.0"))


def test_an_outcome_that_decides_nothing_is_one_read_and_one_write() -> None:
    world = World()
    first, _ = canaries(world)
    world.ledger.gets, world.ledger.commits = 0, []
    world.end(first)
    assert (world.ledger.gets, len(world.ledger.commits)) == (1, 1)
    world.end(first)
    assert (world.ledger.gets, len(world.ledger.commits)) == (2, 1)


def test_a_decision_is_recorded_while_another_run_holds_the_lease_and_finished_after_it() -> None:
    world = World()
    first, second = canaries(world)
    world.end(first)
    world.controller().driver.lease.take(SERVICE)
    world.end(second)
    assert (world.release.state, world.pointer("current")) == (ReleaseState.PROMOTING, arn("v1.0.0"))
    world.clock.advance(40)
    world.reconcile()
    assert (world.release.state, world.pointer("current")) == (ReleaseState.PROMOTED, arn("v1.1.0"))


def test_an_outcome_that_comes_between_is_counted_and_the_verdict_made_anew() -> None:
    world = World()
    world.pointers.put(SERVICE, "policy", '{"requests": 3, "successes": 2, "max_failures": 1}', "")
    world.write_latest("v1.1.0")
    first, second, third = (world.submit() for _ in range(3))
    world.end(first)

    class SomebodyElse(FaultyLedger):
        """Settles the third job right after the second one's first write was refused."""

        def commit(self, writes: Sequence[Write]) -> Refusal | None:
            refusal = world.ledger.commit(writes)
            if refusal is not None and refusal.names() == {changes.QUIET}:
                world.controller().settle(third, Status.FAILED, third.execution_arn)
            return refusal

        def get(self, key: Key, *, consistent: bool = True) -> Item | None:
            return world.ledger.get(key, consistent=consistent)

    ports = replace(world.ports, ledger=SomebodyElse())
    assert second.execution_arn is not None
    world.pipelines.end(second.execution_arn, Status.SUCCEEDED)
    ended = Ended(second.transform_id, second.execution_arn, Status.SUCCEEDED)
    Controller(ports, world.settings, owner="between").on_ended(ended)
    assert (world.release.state, world.release.failed) == (ReleaseState.PROMOTED, 1)
    assert world.release.reason == "2 of 2 required jobs succeeded (2 succeeded, 1 failed, 0 running)"


def test_a_version_whose_deployment_was_rolled_back_never_becomes_current_however_well_its_jobs_end() -> None:
    world = World()
    jobs = canaries(world)
    latest = world.readings.latest
    assert latest is not None
    world.end(jobs[0])
    assert withdraw(world.pointers, SERVICE, Released(arn("v1.1.0"), latest.version))
    world.end(jobs[1])
    assert world.pointer("current") == arn("v1.0.0")
    world.reconcile()
    assert (world.release_state(), world.pointer("current")) == (ReleaseState.ABORTED, arn("v1.0.0"))
    assert (world.release.succeeded, world.release.reason) == (2, "withdrawn: latest was blanked by somebody else")


def test_an_outcome_is_counted_while_ssm_is_silent_and_decides_when_it_answers_again() -> None:
    world = World()
    jobs = canaries(world)
    world.end(jobs[0])

    class Silent(MemoryPointers):
        def read(self, service: str) -> Readings:
            raise Unavailable("it does not answer")

    world.replace_ports(pointers=Silent(world.clock))
    world.end(jobs[1])
    assert (world.release.succeeded, world.release_state()) == (2, ReleaseState.OPEN)
    world.replace_ports(pointers=world.pointers)
    world.reconcile()
    assert (world.release_state(), world.pointer("current")) == (ReleaseState.PROMOTED, arn("v1.1.0"))

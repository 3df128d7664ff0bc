from collections.abc import Sequence

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.core import changes
from canary_router.core.conditions import Item, Key, Refusal, Write
from canary_router.core.model import Basis, ReleaseState, Status, Transform
from canary_router.errors import StartUnknown, Unavailable, Uncertain
from canary_router.ports import Invocation, Lost, Page


def canaries(world: World, tag: str = "v1.1.0") -> list[Transform]:
    world.write_latest(tag)
    return [world.submit() for _ in range(2)]


def test_with_every_event_lost_a_release_is_still_promoted() -> None:
    world = World()
    for transform in canaries(world):
        world.end(transform, tell=False)
    world.reconcile()
    assert (world.release.state, world.pointer("current")) == (ReleaseState.PROMOTED, arn("v1.1.0"))
    assert world.pointer("latest") == "none"


def test_with_every_event_lost_a_bad_release_is_still_aborted() -> None:
    world = World()
    world.end(canaries(world)[0], Status.TIMED_OUT, tell=False)
    world.reconcile()
    assert (world.release.state, world.pointer("latest")) == (ReleaseState.ABORTED, "none")


def test_jobs_that_never_end_are_overdue_at_the_deadline() -> None:
    world = World()
    world.pointers.put(SERVICE, "policy", '{"deadline": "PT10M"}', "")
    canaries(world)
    world.clock.advance(480)
    world.reconcile()
    assert world.release_state() is ReleaseState.OPEN
    world.reconcile()
    assert world.release_state() is ReleaseState.ABORTED
    assert "deadline" in world.release.reason


def test_a_release_that_no_request_has_opened_is_opened_and_told() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.reconcile()
    assert world.release_state() is ReleaseState.OPEN
    assert [announcement.detail_type for announcement in world.notifier.told] == ["Release Opened"]
    world.reconcile()
    assert len(world.notifier.told) == 1


def test_the_first_version_becomes_current_at_once() -> None:
    world = World(current="")
    world.write_latest("v1.0.0")
    world.reconcile()
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.0.0"), "none")
    assert (world.release.basis, world.release.state, world.release.admitted) == (
        Basis.FIRST,
        ReleaseState.PROMOTED,
        0,
    )
    assert world.submit().target.tag == "v1.0.0"


def test_released_what_is_current_already_is_closed_without_a_canary() -> None:
    world = World()
    world.write_latest("v1.0.0")
    world.reconcile()
    assert (world.release.state, world.release.reason) == (ReleaseState.PROMOTED, "already current")
    assert world.pointer("latest") == "none"
    assert world.readings.current is not None
    assert world.readings.current.version == 1


def test_current_written_by_hand_is_adopted_and_the_release_goes_on_against_it() -> None:
    world = World()
    world.reconcile()
    first, second = canaries(world)
    world.end(first)
    world.pointers.put(SERVICE, "current", arn("v0.9.0"), "by hand")
    world.reconcile()
    assert world.pointer("current") == arn("v0.9.0")
    assert world.state.current is not None
    assert world.state.current.tag == "v0.9.0"
    adopted = [release for release in world.releases if release.basis is Basis.ADOPTED]
    assert [release.target.tag for release in adopted] == ["v0.9.0", "v1.0.0"]
    world.end(second)
    assert world.pointer("current") == arn("v1.1.0")
    assert world.state.previous is not None
    assert world.state.previous.tag == "v0.9.0"


def test_a_blanked_latest_withdraws_the_release() -> None:
    world = World()
    canaries(world)
    world.clock.advance(1)
    world.pointers.put(SERVICE, "latest", "none", "a person")
    world.reconcile()
    assert world.release_state() is ReleaseState.ABORTED
    assert "withdrawn" in world.release.reason
    assert world.readings.latest is not None
    assert world.readings.latest.version == 2


def test_a_latest_overwritten_with_rubbish_withdraws_the_release_and_stays() -> None:
    world = World()
    canaries(world)
    world.clock.advance(1)
    world.pointers.put(SERVICE, "latest", "rubbish", "a person")
    world.reconcile()
    assert (world.release.state, world.pointer("latest")) == (ReleaseState.ABORTED, "rubbish")


def test_a_release_whose_place_a_newer_one_takes_does_not_wait_for_the_policy_of_that_one() -> None:
    world = World()
    canaries(world)
    world.pointers.put(SERVICE, "policy", "rubbish", "a person")
    world.write_latest("v1.2.0")
    world.reconcile()
    assert (world.release.target.tag, world.release.state) == ("v1.1.0", ReleaseState.ABORTED)
    assert world.release.reason == (
        "withdrawn: v1.2.0 was released after it, and waits until policy and current are valid"
    )
    world.pointers.put(SERVICE, "policy", "{}", "mended")
    world.reconcile()
    assert (world.release.target.tag, world.release.state) == ("v1.2.0", ReleaseState.OPEN)


def test_nothing_is_promoted_over_an_invalid_current() -> None:
    world = World()
    for transform in canaries(world):
        world.end(transform, tell=False)
    world.pointers.put(SERVICE, "current", "oops", "a person")
    world.reconcile()
    assert (world.release.state, world.pointer("current")) == (ReleaseState.OPEN, "oops")
    world.pointers.put(SERVICE, "current", arn("v1.0.0"), "mended")
    world.reconcile()
    assert world.pointer("current") == arn("v1.1.0")


class NothingStarts:
    def invoke(self, function_arn: str, payload: dict[str, object]) -> Invocation:
        return Lost("timeout")


def test_an_admitted_job_without_an_execution_fails_the_release_only_after_the_grace_time() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.replace_ports(invoker=NothingStarts())
    with pytest.raises(StartUnknown) as unknown:
        world.submit()
    world.reconcile()
    assert world.recorded(str(unknown.value.transform_id)).status is Status.ADMITTED
    world.clock.advance(world.settings.grace)
    world.reconcile()
    assert world.recorded(str(unknown.value.transform_id)).status is Status.NOT_STARTED
    assert (world.release.state, world.release.not_started) == (ReleaseState.ABORTED, 1)


def test_a_start_whose_mark_was_lost_is_found_by_its_name() -> None:
    world = World()
    world.write_latest("v1.1.0")

    class TableDiesAfterTheStart:
        def invoke(self, function_arn: str, payload: dict[str, object]) -> Invocation:
            answer = world.pipelines.invoke(function_arn, payload)
            world.ledger.down = True
            return answer

    world.replace_ports(invoker=TableDiesAfterTheStart())
    transform = world.submit()
    world.ledger.down = False
    assert world.recorded(transform.transform_id).status is Status.ADMITTED
    world.reconcile()
    assert world.recorded(transform.transform_id).status is Status.RUNNING


@pytest.mark.parametrize("dies_at", ["current", "blank", "blank, after it happened"])
def test_a_controller_that_dies_between_pointer_writes_is_finished_by_the_next(dies_at: str) -> None:
    world = World()
    first, second = canaries(world)
    world.end(first)

    class Dying:
        def __init__(self) -> None:
            self.read = world.pointers.read
            self.history = world.pointers.history

        def put(self, service: str, leaf: str, value: str, note: str) -> int:
            if leaf == dies_at.split(",", maxsplit=1)[0] or (value == "none" and dies_at.startswith("blank")):
                if "after" in dies_at:
                    world.pointers.put(service, leaf, value, note)
                raise Uncertain("the function was killed")
            return world.pointers.put(service, leaf, value, note)

    world.replace_ports(pointers=Dying())
    with pytest.raises(Uncertain):
        world.end(second)
    world.replace_ports(pointers=world.pointers)
    assert world.release_state() is ReleaseState.PROMOTING
    world.reconcile()
    # The dead one's lease has not run out: its write might still arrive.
    assert world.release_state() is ReleaseState.PROMOTING
    world.reconcile()
    assert world.release_state() is ReleaseState.PROMOTED
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.1.0"), "none")
    assert world.readings.current is not None
    assert world.readings.current.version == 2


def test_a_write_that_a_dead_controller_blanked_unseen_is_put_back_by_the_next() -> None:
    world = World()
    first, second = canaries(world)
    world.end(first)

    class SlippedInThenKilled:
        def __init__(self) -> None:
            self.read = world.pointers.read
            self.history = world.pointers.history

        def put(self, service: str, leaf: str, value: str, note: str) -> int:
            if value != "none":
                return world.pointers.put(service, leaf, value, note)
            world.clock.advance(1)
            world.pointers.put(service, leaf, arn("v2.0.0"), "a deployment")
            world.pointers.put(service, leaf, value, note)
            raise Uncertain("the function was killed")

    world.replace_ports(pointers=SlippedInThenKilled())
    with pytest.raises(Uncertain):
        world.end(second)
    world.replace_ports(pointers=world.pointers)
    world.reconcile()
    world.reconcile()
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.1.0"), arn("v2.0.0"))
    world.reconcile()
    assert (world.release.target.tag, world.release.state) == ("v2.0.0", ReleaseState.OPEN)


def test_while_somebody_holds_the_lease_nobody_else_writes_pointers() -> None:
    world = World()
    first, second = canaries(world)
    world.end(first)
    now = world.clock.now()
    assert world.ledger.commit(changes.take_lease(SERVICE, "another", now, now + 90_000)) is None
    world.end(second)
    assert (world.release.state, world.pointer("current")) == (ReleaseState.PROMOTING, arn("v1.0.0"))
    world.reconcile()
    assert world.pointer("current") == arn("v1.0.0")
    world.reconcile()
    assert world.pointer("current") == arn("v1.1.0")


def test_nobody_listening_does_not_stop_a_release() -> None:
    world = World()

    class Deaf:
        def tell(self, announcement: object) -> None:
            raise Unavailable("EventBridge is down")

    world.replace_ports(notifier=Deaf())
    for transform in canaries(world):
        world.end(transform)
    assert world.release_state() is ReleaseState.PROMOTED


def test_judging_never_lists_jobs() -> None:
    world = World()
    first, second = canaries(world)
    world.ledger.by_index = None  # type: ignore[method-assign, assignment]
    world.end(first)
    world.end(second)
    assert world.release_state() is ReleaseState.PROMOTED


@pytest.mark.parametrize("error", [Unavailable("silent"), ZeroDivisionError()])
def test_the_trouble_of_one_job_is_told_and_keeps_no_other_job_waiting(error: Exception) -> None:
    world = World()
    jobs = [world.submit(key=f"job-{number}") for number in range(3)]
    for job in jobs:
        world.end(job, tell=False)

    class Troubled:
        def get(self, key: Key, *, consistent: bool = True) -> Item | None:
            return world.ledger.get(key, consistent=consistent)

        def commit(self, writes: Sequence[Write]) -> Refusal | None:
            if any(write.key.partition.endswith(jobs[0].transform_id) for write in writes):
                raise error
            return world.ledger.commit(writes)

        def by_index(
            self, index: str, value: str, *, cursor: str | None = None, limit: int = 100, newest_first: bool = False
        ) -> Page:
            return world.ledger.by_index(index, value, cursor=cursor, limit=limit, newest_first=newest_first)

    world.replace_ports(ledger=Troubled())
    with pytest.raises(type(error)):
        world.reconcile()
    assert [world.recorded(job.transform_id).status for job in jobs] == [
        Status.RUNNING,
        Status.SUCCEEDED,
        Status.SUCCEEDED,
    ]

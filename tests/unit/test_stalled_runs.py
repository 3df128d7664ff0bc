"""A run that stalls between its read and its write finds out that the job was begun anew meanwhile."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.core import changes
from canary_router.core.conditions import Item, Key, Refusal, Write
from canary_router.core.model import Route, Status, Transform, Version
from canary_router.errors import NotStartedOnCurrent
from canary_router.flows.rescue import Rescuer
from canary_router.ports import Ledger, Page, Refused


def test_a_stalled_retry_neither_joins_nor_gives_up_a_new_start_of_its_job() -> None:
    world = World()
    world.pipelines.answers[arn("v1.0.0")] = Refused("throttled")
    with pytest.raises(NotStartedOnCurrent) as refused:
        world.submit(key="k")
    given_up = world.recorded(str(refused.value.transform_id))
    stalled = replace(given_up, status=Status.ADMITTED)
    now = world.clock.now() + 1
    assert world.ledger.commit(changes.start_again(given_up, Version(arn("v1.0.1"), "v1.0.1"), now)) is None
    assert world.ledger.commit(changes.join_attempt(stalled, now)) is not None
    assert world.ledger.commit(changes.settle_not_started(stalled, now)) is not None


def test_a_stalled_run_does_not_release_a_later_attempt_of_a_rescue() -> None:
    world = World()
    world.pointers.put(SERVICE, "policy", '{"rescue": true}', "")
    world.write_latest("v1.1.0")
    canary = world.submit()
    world.end(canary, Status.FAILED, tell=False)
    failed = world.recorded(canary.transform_id)
    assert world.ledger.commit(changes.settle(failed, Status.FAILED, failed.execution_arn, 1)) is None
    current = Version(arn("v1.0.0"), "v1.0.0")
    due = world.recorded(f"{canary.transform_id}-rescue")
    assert world.ledger.commit(changes.attempt_rescue(due, current, 10)) is None
    stalled = world.recorded(due.transform_id)
    assert world.ledger.commit(changes.release_rescue(stalled)) is None
    free = world.recorded(due.transform_id)
    # In the same millisecond: clocks differ, so the time of an attempt tells nothing.
    assert world.ledger.commit(changes.attempt_rescue(free, current, 10)) is None
    assert world.ledger.commit(changes.release_rescue(stalled)) is not None


class AttemptedMeanwhile:
    """A record on which another run attempts a rescue just before this run's first commit arrives."""

    def __init__(self, ledger: Ledger, due: Transform) -> None:
        self.ledger = ledger
        self.due: Transform | None = due

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        due, self.due = self.due, None
        if due is not None:
            assert self.ledger.commit(changes.attempt_rescue(due, Version(arn("v1.0.0"), "v1.0.0"), 10)) is None
        return self.ledger.commit(writes)

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        return self.ledger.get(key, consistent=consistent)

    def by_index(
        self, index: str, value: str, *, cursor: str | None = None, limit: int = 100, newest_first: bool = False
    ) -> Page:
        return self.ledger.by_index(index, value, cursor=cursor, limit=limit, newest_first=newest_first)

    def by_prefix(self, partition: str, prefix: str, *, cursor: str | None = None, limit: int = 100) -> Page:
        return self.ledger.by_prefix(partition, prefix, cursor=cursor, limit=limit)


def test_a_rescue_is_not_given_up_after_a_day_while_another_run_attempts_it() -> None:
    world = World()
    failed = Transform("t-1", SERVICE, Route.LATEST, Version(arn("v1.1.0"), "v1.1.0"), Status.RUNNING, 1, 1, "h")
    due = changes.rescue_for(failed, world.clock.now())
    assert world.ledger.commit(changes.record(due)) is None
    world.clock.advance(90_000)
    world.replace_ports(ledger=AttemptedMeanwhile(world.ledger, due))
    Rescuer(world.ports, world.settings.grace).start(due.transform_id)
    assert world.recorded(due.transform_id).status is Status.ADMITTED

"""A run that stalls between its read and its write finds out that the job was begun anew meanwhile."""

from dataclasses import replace

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.core import changes
from canary_router.core.model import Status, Version
from canary_router.errors import NotStartedOnCurrent
from canary_router.ports import Refused


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
    assert world.ledger.commit(changes.attempt_rescue(due, current, 20)) is None
    assert world.ledger.commit(changes.release_rescue(stalled)) is not None

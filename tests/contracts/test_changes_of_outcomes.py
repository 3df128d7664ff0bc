"""How an outcome is counted: quietly while it decides nothing, else with the decision, on every ledger alike."""

from dataclasses import replace
from typing import Any

import pytest
from tests.contracts.samples import (
    NOW,
    opened,
    put,
    recorded,
    recorded_release,
    refused,
    state,
    transform,
)

from canary_router.core import changes
from canary_router.core.model import Release, ReleaseState, Status
from canary_router.core.policy import Policy
from canary_router.core.verdict import counted, decided
from canary_router.ports import Ledger

ARN = "arn:aws:states:us-east-1:000000000000:execution:service-v1-1-0:t"


def release_with(ledger: Ledger, service: str, jobs: int, **fields: Any) -> Release:
    """An open release and its jobs on record."""
    made = opened(ledger, service, admitted=jobs, **fields)
    for number in range(1, jobs + 1):
        put(ledger, transform(service, number, release_id=made.release_id))
    return made


def settled(service: str, number: int, status: Status = Status.SUCCEEDED) -> changes.Commit:
    return changes.settle(transform(service, number), status, ARN, NOW + 9)


def test_an_outcome_that_decides_nothing_is_counted_in_one_write(ledger: Ledger, service: str) -> None:
    made = release_with(ledger, service, 2)
    assert ledger.commit(changes.quietly(settled(service, 1))) is None
    assert recorded_release(ledger, made) == replace(made, succeeded=1)
    job = recorded(ledger, transform(service, 1))
    assert job is not None
    assert (job.status, job.execution_arn) == (Status.SUCCEEDED, ARN)


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED])
def test_one_that_may_decide_is_refused_and_brings_the_release_along(
    ledger: Ledger, service: str, status: Status
) -> None:
    made = release_with(ledger, service, 2, succeeded=1)
    refusal = ledger.commit(changes.quietly(settled(service, 2, status)))
    assert refused(refusal) == {changes.QUIET}
    assert refusal is not None
    assert refusal.failures[0].item is not None
    assert refusal.failures[0].item["succeeded"] == 1
    assert recorded_release(ledger, made) == made
    assert recorded(ledger, transform(service, 2)) == transform(service, 2)


def test_failures_that_are_allowed_are_quiet_until_they_are_too_many(ledger: Ledger, service: str) -> None:
    policy = Policy(requests=4, successes=2, max_failures=2)
    made = release_with(ledger, service, 4, policy=policy)
    assert ledger.commit(changes.quietly(settled(service, 1, Status.FAILED))) is None
    assert ledger.commit(changes.settle_not_started(transform(service, 2), NOW)) is None
    assert refused(ledger.commit(changes.quietly(settled(service, 3, Status.TIMED_OUT)))) == {changes.QUIET}
    assert recorded_release(ledger, made) == replace(made, failed=1, not_started=1)


@pytest.mark.parametrize("decided_as", [ReleaseState.PROMOTING, ReleaseState.ABORTING])
def test_late_outcomes_are_quiet(ledger: Ledger, service: str, decided_as: ReleaseState) -> None:
    made = release_with(ledger, service, 2, succeeded=1)
    ledger.commit(changes.decide(made, decided_as, "because", NOW))
    assert ledger.commit(changes.quietly(settled(service, 2, Status.FAILED))) is None
    assert recorded_release(ledger, made).failed == 1


def test_those_of_a_superseded_release_are_quiet_too(ledger: Ledger, service: str) -> None:
    made = release_with(ledger, service, 2, succeeded=1)
    opened(ledger, service, 2, older=made.release_id)
    assert ledger.commit(changes.quietly(settled(service, 2, Status.FAILED))) is None
    assert recorded_release(ledger, made).failed == 1


def judged(ledger: Ledger, service: str) -> tuple[Release, Release]:
    """A release whose second success is about to be counted, and what the verdict makes of it."""
    made = release_with(ledger, service, 2, succeeded=1)
    after = decided(counted(made, Status.SUCCEEDED), NOW + 9)
    assert after is not None
    return made, after


def test_an_outcome_and_its_decision_and_the_lease_are_one_write(ledger: Ledger, service: str) -> None:
    made, after = judged(ledger, service)
    lease = changes.take_lease(service, "me", NOW, NOW + 90)
    assert ledger.commit((*changes.deciding(settled(service, 2), made, after), *lease)) is None
    assert recorded_release(ledger, made) == after
    assert (after.state, after.succeeded) == (ReleaseState.PROMOTING, 2)
    assert (state(ledger, service).lease_owner, state(ledger, service).open_release) == ("me", made.release_id)


def test_a_decision_is_of_the_release_as_it_stands_on_record(ledger: Ledger, service: str) -> None:
    made, after = judged(ledger, service)
    deciding = changes.deciding(settled(service, 2), made, after)
    put(ledger, replace(made, succeeded=2))
    assert refused(ledger.commit(deciding)) == {changes.SAME_COUNTS}
    put(ledger, replace(made, state=ReleaseState.PAUSED))
    assert refused(ledger.commit(deciding)) == {changes.EXPECTED_STATE}
    put(ledger, made)
    ledger.commit(changes.settle(transform(service, 2), Status.SUCCEEDED, ARN, NOW))
    assert refused(ledger.commit(deciding)) == {changes.UNSETTLED_JOB, changes.SAME_COUNTS}

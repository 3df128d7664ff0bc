"""Each change of a transform: made when it may be, refused by name when it may not, on every ledger alike."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.contracts.samples import (
    NOW,
    on_current,
    opened,
    put,
    recorded,
    recorded_release,
    refused,
    release,
    transform,
    version,
)

from canary_router import settings
from canary_router.core import changes, records
from canary_router.core.model import UNDETERMINED, ReleaseState, Route, Status, Transform
from canary_router.core.policy import Policy
from canary_router.ports import Ledger

ARN = "arn:aws:states:us-east-1:000000000000:execution:transformer-v1-1-0:t-1"
FINAL = [status for status in Status if status.is_final]
ENDS = [status for status in FINAL if status is not Status.NOT_STARTED]


def pending(ledger: Ledger, service: str) -> list[str]:
    return [str(item["transform_id"]) for item in ledger.by_index(settings.PENDING_INDEX, service).items]


def admitted(ledger: Ledger, service: str, **fields: object) -> Transform:
    """A job that has one of the places of an open release; with fields, at a later point of its life."""
    opened(ledger, service)
    job = transform(service)
    assert ledger.commit(changes.admit(release(service).release_id, job, None)) is None
    if fields:
        job = replace(job, **fields)  # type: ignore[arg-type]  # fields of a Transform
        put(ledger, job)
    return job


def test_a_job_is_admitted_counted_and_listed(ledger: Ledger, service: str) -> None:
    job = admitted(ledger, service)
    assert recorded(ledger, job) == job
    assert recorded_release(ledger, release(service)).admitted == 1
    assert pending(ledger, service) == [job.transform_id]
    index = records.index_value(service, job.release_id)
    assert [item["transform_id"] for item in ledger.by_index(settings.RELEASE_INDEX, index).items] == [job.transform_id]


def test_a_full_budget_admits_nobody(ledger: Ledger, service: str) -> None:
    full = opened(ledger, service, admitted=2)
    refusal = ledger.commit(changes.admit(full.release_id, transform(service), None))
    assert refused(refusal) == {changes.ROOM}
    assert recorded(ledger, transform(service)) is None
    assert recorded_release(ledger, full).admitted == 2


@pytest.mark.parametrize("state", [state for state in ReleaseState if state is not ReleaseState.OPEN])
def test_only_an_open_release_admits(ledger: Ledger, service: str, state: ReleaseState) -> None:
    made = opened(ledger, service, state=state)
    refusal = ledger.commit(changes.admit(made.release_id, transform(service), None))
    assert refused(refusal) == {changes.OPEN}
    assert recorded(ledger, transform(service)) is None


def test_nobody_is_admitted_to_a_release_that_does_not_exist(ledger: Ledger, service: str) -> None:
    refusal = ledger.commit(changes.admit("r9-9", transform(service), None))
    assert refused(refusal) == {changes.OPEN, changes.ROOM}


def test_the_same_job_takes_one_place_only(ledger: Ledger, service: str) -> None:
    job = admitted(ledger, service)
    assert refused(ledger.commit(changes.admit(release(service).release_id, job, None))) == {changes.NEW}
    assert recorded_release(ledger, release(service)).admitted == 1


@pytest.mark.parametrize("ledger", ["memory", "ministack"], indirect=True)  # moto's transactions are not isolated
@pytest.mark.parametrize("requests", [1, 2, 5])
def test_thirty_two_routers_admit_exactly_the_budget(ledger: Ledger, service: str, requests: int) -> None:
    made = opened(ledger, service, policy=Policy(requests=requests))

    def admit(number: int) -> bool:
        return ledger.commit(changes.admit(made.release_id, transform(service, number), None)) is None

    with ThreadPoolExecutor(32) as routers:
        taken = list(routers.map(admit, range(32)))
    assert taken.count(True) == requests
    assert recorded_release(ledger, made).admitted == requests
    assert len(pending(ledger, service)) == requests


def test_an_input_that_may_be_needed_again_is_kept_with_the_job_or_not_at_all(ledger: Ledger, service: str) -> None:
    made = opened(ledger, service, admitted=1)
    first, second = transform(service, 1), transform(service, 2)
    assert ledger.commit(changes.admit(made.release_id, first, '{"a":1}')) is None
    assert refused(ledger.commit(changes.admit(made.release_id, second, '{"b":2}'))) == {changes.ROOM}
    assert recorded(ledger, first) == replace(first, kept_input=True)
    kept = ledger.get(records.input_key(first.transform_id))
    assert kept is not None
    assert kept["input"] == '{"a":1}'
    assert ledger.get(records.input_key(second.transform_id)) is None


def test_a_job_is_recorded_once(ledger: Ledger, service: str) -> None:
    job = on_current(service)
    assert ledger.commit(changes.record(job)) is None
    assert refused(ledger.commit(changes.record(replace(job, input_hash="other")))) == {changes.NEW}
    assert recorded(ledger, job) == job
    assert pending(ledger, service) == [job.transform_id]


def test_the_second_half_of_a_record_stands_beside_the_first(ledger: Ledger, service: str) -> None:
    job = admitted(ledger, service)
    taken_over = on_current(service, fallback=True)
    assert ledger.commit(changes.record(taken_over)) is None
    assert (recorded(ledger, job), recorded(ledger, taken_over)) == (job, taken_over)


def test_an_admitted_job_is_marked_as_running(ledger: Ledger, service: str) -> None:
    job = admitted(ledger, service)
    assert ledger.commit(changes.mark_running(job, ARN)) is None
    assert recorded(ledger, job) == replace(job, status=Status.RUNNING, execution_arn=ARN)
    assert pending(ledger, service) == [job.transform_id]


@pytest.mark.parametrize("status", [Status.RUNNING, *FINAL])
def test_what_is_known_of_a_job_is_not_overwritten_by_its_start(ledger: Ledger, service: str, status: Status) -> None:
    job = admitted(ledger, service, status=status)
    assert refused(ledger.commit(changes.mark_running(job, ARN))) == {changes.UNSETTLED_JOB}
    assert recorded(ledger, job) == job


def test_a_start_is_not_marked_on_a_job_that_is_not_on_record(ledger: Ledger, service: str) -> None:
    assert refused(ledger.commit(changes.mark_running(transform(service), ARN))) == {changes.UNSETTLED_JOB}
    assert recorded(ledger, transform(service)) is None


def test_of_two_attempts_that_join_at_once_the_slower_one_reads_again(ledger: Ledger, service: str) -> None:
    job = admitted(ledger, service)
    assert ledger.commit(changes.join_attempt(job, NOW + 7)) is None
    assert refused(ledger.commit(changes.join_attempt(job, NOW + 8))) == {changes.SOLE}
    assert recorded(ledger, job) == replace(job, attempts=2, attempted_at=NOW + 7)


@pytest.mark.parametrize("status", [Status.RUNNING, *FINAL])
def test_nobody_joins_a_job_that_is_known_to_have_started_or_ended(
    ledger: Ledger, service: str, status: Status
) -> None:
    job = admitted(ledger, service, status=status)
    assert refused(ledger.commit(changes.join_attempt(job, NOW))) == {changes.UNSETTLED_JOB}


def test_a_job_of_current_that_was_not_started_is_started_again(ledger: Ledger, service: str) -> None:
    job = on_current(service, status=Status.NOT_STARTED, settled_at=NOW, attempts=3)
    put(ledger, job)
    target = version(service, "v1.1.0")
    assert pending(ledger, service) == []
    assert ledger.commit(changes.start_again(job, target, NOW + 7)) is None
    again = recorded(ledger, job)
    assert again == on_current(service, target=target, attempted_at=NOW + 7, attempts=4)
    assert pending(ledger, service) == [job.transform_id]
    assert refused(ledger.commit(changes.start_again(job, target, NOW + 8))) == {changes.SOLE}
    assert recorded(ledger, job) == again


def test_a_second_failure_to_start_is_not_taken_for_the_first_one(ledger: Ledger, service: str) -> None:
    read = on_current(service, status=Status.NOT_STARTED)
    put(ledger, replace(read, attempts=read.attempts + 1))
    assert refused(ledger.commit(changes.start_again(read, read.target, NOW))) == {changes.SOLE}


@pytest.mark.parametrize("status", ENDS)
@pytest.mark.parametrize("before", [Status.ADMITTED, Status.RUNNING])
def test_an_end_is_recorded_and_counted(ledger: Ledger, service: str, before: Status, status: Status) -> None:
    job = admitted(ledger, service, status=before)
    assert ledger.commit(changes.settle(job, status, ARN, NOW + 9)) is None
    assert recorded(ledger, job) == replace(job, status=status, execution_arn=ARN, settled_at=NOW + 9)
    counted = recorded_release(ledger, release(service))
    expected = (1, 0) if status is Status.SUCCEEDED else (0, 1)
    assert (counted.succeeded, counted.failed, counted.not_started, counted.running) == (*expected, 0, 0)
    assert pending(ledger, service) == []


@pytest.mark.parametrize("second", ENDS)
def test_an_end_is_counted_once(ledger: Ledger, service: str, second: Status) -> None:
    job = admitted(ledger, service)
    ledger.commit(changes.settle(job, Status.SUCCEEDED, ARN, NOW + 9))
    before = (recorded(ledger, job), recorded_release(ledger, release(service)))
    assert refused(ledger.commit(changes.settle(job, second, ARN, NOW + 10))) == {changes.UNSETTLED_JOB}
    assert (recorded(ledger, job), recorded_release(ledger, release(service))) == before


def test_a_late_end_is_counted_for_a_closed_release(ledger: Ledger, service: str) -> None:
    job = admitted(ledger, service)
    put(ledger, replace(recorded_release(ledger, release(service)), state=ReleaseState.ABORTED))
    assert ledger.commit(changes.settle(job, Status.FAILED, ARN, NOW)) is None
    after = recorded_release(ledger, release(service))
    assert (after.state, after.failed) == (ReleaseState.ABORTED, 1)


def test_an_end_without_its_release_is_not_half_recorded(ledger: Ledger, service: str) -> None:
    job = transform(service)
    put(ledger, job)
    assert refused(ledger.commit(changes.settle(job, Status.SUCCEEDED, ARN, NOW))) == {changes.KNOWN}
    assert recorded(ledger, job) == job


@pytest.mark.parametrize("fallback", [False, True], ids=["of current", "taken over by current"])
def test_a_job_of_current_counts_for_no_release(ledger: Ledger, service: str, *, fallback: bool) -> None:
    made = opened(ledger, service, admitted=1)
    job = on_current(service, fallback=fallback)
    put(ledger, job)
    assert ledger.commit(changes.settle(job, Status.FAILED, ARN, NOW)) is None
    assert recorded(ledger, job) == replace(job, status=Status.FAILED, execution_arn=ARN, settled_at=NOW)
    assert recorded_release(ledger, made) == made


def test_a_job_that_was_not_started_counts_against_its_release(ledger: Ledger, service: str) -> None:
    job = admitted(ledger, service)
    assert ledger.commit(changes.settle_not_started(job, NOW + 9)) is None
    assert recorded(ledger, job) == replace(job, status=Status.NOT_STARTED, settled_at=NOW + 9)
    after = recorded_release(ledger, release(service))
    assert (after.not_started, after.running, after.failures) == (1, 0, 1)
    assert pending(ledger, service) == []


def test_a_job_is_not_given_up_while_another_attempt_may_start_it(ledger: Ledger, service: str) -> None:
    job = admitted(ledger, service)
    ledger.commit(changes.join_attempt(job, NOW))
    refusal = ledger.commit(changes.settle_not_started(job, NOW))
    assert refused(refusal) == {changes.SOLE}
    assert refusal is not None
    stored = refusal.stored(records.key_of(job))
    assert stored is not None
    assert records.transform_of(stored).attempts == 2
    assert recorded_release(ledger, release(service)).not_started == 0


@pytest.mark.parametrize("status", [Status.RUNNING, *FINAL])
def test_a_job_is_not_given_up_when_its_start_or_end_is_on_record(ledger: Ledger, service: str, status: Status) -> None:
    job = admitted(ledger, service, status=status)
    assert refused(ledger.commit(changes.settle_not_started(job, NOW))) == {changes.UNSETTLED_JOB}
    assert recorded_release(ledger, release(service)).not_started == 0


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT, Status.ABORTED])
def test_a_failure_and_its_rescue_are_recorded_together(ledger: Ledger, service: str, status: Status) -> None:
    job = admitted(ledger, service, kept_input=True)
    assert ledger.commit(changes.settle(job, status, ARN, NOW + 9)) is None
    rescue = changes.rescue_for(job, NOW + 9)
    after = recorded(ledger, job)
    assert after is not None
    assert (after.status, after.rescued_by) == (status, rescue.transform_id)
    assert recorded(ledger, rescue) == rescue
    assert (rescue.route, rescue.target, rescue.attempts) == (Route.CURRENT, UNDETERMINED, 0)
    assert pending(ledger, service) == [rescue.transform_id]
    assert refused(ledger.commit(changes.settle(job, status, ARN, NOW + 10))) == {changes.UNSETTLED_JOB, changes.NEW}


@pytest.mark.parametrize("kept_input", [True, False])
def test_a_success_has_no_rescue(ledger: Ledger, service: str, *, kept_input: bool) -> None:
    job = admitted(ledger, service, kept_input=kept_input)
    assert ledger.commit(changes.settle(job, Status.SUCCEEDED, ARN, NOW + 9)) is None
    assert recorded(ledger, changes.rescue_for(job, NOW)) is None
    assert pending(ledger, service) == []


def test_one_run_alone_attempts_a_rescue_until_it_is_let_go(ledger: Ledger, service: str) -> None:
    rescue = changes.rescue_for(transform(service, kept_input=True), NOW)
    put(ledger, rescue)
    target = version(service, "v1.0.0")
    assert ledger.commit(changes.attempt_rescue(rescue, target, NOW + 5)) is None
    attempted = replace(rescue, target=target, attempts=1, attempted_at=NOW + 5)
    assert recorded(ledger, rescue) == attempted
    assert refused(ledger.commit(changes.attempt_rescue(rescue, target, NOW + 6))) == {changes.SOLE}
    assert ledger.commit(changes.release_rescue(attempted)) is None
    free = replace(attempted, target=UNDETERMINED)
    assert recorded(ledger, rescue) == free
    assert ledger.commit(changes.release_rescue(attempted)) is None, "once more changes nothing"
    assert recorded(ledger, rescue) == free
    assert refused(ledger.commit(changes.attempt_rescue(rescue, target, NOW + 7))) == {changes.SOLE}
    assert ledger.commit(changes.attempt_rescue(free, target, NOW + 7)) is None
    assert refused(ledger.commit(changes.release_rescue(attempted))) == {changes.SOLE}


def test_a_rescue_that_runs_is_neither_attempted_nor_let_go(ledger: Ledger, service: str) -> None:
    rescue = replace(changes.rescue_for(transform(service), NOW), status=Status.RUNNING)
    put(ledger, rescue)
    assert refused(ledger.commit(changes.attempt_rescue(rescue, rescue.target, NOW))) == {changes.UNSETTLED_JOB}
    assert refused(ledger.commit(changes.release_rescue(rescue))) == {changes.UNSETTLED_JOB}

"""The verdict by a sequential gate: what it says, and that the order in which outcomes come in does not matter."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.walks import OPENED, admitted, ended, meets_promotion, on_trial, one_by_one

from canary_router.core.gate import Plan, Sequential
from canary_router.core.model import Release, ReleaseState, Status, quiet_outcomes
from canary_router.core.records import release_item, release_of
from canary_router.core.routing import has_room, may_have_room_again
from canary_router.core.sequential.planning import plan_of
from canary_router.core.verdict import Abort, Hold, Promote, counted, followed, judge

GATE = Sequential(baseline=0.02, harm=0.2, max=60, at_once=3)
RELEASE = on_trial(GATE, plan_of(GATE))


def said(**counts: Any) -> Hold | Promote | Abort:
    return judge(replace(RELEASE, **counts), OPENED + 1)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ({}, Hold("12 more clean runs needed (0 succeeded, 0 failed, 0 running)")),
        (
            {"admitted": 11, "succeeded": 10},
            Hold("2 more clean runs needed, 1 of them under way (10 succeeded, 0 failed, 1 running)"),
        ),
        (
            {"admitted": 12, "succeeded": 11},
            Hold("1 more clean run needed, 1 of them under way (11 succeeded, 0 failed, 1 running)"),
        ),
        (
            {"admitted": 12, "succeeded": 12},
            Promote("12 of 12 jobs succeeded, which promotes it (12 succeeded, 0 failed, 0 running)"),
        ),
        (
            {"admitted": 12, "succeeded": 11, "failed": 1},
            Hold("12 more clean runs needed (11 succeeded, 1 failed, 0 running)"),
        ),
        (
            {"admitted": 24, "succeeded": 23, "not_started": 1},
            Promote("23 of 24 jobs succeeded, which promotes it (23 succeeded, 1 failed, 0 running)"),
        ),
        (
            {"admitted": 2, "failed": 2},
            Abort("2 of 2 jobs failed, which turns it away (0 succeeded, 2 failed, 0 running)"),
        ),
        (
            {"admitted": 10, "failed": 1, "not_started": 1},
            Abort("2 of 10 jobs failed, which turns it away (0 succeeded, 2 failed, 8 running)"),
        ),
        (
            {"admitted": 11, "failed": 2},
            Hold("34 more clean runs needed, 9 of them under way (0 succeeded, 2 failed, 9 running)"),
        ),
    ],
)
def test_the_counts_alone_decide(counts: dict[str, int], verdict: Hold | Promote | Abort) -> None:
    assert said(**counts) == verdict


def test_what_cannot_be_promoted_any_more_is_turned_away_or_held_for_a_person_until_the_deadline() -> None:
    counts: dict[str, Any] = {"admitted": 49, "succeeded": 45, "failed": 4}
    assert isinstance(verdict := said(**counts), Abort)
    assert "inconclusive: with 4 jobs failed it cannot be promoted within 60" in verdict.reason
    gate = replace(GATE, on_inconclusive="hold")
    held = replace(RELEASE, policy=replace(RELEASE.policy, gate=gate), granted=49, **counts)
    assert isinstance(verdict := judge(held, OPENED + 1), Hold)
    assert "a person promotes or aborts it" in verdict.reason
    assert followed(held, OPENED + 1) is None
    assert isinstance(judge(held, held.deadline_at), Abort)


def test_a_paused_release_can_fail_and_run_out_of_time_but_is_neither_promoted_nor_given_places() -> None:
    paused = replace(RELEASE, state=ReleaseState.PAUSED)
    done = replace(paused, admitted=12, succeeded=12)
    assert judge(done, OPENED + 1) == Hold(f"paused ({done.counts})")
    assert isinstance(judge(replace(paused, admitted=2, failed=2), OPENED + 1), Abort)
    assert isinstance(judge(done, paused.deadline_at), Abort)
    assert followed(replace(paused, admitted=1, succeeded=1), OPENED + 1) is None


def test_without_its_plan_a_release_has_no_places_and_is_neither_promoted_nor_turned_away() -> None:
    release = replace(RELEASE, plan=None, granted=0)
    assert not has_room(release)
    assert isinstance(judge(release, OPENED + 1), Hold)
    assert followed(release, OPENED + 1) is None
    assert isinstance(judge(release, release.deadline_at), Abort)


def test_places_come_with_the_ends_of_jobs_and_never_more_than_a_promotion_asks_for() -> None:
    release, granted = RELEASE, [RELEASE.places]
    for _ in range(11):
        release = ended(admitted(release), failed=False)
        granted.append(release.places)
    assert granted == [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12, 12]
    release = ended(admitted(release), failed=True)
    assert release.places == 15
    assert (has_room(release), may_have_room_again(release)) == (True, True)


def test_a_full_release_may_have_room_again_until_its_max_is_reached() -> None:
    assert may_have_room_again(replace(RELEASE, admitted=3))
    assert not may_have_room_again(replace(RELEASE, admitted=60, granted=60))


def test_a_release_on_record_keeps_its_plan_and_its_places() -> None:
    release = replace(RELEASE, admitted=3, succeeded=1, granted=4)
    assert release_of(release_item(release)) == release
    assert release_item(release)["requests"] == 4


@pytest.mark.parametrize("state", [ReleaseState.OPEN, ReleaseState.PAUSED])
def test_no_outcome_that_changes_something_is_quiet(state: ReleaseState) -> None:
    release = replace(RELEASE, state=state, admitted=3, succeeded=1)
    successes, failures = quiet_outcomes(state, release.policy)
    for status, is_quiet in ((Status.SUCCEEDED, successes > 1), (Status.FAILED, failures > 0)):
        assert not is_quiet or followed(counted(release, status), OPENED + 1) is None


@st.composite
def happenings(draw: st.DrawFn) -> tuple[Sequential, Plan, list[bool], list[int]]:
    """A gate with its plan, how the jobs end in the order of their admission, and the chances of what happens next."""
    gate = Sequential(
        baseline=draw(st.sampled_from([0.02, 0.05, 0.1])),
        harm=draw(st.sampled_from([0.4, 0.5, 0.6])),
        alpha=0.2,
        beta=0.2,
        max=40,
        at_once=draw(st.integers(1, 12)),
    )
    fails = draw(st.sampled_from([0.05, 0.2, 0.5]))
    outcomes = [one < fails for one in draw(st.lists(st.floats(0, 1), min_size=40, max_size=40))]
    return gate, plan_of(gate), outcomes, draw(st.lists(st.integers(0, 11), min_size=80, max_size=80))


def played(gate: Sequential, plan: Plan, outcomes: list[bool], chances: list[int]) -> Release:
    """A release whose jobs are sent, and whose ends come in, in the order that chance has it."""
    release, under_way = on_trial(gate, plan), list[int]()
    for chance in chances:
        if release.state is not ReleaseState.OPEN:
            break
        if has_room(release) and (chance % 2 or not under_way):
            under_way.append(release.admitted)
            release = admitted(release)
        else:
            job = under_way.pop(chance % len(under_way))
            release = ended(release, failed=outcomes[job])
    return release


@settings(max_examples=500)
@given(happenings())
def test_a_release_is_promoted_where_its_jobs_in_the_order_of_admission_are_however_late_their_ends_come(
    happening: tuple[Sequential, Plan, list[bool], list[int]],
) -> None:
    _, plan, outcomes, _ = happening
    release, meets, wald = played(*happening), meets_promotion(plan, outcomes), one_by_one(plan, outcomes)
    assert release.state is not ReleaseState.OPEN
    is_promoted = release.state is ReleaseState.PROMOTING
    if is_promoted:
        # Neither earlier nor later than the boundary, and with every end on record.
        assert (release.admitted, release.running) == (meets, 0)
    if wald == "promote":
        assert is_promoted
    assert meets is None or release.admitted <= meets


@settings(max_examples=300)
@given(happenings())
def test_one_job_at_a_time_is_walds_test_itself(happening: tuple[Sequential, Plan, list[bool], list[int]]) -> None:
    gate, plan, outcomes, chances = happening
    release = played(replace(gate, at_once=1), plan, outcomes, chances)
    promoted = release.state is ReleaseState.PROMOTING
    assert promoted == (one_by_one(plan, outcomes) == "promote")


@given(happenings())
def test_a_duplicate_or_a_second_look_changes_nothing(
    happening: tuple[Sequential, Plan, list[bool], list[int]],
) -> None:
    gate, plan, outcomes, chances = happening
    release = played(gate, plan, outcomes, chances[:9])
    assert followed(release, OPENED + 1) is None


@given(st.integers(1, 12))
def test_a_release_that_fails_every_job_costs_little_more_than_what_is_under_way_at_once(at_once: int) -> None:
    gate = replace(GATE, at_once=at_once)
    release, under_way = on_trial(gate, plan_of(gate)), 0
    while release.state is ReleaseState.OPEN:
        while has_room(release):
            release, under_way = admitted(release), under_way + 1
        release = ended(release, failed=True)
    assert release.admitted <= at_once + 2

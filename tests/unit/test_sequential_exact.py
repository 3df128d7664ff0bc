"""Exact means exact: the probabilities are those of every sequence of outcomes, added up one by one."""

from collections.abc import Callable
from functools import cache
from itertools import product
from math import comb, exp, lgamma, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.walks import admitted, ended, meets_promotion, on_trial, one_by_one

from canary_router.core.gate import Counted, Plan, Sequential
from canary_router.core.model import Release, ReleaseState
from canary_router.core.sequential.baseline import upper_bound
from canary_router.core.sequential.exact import never_turned_away, one_at_a_time

RATES = st.floats(0, 1)


@st.composite
def plans(draw: st.DrawFn, most: int = 10) -> Plan:
    """Boundaries of any form, not only of Wald's."""
    promote = sorted(draw(st.sets(st.integers(1, most), min_size=1, max_size=4)))
    promote = [max(jobs, failures + 1) for failures, jobs in enumerate(promote)]
    abort = [0]
    for failures in range(1, len(promote) + draw(st.integers(0, 2))):
        highest = promote[failures] - 1 if failures < len(promote) else most
        abort.append(draw(st.integers(abort[-1], max(abort[-1], highest))))
    return Plan(tuple(promote), tuple(abort), 0.1)


@settings(max_examples=60)
@given(plans(), RATES)
def test_the_walk_adds_up_what_every_single_sequence_of_outcomes_brings(plan: Plan, rate: float) -> None:
    most = plan.promote[-1]
    ends = {"promote": 0.0, "abort": 0.0, "inconclusive": 0.0, "open": 0.0}
    late = 0.0
    for outcomes in product((False, True), repeat=most):
        weight = rate ** sum(outcomes) * (1 - rate) ** (most - sum(outcomes))
        ends[one_by_one(plan, outcomes)] += weight
        late += weight if meets_promotion(plan, outcomes) is not None else 0.0
    found = one_at_a_time(plan, rate)
    assert found.promoted == pytest.approx(ends["promote"])
    assert found.refused == pytest.approx(ends["abort"])
    assert found.inconclusive == pytest.approx(ends["inconclusive"])
    assert ends["open"] == 0
    assert never_turned_away(plan, rate) == pytest.approx(late)


@given(plans(most=30), RATES)
def test_every_release_comes_to_one_of_three_ends(plan: Plan, rate: float) -> None:
    found = one_at_a_time(plan, rate)
    assert found.promoted + found.refused + found.inconclusive == pytest.approx(1)
    assert 0 < found.jobs <= plan.promote[-1] + 1e-9
    assert found.failed == pytest.approx(found.jobs * rate)
    assert found.promoted <= never_turned_away(plan, rate) + 1e-12


@given(plans(most=30), RATES, RATES)
def test_a_worse_release_is_never_promoted_more_often(plan: Plan, one: float, other: float) -> None:
    good, bad = sorted((one, other))
    assert one_at_a_time(plan, bad).promoted <= one_at_a_time(plan, good).promoted + 1e-12
    assert never_turned_away(plan, bad) <= never_turned_away(plan, good) + 1e-12


def chosen(gate: Sequential, plan: Plan, rate: float, choose: Callable[..., float]) -> float:
    """Probability of promotion by the real core, if somebody who knows how each job ends chooses when that is told.

    At each moment the next job is sent, if there is a place, or the end of one that is under way comes on record.
    """

    @cache
    def value(release: Release, good: int, bad: int) -> float:
        """``good`` and ``bad``: jobs under way, by how they will end."""
        if release.state is not ReleaseState.OPEN:
            return float(release.state is ReleaseState.PROMOTING)
        ways = []
        if release.admitted < release.places:
            sent = admitted(release)
            ways.append((1 - rate) * value(sent, good + 1, bad) + rate * value(sent, good, bad + 1))
        if good:
            ways.append(value(ended(release, failed=False), good - 1, bad))
        if bad:
            ways.append(value(ended(release, failed=True), good, bad - 1))
        return choose(ways)

    return value(on_trial(gate, plan), 0, 0)


@settings(max_examples=25, deadline=None)
@given(plans(), st.floats(0.01, 0.99), st.integers(1, 4))
def test_whoever_chooses_when_outcomes_are_told_cannot_leave_the_two_bounds(
    plan: Plan, rate: float, at_once: int
) -> None:
    most = plan.promote[-1]
    gate = Sequential(0.01, 0.5, max=most, at_once=min(at_once, most))
    least, highest = one_at_a_time(plan, rate).promoted, never_turned_away(plan, rate)
    assert chosen(gate, plan, rate, min) >= least - 1e-9
    assert chosen(gate, plan, rate, max) <= highest + 1e-9


def test_the_choice_of_when_outcomes_are_told_does_make_a_difference_within_the_bounds() -> None:
    plan = Plan((3, 7), (0, 1, 5), 0.05)
    rates = {at_once: chosen(Sequential(0.05, 0.6, max=7, at_once=at_once), plan, 0.5, max) for at_once in (1, 3)}
    assert rates[1] == pytest.approx(one_at_a_time(plan, 0.5).promoted)
    assert rates[1] < rates[3] <= never_turned_away(plan, 0.5)


@given(st.integers(1, 60), st.integers(0, 60), st.floats(0.001, 0.4))
def test_a_counted_rate_is_bounded_where_so_few_failures_become_that_unlikely(
    jobs: int, failed: int, risk: float
) -> None:
    failed = min(failed, jobs)
    bound = upper_bound(Counted(jobs, failed), risk)
    if failed == jobs:
        assert bound == 1
        return
    seen = sum(comb(jobs, one) * bound**one * (1 - bound) ** (jobs - one) for one in range(failed + 1))
    assert seen == pytest.approx(risk)
    assert bound > failed / jobs


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("jobs", [5, 50, 200])
def test_the_bound_is_below_the_true_rate_no_more_often_than_the_risk_says(rate: float, jobs: int) -> None:
    missed = sum(
        exp(
            lgamma(jobs + 1)
            - lgamma(failed + 1)
            - lgamma(jobs - failed + 1)
            + failed * log(rate)
            + (jobs - failed) * log(1 - rate)
        )
        for failed in range(jobs + 1)
        if upper_bound(Counted(jobs, failed), 0.05) < rate
    )
    assert missed <= 0.05


def test_the_bound_of_many_jobs_is_computed_in_no_time_and_close_to_what_was_counted() -> None:
    assert 0.02 < upper_bound(Counted(100_000, 2_000), 0.025) < 0.021
    assert 0.5 < upper_bound(Counted(10**6, 5 * 10**5), 0.025) < 0.502

"""Boundaries keep what their gate promises, to the last digit, or the gate is refused with what would help."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canary_router.core.gate import Counted, Plan, Sequential
from canary_router.core.sequential.baseline import upper_bound
from canary_router.core.sequential.exact import never_turned_away, one_at_a_time
from canary_router.core.sequential.planning import plan_of
from canary_router.errors import InvalidPolicy


def test_at_a_baseline_of_2_percent_and_a_harm_of_20_the_example_keeps_its_promises() -> None:
    plan = plan_of(Sequential(baseline=0.02, harm=0.2, alpha=0.05, beta=0.1, max=60))
    assert plan == Plan((12, 24, 36, 49), (0, 0, 10, 22, 35, 47, 59), 0.02)
    good, bad = one_at_a_time(plan, 0.02), one_at_a_time(plan, 0.2)
    assert good.promoted == pytest.approx(0.9759, abs=5e-5)
    assert bad.promoted == pytest.approx(0.0869, abs=5e-5)
    assert never_turned_away(plan, 0.2) == pytest.approx(0.0884, abs=5e-5)
    # The first promotion is possible after 12 clean runs, the first refusal after 2 failures.
    assert (plan.promotes(11, 0), plan.promotes(12, 0)) == (False, True)
    assert (plan.aborts(1, 1), plan.aborts(2, 2)) == (False, True)


@st.composite
def gates(draw: st.DrawFn, most: int = 150) -> Sequential:
    baseline = draw(st.floats(0.005, 0.3))
    return Sequential(
        baseline=baseline,
        harm=draw(st.floats(min(0.9, baseline * 1.5), 0.95)),
        alpha=draw(st.floats(0.01, 0.4)),
        beta=draw(st.floats(0.01, 0.4)),
        max=draw(st.integers(1, most)),
    )


def planned(gate: Sequential) -> Plan | InvalidPolicy:
    try:
        return plan_of(gate)
    except InvalidPolicy as refused:
        return refused


@settings(max_examples=150, deadline=None)
@given(gates(), st.floats(0, 1), st.floats(0, 1))
def test_every_plan_keeps_both_promises_for_every_order_of_outcomes(
    gate: Sequential, better: float, worse: float
) -> None:
    plan = planned(gate)
    if isinstance(plan, InvalidPolicy):
        return
    assert isinstance(gate.baseline, float)
    assert plan.promote[-1] <= gate.max
    for rate in (gate.baseline, gate.baseline * better):
        assert one_at_a_time(plan, rate).promoted >= 1 - gate.alpha
    for rate in (gate.harm, gate.harm + (1 - gate.harm) * worse):
        assert never_turned_away(plan, rate) <= gate.beta


@settings(max_examples=30, deadline=None)
@given(gates(most=30))
def test_a_gate_that_is_refused_is_kept_with_the_jobs_that_the_refusal_names_and_not_with_one_less(
    gate: Sequential,
) -> None:
    refused = planned(gate)
    if isinstance(refused, Plan):
        return
    assert "'gate.sequential.max'" in str(refused)
    assert "promises" in str(refused)
    named = re.search(r"Raise 'max' to (\d+)", refused.advice)
    if named is None:
        assert "No 'max' up to 500 does" in refused.advice
        assert isinstance(planned(_with(gate, 500)), InvalidPolicy)
        return
    enough = int(named[1])
    assert enough > gate.max
    assert isinstance(planned(_with(gate, enough)), Plan)
    assert isinstance(planned(_with(gate, enough - 1)), InvalidPolicy)


ANY_RATE = st.floats(0, 1, exclude_min=True, exclude_max=True)
ANY_RISK = st.floats(1e-6, 0.5, exclude_min=True, exclude_max=True)


@settings(max_examples=100, deadline=None)
@given(ANY_RATE, ANY_RATE, ANY_RISK, ANY_RISK, st.integers(1, 40))
def test_whatever_numbers_a_gate_has_it_is_refused_or_planned(
    baseline: float, harm: float, alpha: float, beta: float, most: int
) -> None:
    try:
        gate = Sequential(baseline, harm, alpha, beta, most)
    except InvalidPolicy:
        return
    plan = planned(gate)
    if isinstance(plan, Plan):
        assert one_at_a_time(plan, baseline).promoted >= 1 - alpha
        assert never_turned_away(plan, harm) <= beta


@pytest.mark.parametrize(("baseline", "harm"), [(0.2, 0.2 + 3e-17), (0.2, 0.20000000000000004), (2e-6, 1 - 1e-16)])
def test_rates_that_are_nearly_one_or_as_far_apart_as_can_be_are_refused_or_planned(
    baseline: float, harm: float
) -> None:
    if baseline < harm:
        assert isinstance(planned(Sequential(baseline, harm)), Plan | InvalidPolicy)


def _with(gate: Sequential, most: int) -> Sequential:
    return Sequential(gate.baseline, gate.harm, gate.alpha, gate.beta, most)


@pytest.mark.parametrize(
    ("gate", "wald", "moved"),
    [
        # Wald's own bound of promotion lets 5.26 % through where 5 % is promised.
        (Sequential(0.02, 0.4, 0.1, 0.05, 60), Plan((6, 13, 21, 28), (0, 2, 9, 16, 24), 0.02), (7, 14, 21, 28)),
        (Sequential(0.05, 0.3, 0.2, 0.1, 30), Plan((7, 14, 21, 28), (0, 1, 8, 15, 22, 29), 0.05), (8, 14, 21, 28)),
    ],
)
def test_where_walds_bounds_break_a_promise_they_are_moved_outward(
    gate: Sequential, wald: Plan, moved: tuple[int, ...]
) -> None:
    assert never_turned_away(wald, gate.harm) > gate.beta
    plan = plan_of(gate)
    assert plan.promote[: len(moved)] == moved
    assert never_turned_away(plan, gate.harm) <= gate.beta


@pytest.mark.parametrize("failed", [0, 3, 9, 20])
def test_a_measured_baseline_is_taken_as_high_as_it_may_be_and_half_of_alpha_pays_for_that(failed: int) -> None:
    counted = Counted(412, failed)
    gate = Sequential(baseline="measured", harm=0.3, max=200)
    plan = plan_of(gate, counted)
    assert plan.counted == counted
    assert plan.baseline == upper_bound(counted, 0.025) > failed / 412
    assert one_at_a_time(plan, plan.baseline).promoted >= 0.975
    assert plan == plan_of(Sequential(baseline=counted, harm=0.3, max=200))
    # Whatever current's rate is, the count and the test together turn no more than alpha of its equals away.
    assert never_turned_away(plan, 0.3) <= 0.1


def test_a_baseline_that_nothing_was_measured_of_is_refused_and_so_is_one_that_few_jobs_leave_too_uncertain() -> None:
    gate = Sequential(baseline="measured", harm=0.2, max=60)
    with pytest.raises(InvalidPolicy, match="none of current's own jobs") as refused:
        plan_of(gate)
    assert "record: all" in refused.value.advice
    with pytest.raises(InvalidPolicy, match=r"Of 12 jobs of current 0 failed.*26\.5%") as refused:
        plan_of(gate, Counted(12, 0))
    assert "harm" in refused.value.advice
    assert plan_of(gate, Counted(120, 0)).counted == Counted(120, 0)


def test_the_largest_gates_are_planned_and_refused_in_moments() -> None:
    # Nothing is timed here: tens of thousands of steps, not millions, and the suite would show it.
    assert plan_of(Sequential(baseline=0.02, harm=0.05, max=500)).promote[0] == 73
    with pytest.raises(InvalidPolicy, match="29"):
        plan_of(Sequential(baseline=0.1, harm=0.15, max=100))

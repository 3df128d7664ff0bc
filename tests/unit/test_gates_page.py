"""The figures of the page about gates, and of its ADR, are computed here: who changes the mathematics sees it there."""

from collections.abc import Callable, Iterator
from math import comb
from pathlib import Path

import pytest

from canary_router.core.gate import Counted, Plan, Sequential
from canary_router.core.gate_words import percent
from canary_router.core.policy import Policy
from canary_router.core.policy_words import chances
from canary_router.core.sequential.exact import never_turned_away, one_at_a_time
from canary_router.core.sequential.planning import plan_of
from canary_router.errors import InvalidPolicy

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "explanation/gates.md").read_text(encoding="utf-8")
ADR = (DOCS / "adr/0025-sequential-gate.md").read_text(encoding="utf-8")
RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
EXAMPLE = Sequential(baseline=0.02, harm=0.2, alpha=0.05, beta=0.1, max=60)


def every_one_of(jobs: int) -> Plan:
    """So many of so many: the first failure turns away."""
    return Plan((jobs,), (0,), 0.02)


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def share(probability: float) -> str:
    return f"{probability:.1%}"


def of_the_gate_all() -> Iterator[str]:
    for jobs in (2, 5, 30):
        plan = every_one_of(jobs)
        yield row(f"{jobs} of {jobs}", *(share(one_at_a_time(plan, rate).promoted) for rate in RATES))


def of_the_boundaries() -> Iterator[str]:
    plan = plan_of(EXAMPLE)
    for failed in range(5):
        promote = str(plan.promote[failed]) if failed < len(plan.promote) else "never"
        yield row(str(failed), promote, str(plan.abort[failed] or "never"))


def of_the_characteristic() -> Iterator[str]:
    plan = plan_of(EXAMPLE)
    for rate in RATES:
        it = one_at_a_time(plan, rate)
        most = share(never_turned_away(plan, rate))
        yield row(percent(rate), share(it.promoted), most, f"{it.jobs:.1f}", f"{it.failed:.1f}")


def of_the_distance() -> Iterator[str]:
    for harm in (0.3, 0.2, 0.15, 0.1, 0.05):
        least = least_max(Sequential(0.02, harm, max=1))
        plan = plan_of(Sequential(0.02, harm, max=500))
        refusal = next(failed for failed, jobs in enumerate(plan.abort) if jobs)
        good, bad = (f"{one_at_a_time(plan, rate).jobs:.0f}" for rate in (0.02, harm))
        yield row(percent(harm), str(plan.promote[0]), str(refusal), good, bad, str(least))


def least_max(gate: Sequential) -> int:
    """The jobs that the refusal of a gate with too few of them names."""
    with pytest.raises(InvalidPolicy) as refused:
        plan_of(gate)
    return int(refused.value.advice.removeprefix("Raise 'max' to ").split(",")[0])


def of_the_measurements() -> Iterator[str]:
    for jobs, failed in ((50, 0), (100, 2), (400, 8), (1000, 20)):
        plan = plan_of(Sequential(Counted(jobs, failed), 0.2, max=200))
        yield row(f"{failed} of {jobs}", percent(plan.baseline), str(plan.promote[0]))


@pytest.mark.parametrize(
    "rows",
    [of_the_gate_all, of_the_boundaries, of_the_characteristic, of_the_distance, of_the_measurements],
    ids=lambda rows: rows.__name__,
)
def test_every_table_of_the_page_is_what_is_computed(rows: Callable[[], Iterator[str]]) -> None:
    assert "\n".join(rows()) in PAGE


def test_the_two_examples_that_made_the_gate_necessary() -> None:
    two = next(it for it in chances(Policy()) if it.failure_rate == 0.3)
    assert two.passes == pytest.approx(0.49)
    assert one_at_a_time(every_one_of(30), 0.02).refused == pytest.approx(0.4545, abs=5e-5)
    for text in (PAGE, ADR):
        assert "49 %" in text
        assert "45 %" in text


def test_what_the_adr_says_of_its_example() -> None:
    plan = plan_of(EXAMPLE)
    good, bad, most = one_at_a_time(plan, 0.02), one_at_a_time(plan, 0.2), never_turned_away(plan, 0.2)
    assert f"{good.promoted:.5f}" in ADR
    assert f"{bad.promoted:.5f}" in ADR
    assert f"{most:.5f}" in ADR
    wald = Plan((6, 13, 21, 28), (0, 2, 9, 16, 24), 0.02)
    assert f"{never_turned_away(wald, 0.4):.4f}" in ADR


def test_a_fixed_number_of_jobs_keeps_the_promises_too_and_takes_all_of_them_every_time() -> None:
    passes = {rate: (1 - rate) ** 18 + 18 * rate * (1 - rate) ** 17 for rate in (0.02, 0.2)}
    assert passes[0.02] >= 0.95
    assert passes[0.2] <= 0.1
    assert "18 jobs with one failure allowed" in ADR


def test_judged_by_arrival_nearly_every_bad_release_would_pass_whose_failures_are_slow() -> None:
    """Twelve clean runs come first whenever twelve of the twenty-four that run at once are clean."""
    passes = sum(comb(24, clean) * 0.8**clean * 0.2 ** (24 - clean) for clean in range(12, 25))
    assert f"{passes:.2%}" == "99.98%"
    assert "99.98 %" in ADR

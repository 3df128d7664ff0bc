"""Twenty thousand releases through the real verdict, with outcomes in any order: what was computed is what happens."""

import random
from math import sqrt

import pytest
from tests.unit.walks import admitted, ended, on_trial

from canary_router.core.gate import Plan, Sequential
from canary_router.core.model import ReleaseState
from canary_router.core.routing import has_room
from canary_router.core.sequential.exact import never_turned_away, one_at_a_time
from canary_router.core.sequential.planning import plan_of
from canary_router.sim.plans.gates import is_gated
from canary_router.sim.plans.seeds import plan_for
from canary_router.sim.run import run

RELEASES = 20_000
FEWER = 6_000
GATE = Sequential(baseline=0.02, harm=0.2, alpha=0.05, beta=0.1, max=60)
DEVIATIONS = 4.0
"""Standard deviations that a simulated share may be off: less than one run in ten thousand is."""


def promoted(at_once: int, rate: float, releases: int) -> tuple[float, float]:
    """The share of simulated releases that is promoted, and the jobs that one takes; bad jobs last ten times longer."""
    gate = Sequential(0.02, 0.2, 0.05, 0.1, 60, at_once=at_once)
    chance = random.Random(f"{at_once} {rate}")  # noqa: S311 - a chance that is the same in every run
    plan, wins, jobs = plan_of(gate), 0, 0
    for _ in range(releases):
        release, under_way, now = on_trial(gate, plan), list[tuple[float, bool]](), 0.0
        while release.state is ReleaseState.OPEN:
            while has_room(release):
                failed = chance.random() < rate
                under_way.append((now + chance.expovariate(0.1 if failed else 1.0), failed))
                release = admitted(release)
            first = min(under_way)
            under_way.remove(first)
            now, failed = first
            release = ended(release, failed=failed)
        wins += release.state is ReleaseState.PROMOTING
        jobs += release.admitted
    return wins / releases, jobs / releases


def margin(probability: float, releases: int) -> float:
    return DEVIATIONS * sqrt(probability * (1 - probability) / releases)


@pytest.mark.parametrize("rate", [0.02, 0.2])
def test_one_job_at_a_time_comes_to_the_exact_probability_and_the_exact_number_of_jobs(rate: float) -> None:
    exact, (share, jobs) = one_at_a_time(plan_of(GATE), rate), promoted(1, rate, RELEASES)
    assert share == pytest.approx(exact.promoted, abs=margin(exact.promoted, RELEASES))
    assert jobs == pytest.approx(exact.jobs, rel=0.03)


@pytest.mark.parametrize(("rate", "least", "most"), [(0.02, 0.95, 1.0), (0.2, 0.0, 0.1)])
def test_eight_at_once_with_slow_failures_stay_between_the_exact_bounds_and_keep_both_promises(
    rate: float, least: float, most: float
) -> None:
    plan: Plan = plan_of(GATE)
    low, high = one_at_a_time(plan, rate).promoted, never_turned_away(plan, rate)
    share, _ = promoted(8, rate, FEWER)
    assert low - margin(low, FEWER) <= share <= high + margin(high, FEWER)
    assert least <= share <= most


def test_the_simulated_releases_under_a_gate_meet_every_kind_of_end() -> None:
    reasons = [
        change.reason
        for seed in range(1, 500)
        if is_gated(seed)
        for change in run(plan_for(seed)).journal.transitions
        if change.after in {"PROMOTING", "ABORTING"}
    ]
    for part in (
        "succeeded, which promotes it",
        "failed, which turns it away",
        "inconclusive",
        "its gate cannot keep what it promises",
        "the deadline passed",
        "by order of",
    ):
        assert any(part in reason for reason in reasons), part

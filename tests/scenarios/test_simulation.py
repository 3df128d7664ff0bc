"""The protocol under faults: the real flows, virtual time, one seed for each schedule."""

import json
from dataclasses import replace

import pytest

from canary_router.settings import RELEASE_TTL
from canary_router.sim.__main__ import simulate
from canary_router.sim.checks import CHECKS
from canary_router.sim.figures import Figures
from canary_router.sim.journal import Transition
from canary_router.sim.mutants.protocol import MUTANTS, Mutant
from canary_router.sim.plans.gates import is_gated
from canary_router.sim.plans.plan import EVENT_FAULTS, FAULTS, PIPELINE_FAULTS, Plan
from canary_router.sim.plans.seeds import plan_for
from canary_router.sim.run import Outcome, run
from canary_router.sim.shrink import shrunk
from canary_router.sim.story import story

SCHEDULES = 2_000
A_CALL = 1_000.0
"""The longest call of a run without faults, there and back, in milliseconds."""


def test_all_properties_hold_in_every_schedule() -> None:
    figures = simulate(1, SCHEDULES, workers=2)
    assert figures.found == []
    assert figures.schedules == SCHEDULES
    assert set(figures.ends) == {"PROMOTED", "ABORTED", "SUPERSEDED"}
    assert set(figures.document()["violations"]) == {*CHECKS, "unforeseen"}
    assert figures.answers["202"] > figures.requests / 2
    assert not _never_happened(figures)


def _never_happened(figures: Figures) -> set[tuple[str, str]]:
    """The faults that a run of this size must have met, each at each place where it can be, and has not."""
    at_any_call = {"refused", "throttled", "slow", "killed before", "killed after"}
    writers, callers = ("pointers", "ledger", "notifier"), ("pointers", "ledger", "executions", "notifier")
    due = {(kind, place) for kind in (*at_any_call, "outage") for place in callers}
    due |= {(kind, place) for kind in {*FAULTS} - at_any_call - {"stale"} for place in writers}
    due |= {(kind, "invoker") for kind in {*PIPELINE_FAULTS} - {"describe lag"}}
    due |= {("outage", "invoker")}
    due |= {(kind, "events") for kind in (*EVENT_FAULTS, "event reordered")}
    due |= {("stale", "ledger"), ("stale", "pointers"), ("stale, and seen", "pointers")}
    due |= {("pipeline describe lag", "executions"), ("clock off by seconds", "clocks")}
    return {one for one in due if not figures.faults[one]}


@pytest.mark.parametrize("seed", [1, 7, 160])
def test_a_seed_is_the_same_run_every_time_and_telling_its_story_changes_nothing(seed: int) -> None:
    first, second = run(plan_for(seed)), run(plan_for(seed), story=True)
    for name in ("writes", "attempts", "admissions", "transitions", "passes", "fault_places"):
        assert getattr(first.journal, name) == getattr(second.journal, name)
    assert [(job.arn, job.started) for job in first.journal.jobs.values()] == [
        (job.arn, job.started) for job in second.journal.jobs.values()
    ]


def _calm(plan: Plan) -> Plan:
    return replace(plan, initial="v1.0.0", rates=dict.fromkeys(plan.rates, 0.0), outages=(), deeds=(), skew=0.0)


def test_a_run_without_faults_answers_every_request() -> None:
    seeds = range(1, 40)
    for plan in (plan_for(seed) for seed in seeds):
        outcome = run(_calm(plan))
        assert not outcome.violations
        twice = {request.name for request in plan.requests if request.twin}
        # A version that became current, and whose deployment was rolled back after that, is not there either.
        missing = outcome.journal.gone or any(one.behaviour == "missing" for one in plan.deployments)
        for attempt in outcome.journal.attempts:
            assert missing or attempt.request in twice or attempt.status in {202, 409}, attempt


def test_without_faults_a_release_gets_its_jobs_from_the_requests_that_come_after_its_opening() -> None:
    awake = 0
    for plan in (plan_for(seed) for seed in range(1, 60) if not is_gated(seed)):
        policy = json.dumps(json.loads(plan.policy) | {"share": 1})
        calm = replace(_calm(plan), policy=policy, orders=())
        outcome = run(calm)
        for change in outcome.journal.transitions:
            if change.after != "OPEN" or not _is_canary(outcome, change.release_id):
                continue
            requests = json.loads(policy)["requests"]
            asked = _asked_for_a_place(outcome, change)
            admitted = [one for one in outcome.journal.admissions if one.release_id == change.release_id]
            assert len(admitted) >= min(requests, asked), (plan.seed, change.release_id, asked)
            awake += asked >= requests
    assert awake > 20


def _is_canary(outcome: Outcome, release_id: str) -> bool:
    """Whether a release was not promoted for want of anything to compare it with."""
    reasons = {one.reason for one in outcome.journal.transitions if one.release_id == release_id}
    return not reasons & {"already current", "first version: there was nothing to compare it with"}


def _asked_for_a_place(outcome: Outcome, opened: Transition) -> int:
    """How many jobs came while a release was open, to routers that remembered nothing older."""
    since = opened.at + (outcome.plan.pointer_ttl + RELEASE_TTL) * 1000 + A_CALL
    after = (one.at for one in outcome.journal.transitions if one.release_id == opened.release_id)
    until = next((at for at in after if at > opened.at), float("inf"))
    # A place is asked for in the middle of an attempt, and a write of latest is over before its release is.
    taken = (write.at for write in outcome.journal.writes if write.leaf == "latest" and write.at > opened.at)
    until = min(until, next(taken, float("inf")))
    jobs = {
        one.request if one.key else one.task
        for one in outcome.journal.attempts
        if since < one.sent and one.answered < until and not one.other_body
    }
    seen = {one.request for one in outcome.journal.attempts if one.key and one.sent <= since}
    return len(jobs - seen)


def test_a_violation_is_shrunk_to_a_story_that_a_person_can_follow() -> None:
    # A schedule under a sequential gate has many more requests, and shrinking it takes that much longer.
    seeds = (seed for seed in range(1, 200) if not is_gated(seed))
    with _named("admission without the budget's clause").alive():
        outcome = next(found for found in (run(plan_for(seed)) for seed in seeds) if any(found.violations))
        smaller = shrunk(outcome, seconds=10)
        told = story(run(smaller.plan, story=True))
    assert len(smaller.plan.requests) < len(outcome.plan.requests)
    assert "VIOLATED  budget" in told
    assert f"seed {outcome.plan.seed}" in told


def _named(name: str) -> Mutant:
    return next(mutant for mutant in MUTANTS if mutant.name == name)

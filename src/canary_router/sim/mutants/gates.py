"""Sequential gates that are wrong in one place: in what they count, in what they wait for, and in what they send."""

from dataclasses import replace
from typing import Any

from canary_router.core import changes, gate, verdict
from canary_router.core.gate import Counted, Plan
from canary_router.core.model import Release, ReleaseState, Status
from canary_router.core.sequential.planning import plan_of
from canary_router.core.verdict import Abort, Hold, Promote, judge
from canary_router.flows import outcome, planning, reconcile
from canary_router.flows.inspect import releases as releases_on_record
from canary_router.flows.inspect import transforms_of
from canary_router.sim.mutants.protocol import Mutant, without


def _one_clean_run_less(self: Plan, jobs: int, failures: int) -> bool:
    return _PROMOTES(self, jobs + 1, failures)


def _one_failure_less(self: Plan, jobs: int, failures: int) -> bool:
    return failures > 0 and _ABORTS(self, jobs, failures + 1)


def _under_way_succeeds(release: Release, now: int) -> Any:
    made, plan = judge(release, now), release.plan
    is_open = release.state is ReleaseState.OPEN and plan is not None and isinstance(made, Hold)
    if is_open and plan is not None and plan.promotes(release.admitted, release.failures):
        return Promote(f"as good as done ({release.counts})")
    return made


def _by_arrival(release: Release, now: int) -> Any:
    """Turned away by what has come in, as if nothing were under way."""
    made, plan = judge(release, now), release.plan
    ended = release.admitted - release.running
    if plan is not None and isinstance(made, Hold) and release.state.can_be_decided and ended:
        return Abort(f"too many failed ({release.counts})") if plan.aborts(ended, release.failures) else made
    return made


def _promoted_by_arrival(release: Release, now: int) -> Any:
    """The first so many that come in decide, whatever the others will say."""
    made, plan = judge(release, now), release.plan
    ended = release.admitted - release.running
    if plan is not None and isinstance(made, Hold) and release.state is ReleaseState.OPEN:
        return Promote(f"so many have ended ({release.counts})") if plan.promotes(ended, release.failures) else made
    return made


def _as_many_as_may_be_under_way(release: Release) -> int:
    at_once = 0 if release.policy.gate is None else release.policy.gate.at_once
    if release.plan is None or release.policy.gate is None or release.state is not ReleaseState.OPEN:
        return release.places
    return max(release.places, min(release.policy.budget, release.admitted - release.running + at_once))


def _all_that_promote_it_at_once(release: Release) -> int:
    enough = None if release.plan is None else release.plan.reaches(release.failures)
    is_open = release.state is ReleaseState.OPEN and release.policy.gate is not None
    return release.places if enough is None or not is_open else max(release.places, enough)


def _inconclusive_is_good_enough(release: Release, now: int) -> Any:
    made, plan = judge(release, now), release.plan
    if plan is None or release.state is not ReleaseState.OPEN or plan.reaches(release.failures) is not None:
        return made
    is_held = isinstance(made, Hold) or made.reason.startswith("inconclusive")
    return Promote(f"not bad ({release.counts})") if is_held else made


def _inconclusive_is_turned_away(release: Release, now: int) -> Any:
    made = judge(release, now)
    is_held = isinstance(made, Hold) and made.reason.startswith("inconclusive")
    return Abort(made.reason) if is_held else made


def _unplanned(*_args: Any) -> str:
    return ""


def _measured_with_releases(ledger: Any, service: str, current: Any) -> Any:
    """Jobs of releases that were turned away count as jobs of current, too."""
    counted = _MEASURED(ledger, service, current)
    on_trial = (release.release_id for release in releases_on_record(ledger, service))
    jobs = [job for release_id in on_trial for job in transforms_of(ledger, service, release_id) if job.status.is_final]
    bad = sum(job.status is not Status.SUCCEEDED for job in jobs)
    return None if counted is None else Counted(counted.jobs + len(jobs), counted.failed + bad)


def _lax(asked: Any, counted: Any = None) -> Plan:
    plan = plan_of(asked, counted)
    halves = {max(place + 1, jobs // 2) for place, jobs in enumerate(plan.promote)}
    return replace(plan, promote=tuple(sorted(halves)), abort=(0,) * len(plan.abort))


def _kept(_release: Release, now: int) -> Any:
    """A verdict that grants nothing: only decisions follow."""
    return verdict.decided(_release, now)


_PROMOTES, _ABORTS = gate.Plan.promotes, gate.Plan.aborts
_MEASURED = planning.measured

GATES: tuple[Mutant, ...] = (
    Mutant("a gate promotes one clean run early", "evidence", ((Plan, "promotes", _one_clean_run_less),)),
    Mutant("a gate turns away one failure early", "evidence", ((Plan, "aborts", _one_failure_less),)),
    Mutant("a job under way counts as a success", "evidence", ((verdict, "judge", _under_way_succeeds),)),
    Mutant("quick failures turn away before slow successes count", "evidence", ((verdict, "judge", _by_arrival),)),
    Mutant(
        "quick successes promote before slow failures count",
        "evidence",
        ((verdict, "judge", _promoted_by_arrival), (verdict, "places_of", _as_many_as_may_be_under_way)),
    ),
    Mutant("more jobs than promote it", "budget", ((verdict, "places_of", _as_many_as_may_be_under_way),)),
    Mutant("more jobs at once than the policy has", "budget", ((verdict, "places_of", _all_that_promote_it_at_once),)),
    Mutant("what is inconclusive is promoted", "evidence", ((verdict, "judge", _inconclusive_is_good_enough),)),
    Mutant("what is to be held is turned away", "evidence", ((verdict, "judge", _inconclusive_is_turned_away),)),
    Mutant("no gate is ever planned", "progress", ((reconcile, "plan_gate", _unplanned),)),
    Mutant("ends grant no places", "progress", ((outcome, "followed", _kept),)),
    Mutant("a gate is planned again", "evidence", (without("plan_gate", changes.UNPLANNED),)),
    Mutant("a baseline counts what ran on trial", "evidence", ((planning, "measured", _measured_with_releases),)),
    Mutant("a plan that does not keep what was promised", "evidence", ((planning, "plan_of", _lax),)),
)

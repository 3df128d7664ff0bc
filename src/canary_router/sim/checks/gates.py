"""What a release under a sequential gate was sent, and why it was decided: a recount by what stood on record when.

The recount takes a release's boundaries from its record, and looks whether they keep what the policy promises: by every
sequence of outcomes, counted here, and not by the program's own mathematics. How the program judges it does not ask.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple

from canary_router.core.gate import Counted, Plan, Sequential
from canary_router.core.model import Basis, Release, ReleaseState, Route, Status
from canary_router.core.sequential.planning import plan_of
from canary_router.errors import InvalidPolicy
from canary_router.sim.evidence import Evidence
from canary_router.sim.journal import Pass, Transition
from canary_router.sim.world import is_valid

_SEEN = 3_000.0
"""After this time every read shows what was written, in milliseconds."""
NOT_KEPT = "its gate cannot keep what it promises"


class Tally(NamedTuple):
    """What stood on record of a release's jobs at a moment."""

    admitted: int
    ended: int
    failed: int


def tally(evidence: Evidence, release_id: str, at: float) -> Tally:
    """Recounts what was admitted to a release and what had ended, up to a moment and at it."""
    admitted = sum(one.release_id == release_id and one.at <= at for one in evidence.journal.admissions)
    ends = [one.status for one in evidence.journal.settlements if one.release_id == release_id and one.at <= at]
    return Tally(admitted, len(ends), sum(status is not Status.SUCCEEDED for status in ends))


def allowed(plan: Plan, gate: Sequential, seen: Tally) -> int:
    """How many jobs may have been admitted by what has ended: as many as may be under way, and as promote it."""
    enough = plan.promote[min(seen.failed, len(plan.promote) - 1)]
    return min(enough, seen.ended + gate.at_once)


def check_places(evidence: Evidence) -> Iterator[str]:
    """Each job was admitted to a place that the ends of others had made, and none before the gate was planned."""
    for admission in evidence.journal.admissions:
        release = evidence.releases[admission.release_id]
        gate, plan = release.policy.gate, release.plan
        if gate is None:
            continue
        if plan is None:
            yield f"{admission.transform_id} was admitted to {release.release_id}, whose gate was never planned"
            continue
        seen = tally(evidence, release.release_id, admission.at)
        if seen.admitted > allowed(plan, gate, seen):
            yield (
                f"{admission.transform_id} was job {seen.admitted} of {release.release_id}, when {seen.ended} had ended"
                f" and {seen.failed} failed: {allowed(plan, gate, seen)} were allowed"
            )


def check_plans(evidence: Evidence) -> Iterator[str]:
    """A gate is planned once, what it counted is true, and its boundaries keep what the policy promises."""
    for release in evidence.releases.values():
        gate, plan = release.policy.gate, release.plan
        given = [one for one in evidence.journal.places if one.release_id == release.release_id]
        if len({one.plan for one in given if one.plan}) > 1:
            yield f"{release.release_id} was planned more than once, differently"
        for before, after in pairwise(given):
            if after.places < before.places:
                yield f"{release.release_id} had {before.places} places, and {after.places} at {after.at}"
        if gate is None or plan is None:
            continue
        if gate.baseline == "measured":
            yield from _measured(evidence, release, plan.counted)
        good, bad = promised(plan, gate.harm)
        alpha = gate.alpha if plan.counted is None else gate.alpha / 2
        if good < 1 - alpha - 1e-9 or bad > gate.beta + 1e-9:
            yield f"{release.release_id} is planned to promote {good:.3f} of the good and {bad:.3f} of the bad releases"


def _measured(evidence: Evidence, release: Release, counted: Counted | None) -> Iterator[str]:
    """What a baseline was counted from had ended on current before, and never on the release's own version."""
    if counted is None:
        yield f"the baseline of {release.release_id} was to be measured, and was not"
        return
    planned = next(one.at for one in evidence.journal.places if one.release_id == release.release_id and one.plan)
    own = {item["transform_id"] for item in evidence.canaries.get(release.release_id, ())}
    jobs = [
        job
        for job in evidence.journal.jobs.values()
        if job.ends is not None and job.ends <= planned and job.name not in own
    ]
    taken = [job for job in jobs if evidence.first_current(job.tag) <= planned]
    failed = sum(job.outcome is not Status.SUCCEEDED for job in taken)
    # What had not started may have been started again since.
    unstarted = sum(
        item.get("route") == Route.CURRENT
        and (item.get("status") == Status.NOT_STARTED or int(item.get("attempts", 0)) > 1)
        for item in evidence.items.values()
    )
    if counted.jobs > len(taken) + unstarted or counted.failed > failed + unstarted:
        yield (
            f"the baseline of {release.release_id} counts {counted.failed} of {counted.jobs} jobs as failed, but only "
            f"{failed} of {len(taken)} had ended on a version that was current"
        )


def promotion(evidence: Evidence, release: Release, change: Transition) -> Iterator[str]:
    """A promotion's jobs have all ended, and their number meets the boundary for those that failed."""
    plan, seen = release.plan, tally(evidence, release.release_id, change.at)
    if plan is None:
        yield f"{release.release_id} was promoted, and its gate was never planned"
        return
    enough = plan.promote[seen.failed] if seen.failed < len(plan.promote) else None
    if seen.ended < seen.admitted:
        yield f"{release.release_id} was promoted when {seen.admitted - seen.ended} of its jobs had not ended"
    if enough is None or seen.ended < enough:
        yield f"{release.release_id} was promoted with {seen.failed} of {seen.ended} jobs failed; {enough} are needed"


def is_refused(evidence: Evidence, release: Release, change: Transition) -> bool:
    """Whether a release's jobs turned it away: even if all that were under way had ended well."""
    gate, plan, seen = release.policy.gate, release.plan, tally(evidence, release.release_id, change.at)
    if gate is None:
        return False
    if plan is None:
        return change.reason.startswith(NOT_KEPT) and (gate.baseline == "measured" or not _can_be_kept(gate))
    if seen.failed >= len(plan.abort) or 0 < seen.admitted <= plan.abort[seen.failed]:
        return True
    return seen.failed >= len(plan.promote) and gate.on_inconclusive == "abort"


def check_pace(evidence: Evidence, release: Release, clean: list[Pass]) -> Iterator[str]:
    """A pass that met no fault leaves no open release without its plan, nor without the places that are due."""
    gate = release.policy.gate
    if gate is None or release.basis is not Basis.CANARY:
        return
    changes = [change for change in evidence.journal.transitions if change.release_id == release.release_id]
    for one in clean:
        states = [change.after for change in changes if change.at <= one.began - _SEEN]
        if not states or states[-1] != ReleaseState.OPEN:
            continue
        if any(one.began - _SEEN < change.at <= one.ended for change in changes):
            continue
        if not all(is_valid(value) for value in evidence.held("current", one.began - _SEEN, one.ended)):
            continue
        given = [it for it in evidence.journal.places if it.release_id == release.release_id and it.at <= one.ended]
        if not given[-1].plan:
            yield f"{one.who} at {one.began} left the gate of {release.release_id} unplanned"
            return
        seen = tally(evidence, release.release_id, one.began - _SEEN)
        plan = release.plan
        if plan is None or seen.failed >= len(plan.promote):
            continue
        if given[-1].places < allowed(plan, gate, seen):
            yield f"{one.who} at {one.began} left {release.release_id} with {given[-1].places} places"
            return


def _can_be_kept(gate: Sequential) -> bool:
    try:
        plan_of(gate)
    except InvalidPolicy:
        return False
    return True


@lru_cache(maxsize=1024)
def promised(plan: Plan, harm: float) -> tuple[float, float]:
    """How often releases as good as the baseline are promoted at least, and those as bad as ``harm`` at most."""
    return _promoted(plan, plan.baseline, 0, 0, refuses=True), _promoted(plan, harm, 0, 0, refuses=False)


@cache
def _promoted(plan: Plan, rate: float, jobs: int, failed: int, *, refuses: bool) -> float:
    """Probability that a release which has come so far is promoted, job by job."""
    if failed >= len(plan.promote):
        return 0.0
    if jobs >= plan.promote[failed]:
        return 1.0
    if refuses and jobs and (failed >= len(plan.abort) or jobs <= plan.abort[failed]):
        return 0.0
    fails = _promoted(plan, rate, jobs + 1, failed + 1, refuses=refuses)
    return rate * fails + (1 - rate) * _promoted(plan, rate, jobs + 1, failed, refuses=refuses)

"""Whether each verdict has its cause: a recount of what stood on record when a release was decided, and of its time.

The recount knows the policy's words and not the program's verdict: the ends of jobs as Step Functions has them, from
the moment at which the table took note of them.
"""

from collections.abc import Iterator

from canary_router.core.conditions import Item
from canary_router.core.model import ENDED_BADLY, Basis, Release, ReleaseState, Route, Status
from canary_router.core.orders import OrderKind
from canary_router.core.records import rescue_id
from canary_router.sim.checks.gates import is_refused, promotion
from canary_router.sim.checks.orders import is_promoted_by_order, orders_on_record
from canary_router.sim.checks.requests import is_rescue
from canary_router.sim.evidence import Evidence
from canary_router.sim.journal import Job, Settlement, Transition

_TICK = 1_000.0
"""Clocks are read in whole milliseconds; with some room."""
_OPENING = 85_000.0
"""Milliseconds from the look that dates a release to its arrival in the table: the longest run, and a late write."""


def check_verdicts(evidence: Evidence) -> Iterator[str]:
    """Nothing is aborted without a cause, and nothing promoted with more failures than its policy allows."""
    for change in evidence.journal.transitions:
        release = evidence.releases[change.release_id]
        if release.basis is not Basis.CANARY or not change.before:
            continue
        if change.after == ReleaseState.ABORTING and not _is_turned_away(evidence, change):
            yield from _aborted(evidence, release, change)
        elif change.after == ReleaseState.PROMOTING and not is_promoted_by_order(evidence, release):
            yield from _promoted(evidence, release, change)


def _aborted(evidence: Evidence, release: Release, change: Transition) -> Iterator[str]:
    policy, bad, good = release.policy, _bad(evidence, change), _good(evidence, change)
    is_due = change.at >= _due(evidence, release) - evidence.plan.skew - _TICK
    if policy.gate is not None:
        if not is_due and not is_refused(evidence, release, change):
            seen = f"{good} jobs had succeeded and {bad} failed"
            yield f"{release.release_id} was aborted ({change.reason}) before its deadline, but {seen}"
        return
    if bad > policy.max_failures:
        return
    seen = f"{good} jobs had succeeded and {bad} failed, of {policy.requests}"
    if change.before == ReleaseState.OPEN and good >= policy.required:
        yield f"{release.release_id} was aborted ({change.reason}), but {seen}; {policy.required} were required"
    elif policy.requests - bad >= policy.required and not is_due:
        early = (_due(evidence, release) - change.at) / 1000
        yield f"{release.release_id} was aborted ({change.reason}), {early:.0f} s before its deadline: {seen}"


def _promoted(evidence: Evidence, release: Release, change: Transition) -> Iterator[str]:
    if release.policy.gate is not None:
        yield from promotion(evidence, release, change)
        return
    bad, good = _bad(evidence, change), _good(evidence, change)
    if bad > release.policy.max_failures:
        yield f"{release.release_id} was promoted with {bad} failures, {release.policy.max_failures} are allowed"
    if good < release.policy.required:
        yield f"{release.release_id} was promoted with {good} successes on record, not {release.policy.required}"


def _is_turned_away(evidence: Evidence, change: Transition) -> bool:
    """Whether a release was aborted for another reason than its canary: an order, or a write that was taken back.

    That nothing counts as withdrawn which nobody has withdrawn is for the check of lost releases.
    """
    ordered = any(
        one.release_id == change.release_id and one.order.kind is OrderKind.ABORT for one in orders_on_record(evidence)
    )
    rolled_back = any(
        one.basis is Basis.ROLLBACK and one.supersedes == change.release_id for one in evidence.releases.values()
    )
    return ordered or rolled_back or change.reason.startswith("withdrawn")


def _due(evidence: Evidence, release: Release) -> float:
    """When its deadline is, by the clock of whoever has opened it."""
    first = next(one.at for one in evidence.journal.transitions if one.release_id == release.release_id)
    opened = max(float(release.opened_at), first - _OPENING - evidence.plan.skew)
    return opened + release.policy.deadline * 1000


def _settled(evidence: Evidence, change: Transition) -> Iterator[Settlement]:
    """The ends that were on record when a release was decided."""
    for one in evidence.journal.settlements:
        if one.release_id == change.release_id and one.at <= change.at:
            yield one


def _bad(evidence: Evidence, change: Transition) -> int:
    return sum(
        one.status is Status.NOT_STARTED or (one.status in ENDED_BADLY and _is_true(evidence, one))
        for one in _settled(evidence, change)
    )


def _good(evidence: Evidence, change: Transition) -> int:
    return sum(one.status is Status.SUCCEEDED and _is_true(evidence, one) for one in _settled(evidence, change))


def _is_true(evidence: Evidence, settled: Settlement) -> bool:
    """Whether a job of that name on the release's version has ended so, at that moment at the latest."""
    return any(
        job.name == settled.transform_id and job.ends is not None and job.ends <= settled.at
        for job in evidence.jobs_of(evidence.releases[settled.release_id])
        if job.outcome is settled.status
    )


def check_rescues(evidence: Evidence) -> Iterator[str]:
    """A rescue runs the input of the job that it rescues, which is a canary's whose release asks for that."""
    names = {rescue_id(str(item["transform_id"])): item for items in evidence.canaries.values() for item in items}
    for rescue in filter(is_rescue, evidence.journal.jobs.values()):
        item = names.get(rescue.name)
        failed = None if item is None else _failed_canary(evidence, item)
        if failed is None:
            yield f"{rescue.name} was started, but what it rescues is no failed canary that is to be rescued"
        elif rescue.document != failed.document:
            yield f"{rescue.name} was started for {rescue.document}, and {failed.name} for {failed.document}"


def _failed_canary(evidence: Evidence, item: Item) -> Job | None:
    """The job of an admitted transform, if it is one that was to be rescued."""
    release = evidence.releases[str(item["release_id"])]
    if not release.policy.rescue or item["route"] != Route.LATEST or item["status"] not in ENDED_BADLY:
        return None
    jobs = (job for job in evidence.jobs_of(release) if job.name == item["transform_id"])
    return next((job for job in jobs if job.outcome in ENDED_BADLY), None)

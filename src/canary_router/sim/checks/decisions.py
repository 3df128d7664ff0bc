"""The checks of decisions: the budget, the evidence for a promotion, and that a decision stands."""

from collections import Counter
from collections.abc import Iterator

from canary_router.core.model import Basis, Release, ReleaseState, Status
from canary_router.sim.checks.gates import check_places, check_plans
from canary_router.sim.checks.orders import check_orders, is_promoted_by_order, wrong_rollback
from canary_router.sim.checks.previous import check_rollbacks
from canary_router.sim.checks.verdicts import check_verdicts
from canary_router.sim.checks.withdrawn import check_withdrawn, check_written
from canary_router.sim.evidence import PROMOTED, Evidence
from canary_router.sim.journal import PointerWrite
from canary_router.sim.world import is_valid, tag_of

_BLANK_LATELY = 45_000.0
"""A first version is written over a blank. SSM has no compare-and-set: blank it must have been a moment before."""


def check_budget(evidence: Evidence) -> Iterator[str]:
    """Transforms admitted to a release are at most its budget, and by a sequential gate come one for one."""
    for release_id, release in evidence.releases.items():
        admitted = len(evidence.canaries.get(release_id, ()))
        if admitted > release.policy.budget:
            yield f"{release_id} admitted {admitted} of {release.policy.budget}"
    yield from check_places(evidence)
    # From the outside: before a version is current, only places of a budget bring jobs to it.
    writes = Counter(tag_of(str(write.value)) for write in evidence.writes("latest") if is_valid(write.value))
    most = evidence.most_requests()
    for tag, count in writes.items():
        first = evidence.first_current(tag)
        jobs = sum(job.tag == tag and job.started < first for job in evidence.journal.jobs.values())
        if jobs > count * most:
            yield f"{jobs} jobs ran on {tag} before it was current, {count} writes of latest allow {count * most}"


def check_evidence(evidence: Evidence) -> Iterator[str]:
    """Promoted only with the required successes, or by a person's order; and orders do what they say."""
    yield from check_orders(evidence)
    yield from check_withdrawn(evidence)
    yield from check_written(evidence)
    yield from check_verdicts(evidence)
    yield from check_plans(evidence)
    yield from check_rollbacks(evidence)
    yield from _misquoted(evidence)
    for write in evidence.writes("current"):
        if not write.note.startswith(PROMOTED):
            if not write.who.startswith("person"):
                yield f"{write.who} wrote current := {write.value} for no release"
            continue
        release = evidence.releases.get(write.note.removeprefix(PROMOTED))
        if release is None or release.target.tag != tag_of(str(write.value)):
            yield f"current := {write.value} for {write.note}, which is not on record"
        elif problem := _unproven(evidence, release, write):
            yield f"current := {release.target.tag} for {release.release_id}: {problem}"
    for release in evidence.releases.values():
        yield from _misread(evidence, release)
    for at, told in evidence.journal.told:
        release = evidence.releases.get(str(told.detail["release_id"]))
        if told.detail_type == "Release Promoted" and not _was_promoted(evidence, release, at):
            yield f"at {at} people were told of a promotion of {told.detail['release_id']} that never was"


def _was_promoted(evidence: Evidence, release: Release | None, at: float) -> bool:
    """Whether a release was promoted, or a first version that was current when people were told of it.

    If the run that has told dies, and somebody writes another version by hand, a first version is turned away yet.
    """
    if release is None or release.state is ReleaseState.PROMOTED:
        return release is not None
    held = evidence.held("current", at - 1_000, at)
    return release.basis is Basis.FIRST and any(value and tag_of(value) == release.target.tag for value in held)


def _misread(evidence: Evidence, release: Release) -> Iterator[str]:
    """A read may be old, but what the program itself wrote before is on record: it may not be overlooked."""
    if release.basis not in (Basis.FIRST, Basis.ALREADY_CURRENT):
        return
    opened = next(one.at for one in evidence.journal.transitions if one.release_id == release.release_id)
    before = [write for write in evidence.writes("current") if write.at <= opened]
    ours = before[-1] if before and before[-1].note.startswith(PROMOTED) else None
    if ours is not None and (release.basis is Basis.FIRST or tag_of(str(ours.value)) != release.target.tag):
        yield f"{release.release_id} went without a canary ({release.basis}), but {ours.value} was current"


def _unproven(evidence: Evidence, release: Release, write: PointerWrite) -> str:
    held = list(evidence.held("current", write.at - _BLANK_LATELY, write.at - 0.001))
    if release.basis is Basis.FIRST:
        return "" if any(not value or not is_valid(value) for value in held) else "it is not the first version"
    if release.basis is Basis.ALREADY_CURRENT:
        return "" if any(value and tag_of(value) == release.target.tag for value in held) else "it was not current"
    if release.basis is Basis.ROLLBACK:
        return wrong_rollback(evidence, release)
    if release.basis is not Basis.CANARY:
        return f"its basis is {release.basis}"
    if release.ordered_by and is_promoted_by_order(evidence, release):
        return ""
    good = sum(
        job.outcome is Status.SUCCEEDED and job.ends is not None and job.ends <= write.at
        for job in evidence.jobs_of(release)
    )
    required = release.policy.required
    if release.policy.gate is not None:
        enough = None if release.plan is None else release.plan.reaches(release.failures)
        required = release.policy.budget + 1 if enough is None else enough - release.failures
    return "" if good >= required else f"{good} of {required} jobs had succeeded"


def _misquoted(evidence: Evidence) -> Iterator[str]:
    """A verdict says by which counts it was made, and those stood on record when it was."""
    for change in evidence.journal.transitions:
        is_verdict = " running)" in change.reason and "by order of" not in change.reason
        if change.after in ("PROMOTING", "ABORTING") and is_verdict and f"({change.counts})" not in change.reason:
            yield f"{change.release_id} became {change.after}, {change.reason!r}, when it had {change.counts}"


_NEXT = {
    "": {"OPEN", "PROMOTED", "PROMOTING"},
    "OPEN": {"PAUSED", "PROMOTING", "ABORTING", "SUPERSEDED"},
    "PAUSED": {"OPEN", "PROMOTING", "ABORTING", "SUPERSEDED"},
    "PROMOTING": {"PROMOTED", "ABORTING"},
    "ABORTING": {"ABORTED"},
}


def check_finality(evidence: Evidence) -> Iterator[str]:
    """After the decision's write nothing is admitted, and nothing is decided otherwise."""
    for admission in evidence.journal.admissions:
        if admission.state != ReleaseState.OPEN:
            yield f"{admission.who}: {admission.transform_id} admitted to {admission.release_id}, {admission.state}"
    for change in evidence.journal.transitions:
        if change.after not in _NEXT.get(change.before, set()):
            yield f"{change.who}: {change.release_id} went from {change.before} to {change.after}"
        release = evidence.releases[change.release_id]
        turned = (change.before, change.after) == ("PROMOTING", "ABORTING")
        if turned and release.basis is Basis.CANARY and not change.reason.startswith("withdrawn"):
            yield f"{change.who}: {change.release_id} was promoted on evidence, and then aborted"
    for release_id, release in evidence.releases.items():
        counted = Counter(str(item["status"]) for item in evidence.canaries.get(release_id, ()))
        failed = sum(counted[status] for status in (Status.FAILED, Status.TIMED_OUT, Status.ABORTED))
        seen = (counted[Status.SUCCEEDED], failed, counted[Status.NOT_STARTED])
        if seen != (release.succeeded, release.failed, release.not_started):
            yield f"{release_id} counts {release.succeeded, release.failed, release.not_started}, its jobs say {seen}"

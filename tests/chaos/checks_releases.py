"""What became of releases: budget, finality, the evidence for each promotion, and that each came to its end."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.evidence import Execution, Line
from tests.chaos.versions import GOOD

from canary_router import settings
from canary_router.core.model import ENDED_BADLY, Basis, Release, ReleaseState, Status, Transform

_ENDS = (ReleaseState.PROMOTED, ReleaseState.ABORTED, ReleaseState.SUPERSEDED)
_WRITTEN = round(2000 * settings.CALL_SECONDS) + 1000
"""Who decides, opens or admits notes the time first and then writes: reading and writing take two calls at most."""
_REQUEST = 45_000
"""A request function's life, and a call that comes late after it: what was admitted in time starts by then."""
_DUE = 60_000
"""How long after its deadline a release may be decided: passes come every five seconds, and meet faults."""


def closing(release: Release) -> float:
    """When nothing more could be admitted to a release, in milliseconds; the end of time if that never came."""
    if release.decided_at is not None:
        return release.decided_at
    return float("inf") if release.closed_at is None else release.closed_at


def check_budget(line: Line) -> Iterator[str]:
    """A release admits what its policy allows, and before a version is current nothing else brings it jobs."""
    for release in line.releases:
        label = f"{release.release_id} of {line.service}"
        admitted = sum(one.release_id == release.release_id for one in line.canaries)
        ran = len(line.jobs_of(release))
        if max(release.admitted, admitted, ran) > release.policy.requests:
            yield f"overshot: {label} counts {release.admitted} jobs, {admitted} are on record, {ran} ran"
        elif admitted != release.admitted:
            yield f"{label} counts {release.admitted} jobs, {admitted} are on record"
    admitted_names = {one.transform_id for one in line.canaries}
    for tag in {one.tag for one in line.ran} - {GOOD[0]}:
        early = [one for one in line.ran if one.tag == tag and one.started < line.first_current(tag)]
        allowed = sum(one.policy.requests for one in line.releases if one.target.tag == tag)
        if len(early) > allowed:
            yield f"overshot: {len(early)} jobs of {line.service} ran on {tag} before it was current, {allowed} allowed"
        for one in early:
            if one.name not in admitted_names:
                yield f"astray: {one.arn} began on {tag}, which was not current, and was not admitted to a release"


def check_finality(line: Line) -> Iterator[str]:
    """Nothing is admitted, and nothing starts, for a release that is closed; and nothing on another version."""
    for canary in line.canaries:
        release = line.by_id[str(canary.release_id)]
        if not release.opened_at - _WRITTEN <= canary.created_at <= closing(release) + _WRITTEN:
            yield (
                f"late: {canary.transform_id} was admitted at {canary.created_at} to {release.release_id}, which was "
                f"open from {release.opened_at} to {closing(release)}"
            )
        for execution in line.by_name.get(canary.transform_id, ()):
            if problem := _wrong_job(release, canary, execution):
                yield f"{execution.arn} {problem}"
    for release in line.releases:
        counted = Counter(one.status for one in line.canaries if one.release_id == release.release_id)
        failed = sum(counted[status] for status in ENDED_BADLY)
        seen = (counted[Status.SUCCEEDED], failed, counted[Status.NOT_STARTED])
        if seen != (release.succeeded, release.failed, release.not_started):
            yield f"{release.release_id} counts {release.succeeded, release.failed, release.not_started}, not {seen}"


def _wrong_job(release: Release, canary: Transform, execution: Execution) -> str:
    """What is wrong with an execution that has the name of a transform which a release admitted; empty for nothing."""
    if execution.tag != release.target.tag:
        taken_over = canary.status is Status.NOT_STARTED
        return "" if taken_over else f"is astray: it was admitted to {release.release_id}, for {release.target.tag}"
    if canary.status is Status.NOT_STARTED:
        return "is on record as not started"
    if execution.started * 1000 > closing(release) + _REQUEST:
        return f"is late: it began at {execution.started}, and {release.release_id} was over at {closing(release)}"
    if canary.status.is_final and canary.status != execution.status:
        return f"ended {execution.status}, on record it is {canary.status}"
    return ""


def check_ends(line: Line) -> Iterator[str]:
    """Every release is decided, in time, for a reason that holds."""
    for release in line.releases:
        label = f"{release.release_id} of {line.service}"
        if release.state not in _ENDS:
            yield f"undecided: {label} is {release.state}"
        elif closing(release) > release.deadline_at + _DUE:
            yield f"late: {label} was due at {release.deadline_at} and decided at {closing(release)}"
        if release.state is ReleaseState.SUPERSEDED and not any(
            newer.supersedes == release.release_id and newer.write > release.write for newer in line.releases
        ):
            yield f"{label} was superseded, but by nothing newer"
        if "withdrawn" in release.reason:
            yield f"{label} counts as withdrawn, but nobody has withdrawn it"
        if release.basis is Basis.FIRST:
            yield f"{label} went without a canary, but there was a current version"

"""What the outcomes of a release say: hold, promote or abort.

- The release item alone is judged, never a list of its jobs: its counts are exact (``changes.settle``).
- Failures come first: a release with too many is aborted, whatever else it has to show.
- A release that can no longer reach its successes is aborted at once, not at its deadline.
- A paused release can still fail, and still run out of time; it is never promoted.
- Nothing is promoted on what is expected: only on successes that are on record.
- How many outcomes can decide nothing yet is known beforehand, and stands in the release's item, so that the write that
  counts an outcome can tell by itself whether there is anything to judge.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

from canary_router.core.model import Basis, Release, ReleaseState, Status


@dataclass(frozen=True)
class Hold:
    """No decision yet; ``reason`` says what is being waited for."""

    reason: str


@dataclass(frozen=True)
class Promote:
    """The release becomes current."""

    reason: str


@dataclass(frozen=True)
class Abort:
    """The release is turned away."""

    reason: str


Verdict: TypeAlias = Hold | Promote | Abort


def judge(release: Release, now: int) -> Verdict:
    """Judges a release at a moment.

    Args:
        release: The release as it is on record.
        now: Milliseconds since the epoch.

    Returns:
        The verdict with its reason. A release that is decided already is held: nothing changes it.
    """
    if not release.state.can_be_decided:
        return Hold(f"already {release.state}")
    if release.state is ReleaseState.OPEN and release.basis is Basis.FIRST:
        return Promote("first version: there was nothing to compare it with")
    if release.state is ReleaseState.OPEN and release.basis is Basis.ALREADY_CURRENT:
        return Promote("already current")
    return _judge_canary(release, now)


def counted(release: Release, status: Status) -> Release:
    """A release after one more outcome."""
    if status is Status.SUCCEEDED:
        return replace(release, succeeded=release.succeeded + 1)
    if status is Status.NOT_STARTED:
        return replace(release, not_started=release.not_started + 1)
    return replace(release, failed=release.failed + 1)


def decided(release: Release, now: int) -> Release | None:
    """A release as its verdict leaves it; None while it is held."""
    match judge(release, now):
        case Promote(reason):
            return replace(release, state=ReleaseState.PROMOTING, decided_at=now, reason=reason)
        case Abort(reason):
            return replace(release, state=ReleaseState.ABORTING, decided_at=now, reason=reason)
        case Hold():
            return None


def _judge_canary(release: Release, now: int) -> Verdict:
    policy = release.policy
    counts = release.counts
    if release.failures > policy.max_failures:
        return Abort(f"{_jobs(release.failures)} failed, {policy.max_failures} allowed ({counts})")
    if release.succeeded >= policy.required and release.state is ReleaseState.OPEN:
        return Promote(f"{release.succeeded} of {policy.required} required jobs succeeded ({counts})")
    if policy.requests - release.failures < policy.required:
        return Abort(f"{policy.required} successes cannot be reached any more ({counts})")
    if now >= release.deadline_at:
        return Abort(f"the deadline passed after {policy.deadline} seconds ({counts})")
    if release.state is ReleaseState.PAUSED:
        return Hold(f"paused ({counts})")
    if release.admitted < policy.requests:
        return Hold(f"waiting for {_jobs(policy.requests - release.admitted)} to be routed to it ({counts})")
    return Hold(f"waiting for {_jobs(release.running)} to end ({counts})")


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"

"""What the outcomes of a release say: hold, promote or abort.

- The release item alone is judged, never a list of its jobs: its counts are exact (``changes.settle``).
- Failures come first: a release with too many is aborted, whatever else it has to show.
- A release that can no longer reach its successes is aborted at once, not at its deadline.
- A paused release can still fail, and still run out of time; it is never promoted.
- Nothing is promoted on what is expected: only on successes that are on record.
- How many outcomes can decide nothing yet is known beforehand, and stands in the release's item, so that the write that
  counts an outcome can tell by itself whether there is anything to judge.

By a sequential gate, moreover:

- The order in which outcomes come in decides nothing: slow failures weigh as much as quick successes. A job whose end
  is not on record counts as failed where the release would be promoted, as succeeded where it would be turned away.
- A release is sent no more jobs than would promote it if no other one failed. So it is promoted when all that it was
  sent have ended, and just where the jobs, in the order of their admission, meet the boundary of promotion.
- More places come with its outcomes: the counts that were judged go with them into one conditional write.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

from canary_router.core.gate import Sequential
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


def followed(release: Release, now: int) -> Release | None:
    """A release as its verdict leaves it: decided, or held with more places; None where nothing changes."""
    after = decided(release, now)
    if after is not None:
        return after
    places = places_of(release)
    return replace(release, granted=places) if places > release.places else None


def places_of(release: Release) -> int:
    """How many jobs may be admitted to a release by what is on record of it.

    With a sequential gate so many as may be under way at once beyond those that have ended, and never more than would
    promote it if no other one failed. What was granted is never taken back.
    """
    gate, plan = release.policy.gate, release.plan
    if gate is None or plan is None or release.state is not ReleaseState.OPEN:
        return release.places
    enough = plan.reaches(release.failures)
    if enough is None:
        return release.places
    return max(release.places, min(enough, release.admitted - release.running + gate.at_once))


def _judge_canary(release: Release, now: int) -> Verdict:
    gate = release.policy.gate
    made = _by_all(release) if gate is None else _by_test(release, gate)
    if not isinstance(made, Hold):
        return made
    if now >= release.deadline_at:
        return Abort(f"the deadline passed after {release.policy.deadline} seconds ({release.counts})")
    return Hold(f"paused ({release.counts})") if release.state is ReleaseState.PAUSED else made


def _by_test(release: Release, gate: Sequential) -> Verdict:
    plan, counts, failures = release.plan, release.counts, release.failures
    if plan is None:
        return Hold("waiting for the controller to work out what its gate asks for")
    if plan.aborts(release.admitted, failures):
        return Abort(f"{failures} of {_jobs(release.admitted)} failed, which turns it away ({counts})")
    if release.state is ReleaseState.OPEN and plan.promotes(release.admitted, failures + release.running):
        return Promote(f"{release.succeeded} of {_jobs(release.admitted)} succeeded, which promotes it ({counts})")
    enough = plan.reaches(failures)
    if enough is not None:
        return Hold(f"{more_runs(release, enough)} ({counts})")
    told = f"inconclusive: with {_jobs(failures)} failed it cannot be promoted within {gate.max}"
    if gate.on_inconclusive == "abort":
        return Abort(f"{told} ({counts})")
    return Hold(f"{told}; a person promotes or aborts it ({counts})")


def more_runs(release: Release, enough: int) -> str:
    """How many jobs still have to end well, where ``enough`` of them in all promote a release."""
    needed = enough - (release.admitted - release.running)
    under_way = f", {release.running} of them under way" if release.running else ""
    return f"{needed} more clean {'run' if needed == 1 else 'runs'} needed{under_way}"


def _by_all(release: Release) -> Verdict:
    policy = release.policy
    counts = release.counts
    if release.failures > policy.max_failures:
        return Abort(f"{_jobs(release.failures)} failed, {policy.max_failures} allowed ({counts})")
    if release.succeeded >= policy.required and release.state is ReleaseState.OPEN:
        return Promote(f"{release.succeeded} of {policy.required} required jobs succeeded ({counts})")
    if policy.requests - release.failures < policy.required:
        return Abort(f"{policy.required} successes cannot be reached any more ({counts})")
    if release.admitted < policy.requests:
        return Hold(f"waiting for {_jobs(policy.requests - release.admitted)} to be routed to it ({counts})")
    return Hold(f"waiting for {_jobs(release.running)} to end ({counts})")


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"

"""What is being waited for, in words: of a service whose pointers and newest release were just read."""

from canary_router.core.durations import duration
from canary_router.core.gate_words import wanted
from canary_router.core.model import Basis, Release, ReleaseState
from canary_router.core.pointers import Blank, Invalid, Pointers
from canary_router.core.verdict import Abort, Promote, judge


def waiting_for(pointers: Pointers, release: Release | None, now: int) -> str:
    """What has to happen next; empty while the router sleeps and all is well.

    Args:
        pointers: As they were read.
        release: The open release, or the last one.
        now: Epoch milliseconds.
    """
    if release is not None and release.closed_at is None and release.state is not ReleaseState.SUPERSEDED:
        return _end_of(release, now)
    is_known = release is not None and pointers.write is not None and release.write >= pointers.write
    if pointers.candidate is not None and pointers.write is not None and not is_known:
        return (
            f"the router to look at {pointers.candidate.tag}, "
            f"which was written to latest {duration(now - pointers.write.modified)} ago"
        )
    if pointers.problems:
        refused = "every request is refused, and " if isinstance(pointers.current, Invalid) else ""
        return f"somebody to correct what is invalid: until then {refused}nothing is tried out"
    if isinstance(pointers.current, Blank):
        return "a first version to be released: until then every request is refused"
    return ""


def jobs_it_takes(release: Release) -> int:
    """How many jobs a release takes if no other one fails; one that is decided, or inconclusive, takes no more."""
    if release.policy.gate is None:
        return release.policy.requests
    enough = None if release.plan is None else release.plan.reaches(release.failures)
    return release.admitted if enough is None or not release.state.can_be_decided else enough


def _end_of(release: Release, now: int) -> str:
    if release.state is ReleaseState.PROMOTING:
        return "the controller to write the pointers: it becomes current"
    if release.state is ReleaseState.ABORTING:
        return "the controller to blank latest: it is turned away"
    if isinstance(verdict := judge(release, now), Promote | Abort):
        return f"the controller to carry out its verdict: {verdict.reason}"
    if release.state is ReleaseState.PAUSED:
        return "somebody to resume, promote or abort it"
    return _jobs_of(release)


def _jobs_of(release: Release) -> str:
    if release.basis is not Basis.CANARY:
        return "the controller to make it current"
    if release.policy.gate is not None:
        return _evidence_of(release)
    free = release.policy.requests - release.admitted
    running = f"{_jobs(release.running)} to end"
    if free <= 0:
        return running
    sent = f"{_jobs(free)} to be sent to it"
    return f"{sent}, and {running}" if release.running else sent


def _evidence_of(release: Release) -> str:
    """What a sequential gate waits for."""
    free = release.places - release.admitted
    return f"{wanted(release)}{f'; {_jobs(free)} may be sent to it now' if free > 0 else ''}"


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"

"""What is told of a release: the events of the contract, as data."""

from dataclasses import dataclass
from typing import Any

from canary_router.core.model import Basis, Release, ReleaseState

_DETAIL_TYPES = {
    ReleaseState.OPEN: "Release Resumed",
    ReleaseState.PROMOTING: "Release Promoted",
    ReleaseState.PROMOTED: "Release Promoted",
    ReleaseState.ABORTING: "Release Aborted",
    ReleaseState.ABORTED: "Release Aborted",
    ReleaseState.SUPERSEDED: "Release Superseded",
    ReleaseState.PAUSED: "Release Paused",
}


@dataclass(frozen=True)
class Announcement:
    """One event. ``detail`` is JSON-ready: the release with its counts and its reason."""

    detail_type: str
    detail: dict[str, Any]


def announce(environment: str, release: Release, *, opened: bool = False) -> Announcement:
    """The event that says which state a release is in.

    Args:
        environment: Name of the environment.
        release: The release. One whose pointers are written already is announced as what it becomes.
        opened: Announce its opening instead, whatever happened since.
    """
    if opened:
        detail_type = "Release Opened"
    elif release.basis is Basis.ROLLBACK:
        detail_type = "Release RolledBack"
    else:
        detail_type = _DETAIL_TYPES[release.state]
    return Announcement(detail_type, {"environment": environment, **release_summary(release)})


def release_summary(release: Release) -> dict[str, Any]:
    """A release as JSON for people and machines: events, the command line and the dashboard all show this."""
    return {
        "service": release.service,
        "release_id": release.release_id,
        "version": release.target.tag,
        "target_arn": release.target.arn,
        "state": release.state.value,
        "basis": release.basis.value,
        "admitted": release.admitted,
        "running": release.running,
        "succeeded": release.succeeded,
        "failed": release.failed,
        "not_started": release.not_started,
        **_asked(release),
        "opened_at": release.opened_at,
        "deadline_at": release.deadline_at,
        "decided_at": release.decided_at,
        "closed_at": release.closed_at,
        "reason": release.reason,
        "ordered_by": release.ordered_by,
    }


def _asked(release: Release) -> dict[str, Any]:
    """What the release has to show: by a sequential gate, with the failures that it has now."""
    policy, plan = release.policy, release.plan
    if policy.gate is None:
        return {"requests": policy.requests, "required": policy.required, "max_failures": policy.max_failures}
    enough = None if plan is None else plan.reaches(release.failures)
    return {
        "requests": policy.budget,
        "required": None if enough is None else enough - release.failures,
        "max_failures": None if plan is None else len(plan.promote) - 1,
        "gate": {
            "sequential": policy.gate.document()["sequential"],
            "places": release.places,
            "more_clean_runs": None if enough is None else max(0, enough - release.admitted + release.running),
            "plan": None if plan is None else plan.document(),
        },
    }

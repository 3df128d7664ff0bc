"""Is a release stuck? Waiting for jobs is what a release does; waiting for the controller, or for nobody, is not."""

from dataclasses import dataclass

from canary_router import settings
from canary_router.core.durations import duration
from canary_router.core.model import Basis, Release, ReleaseState
from canary_router.core.orders import OrderKind
from canary_router.flows.inspect import ServiceView
from canary_router.flows.order_history import orders_given
from canary_router.ports import Ports

_CONTROLLER = 180_000
"""Milliseconds: the controller looks every minute; three of its turns have passed."""
_FORGOTTEN = 3_600_000
"""Milliseconds after which a pause may have been forgotten."""


@dataclass(frozen=True)
class Trouble:
    """What holds a release up, and what to do about it."""

    text: str
    remedy: str


def stuck(ports: Ports, environment: str, view: ServiceView) -> Trouble | None:
    """What holds a service's release up; None when nothing does.

    Raises:
        Unavailable: The table does not answer.
    """
    now, release = ports.clock.now(), view.release
    controller = settings.function_name(environment, "outcome")
    remedy = (
        f"The controller does not come to it. Look at the log of {controller}, at the queue "
        f"canary-router-{environment}-dead-letters, and whether the rule canary-router-{environment}-minute is enabled."
    )
    waits = _waits_for_controller(view, now)
    if waits:
        return Trouble(waits, remedy)
    if release is None or not release.state.can_be_decided:
        return None
    if release.state is ReleaseState.PAUSED:
        return _forgotten(ports, release, now)
    return _starved(release, now)


def _waits_for_controller(view: ServiceView, now: int) -> str:
    release, write = view.release, view.pointers.write
    if release is not None and release.state in (ReleaseState.PROMOTING, ReleaseState.ABORTING):
        since = now - (release.decided_at or release.opened_at)
        if since > _CONTROLLER:
            return f"{release.target.tag} has been {release.state} for {duration(since)}: its pointers are not written"
        return ""
    if release is not None and release.state.can_be_decided and now - release.deadline_at > _CONTROLLER:
        return f"{release.target.tag} is {release.state}, {duration(now - release.deadline_at)} after its deadline"
    candidate = view.pointers.candidate
    if candidate is None or write is None or now - write.modified <= _CONTROLLER:
        return ""
    if release is None or release.write < write:
        return f"{candidate.tag} was written to latest {duration(now - write.modified)} ago, and is no release yet"
    return ""


def _forgotten(ports: Ports, release: Release, now: int) -> Trouble | None:
    given = orders_given(ports.ledger, release.service)
    pause = next((it for it in given if it.order.kind is OrderKind.PAUSE), None)  # the newest is this release's
    if pause is None or now - pause.order.at <= _FORGOTTEN:
        return None
    since = duration(now - pause.order.at)
    return Trouble(
        f"{release.target.tag} was paused {since} ago by {pause.order.who}",
        f"Decide: canary-router resume {release.service}, or promote, or abort --reason TEXT.",
    )


def _starved(release: Release, now: int) -> Trouble | None:
    """Over half of its time is gone and it has not been sent the jobs that it needs."""
    if release.basis is not Basis.CANARY or release.admitted >= release.places:
        return None
    if now - release.opened_at <= release.policy.deadline * 500:
        return None
    left = duration(release.deadline_at - now)
    return Trouble(
        f"{release.target.tag} was sent {release.admitted} of {release.places} jobs, and has {left} left",
        f"Send it some (canary-router send {release.service}), raise 'share' in the policy for the next one, "
        "or promote it by hand.",
    )

"""Follows a release to its decision: what there is to see at each look, and which look is the last."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from canary_router.core.model import Release, ReleaseState, Transform, WriteMark
from canary_router.core.pointers import Invalid
from canary_router.errors import InvalidInput, NotFound, Unavailable
from canary_router.flows.inspect import ServiceView, service_view, transforms_of
from canary_router.ports import Ports

_FAILURES_AT_MOST = 30
_DECIDED = (ReleaseState.PROMOTED, ReleaseState.ABORTED)


@dataclass(frozen=True)
class Sight:
    """What one look shows.

    Attributes:
        view: The service.
        release: The release that is followed; None while ``latest`` was written but not looked at by the router yet.
        transforms: The release's jobs, oldest first.
    """

    view: ServiceView
    release: Release | None
    transforms: tuple[Transform, ...] = ()

    @property
    def is_last(self) -> bool:
        """Whether the release was decided and its decision carried out."""
        return self.release is not None and self.release.state in _DECIDED


def follow(
    ports: Ports, service: str, keep_on: Callable[[], bool], warn: Callable[[str], None] = lambda _: None
) -> Iterator[Sight]:
    """Looks at the newest release of a service, again and again, until it is decided.

    A release that is superseded is followed by the one that took its place. AWS may fail to answer for a while.

    Args:
        ports: To look through.
        service: The service's name.
        keep_on: Called between two looks: waits, and tells whether to look again.
        warn: Is told of looks that failed.

    Raises:
        NotFound: There is no such service, or nothing was ever released for it.
        InvalidInput: Nothing is on trial, and ``latest`` holds what cannot be: whoever wrote it meant a release.
        Unavailable: AWS did not answer the first look, or many times in a row.
    """
    awaited = None
    failures, has_seen = 0, False
    while True:
        try:
            view = service_view(ports, service)
            if awaited is None and view.pointers.candidate is not None:
                awaited = view.pointers.write
            sight = _look(ports, view, awaited)
        except Unavailable as error:
            failures += 1
            if not has_seen or failures >= _FAILURES_AT_MOST:
                raise
            warn(f"Looking again: {error}")
        else:
            failures, has_seen = 0, True
            yield sight
            if sight.is_last:
                return
        if not keep_on():
            return


def _look(ports: Ports, view: ServiceView, awaited: WriteMark | None) -> Sight:
    """The release that is followed: none from before the write of ``latest`` that is waited for."""
    release, service = view.release, view.pointers.service
    if release is not None and awaited is not None and release.write < awaited:
        release = None
    if awaited is None and isinstance(view.pointers.latest, Invalid) and not _is_on_trial(release):
        raise InvalidInput(" ".join(view.pointers.problems), advice="Nothing was released by that.")
    if release is None and awaited is None:
        raise NotFound(
            f"Nothing was ever released for {service!r}",
            advice=f"Deploy a version, or: canary-router release {service} ARN.",
        )
    found = () if release is None else transforms_of(ports.ledger, service, release.release_id)
    return Sight(view, release, tuple(found))


def _is_on_trial(release: Release | None) -> bool:
    return release is not None and release.closed_at is None

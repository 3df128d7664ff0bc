"""Follows a release to its decision: what there is to see at each look, and which look is the last."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from canary_router.core.model import Release, ReleaseState, Transform
from canary_router.errors import NotFound, Unavailable
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
        Unavailable: AWS did not answer many times in a row.
    """
    awaited = None
    failures = 0
    while True:
        try:
            view = service_view(ports, service)
            if awaited is None and view.pointers.candidate is not None:
                awaited = view.pointers.write
            release = view.release
            if release is not None and awaited is not None and release.write < awaited:
                release = None
            if release is None and awaited is None:
                raise NotFound(
                    f"Nothing was ever released for {service!r}",
                    advice=f"Deploy a version, or: canary-router release {service} ARN.",
                )
            found = () if release is None else transforms_of(ports.ledger, service, release.release_id)
            sight = Sight(view, release, tuple(found))
        except Unavailable as error:
            failures += 1
            if failures >= _FAILURES_AT_MOST:
                raise
            warn(f"Looking again: {error}")
        else:
            failures = 0
            yield sight
            if sight.is_last:
                return
        if not keep_on():
            return

"""When a version was last in use, as far as the record and SSM's histories tell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from canary_router import settings
from canary_router.core.model import Release, ReleaseState, Version
from canary_router.core.pointers import Reading, content_of


@dataclass(frozen=True)
class Use:
    """The end of a version's use: epoch milliseconds, and what ended it, as a predicate."""

    until: int
    ended: str


def last_uses(
    service: str, releases: Iterable[Release], writes: tuple[Sequence[Reading], Sequence[Reading]], now: int
) -> dict[str, Use]:
    """The last use of each version, by its slug. A use that has not ended lasts until now.

    Args:
        service: The service's name.
        releases: All that are on record.
        writes: The history of ``current`` and that of ``latest``, each oldest first.
        now: Epoch milliseconds.
    """
    of_current, of_latest = writes
    found: dict[str, Use] = {}
    for version, use in (
        *_while_current(service, of_current, now),
        *_when_released(service, of_latest),
        *_while_promoted(releases, now),
        *_when_turned_away(releases, now),
    ):
        slug = settings.slug(version.tag)
        if slug not in found or found[slug].until < use.until:
            found[slug] = use
    return found


def _while_current(service: str, writes: Sequence[Reading], now: int) -> Iterable[tuple[Version, Use]]:
    ends = [*(write.modified for write in writes[1:]), now]
    for write, end in zip(writes, ends, strict=False):
        content = content_of(service, write)
        if isinstance(content, Version):
            yield content, Use(end, "stopped being current")


def _when_released(service: str, writes: Sequence[Reading]) -> Iterable[tuple[Version, Use]]:
    for write in writes:
        content = content_of(service, write)
        if isinstance(content, Version):
            yield content, Use(write.modified, "was written to latest")


def _while_promoted(releases: Iterable[Release], now: int) -> Iterable[tuple[Version, Use]]:
    promoted = [it for it in releases if it.state is ReleaseState.PROMOTED]
    promoted.sort(key=_ended_at)
    ends = [*(_ended_at(release) for release in promoted[1:]), now]
    for release, end in zip(promoted, ends, strict=False):
        yield release.target, Use(end, "stopped being current")


def _when_turned_away(releases: Iterable[Release], now: int) -> Iterable[tuple[Version, Use]]:
    for release in releases:
        if release.state is ReleaseState.ABORTED:
            yield release.target, Use(_ended_at(release), "was aborted")
        elif release.state is ReleaseState.SUPERSEDED:
            yield release.target, Use(_ended_at(release), "was superseded")
        elif release.state is not ReleaseState.PROMOTED:
            yield release.target, Use(now, "was on trial")


def _ended_at(release: Release) -> int:
    return release.closed_at or release.decided_at or release.opened_at

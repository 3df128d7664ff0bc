"""What a router sees of a service: pointers and release, remembered for a moment.

Being out of date here is safe, for two reasons: nothing is admitted without the conditional write, and a view never
makes a release bigger than it is on record. When SSM does not answer, the last pointers go on serving, loudly.
"""

import logging
from dataclasses import dataclass, replace

from canary_router.core import records
from canary_router.core.model import Release, Version
from canary_router.core.pointers import Pointers, understand
from canary_router.core.routing import is_full, may_have_room_again
from canary_router.errors import Unavailable
from canary_router.ports import Ports
from canary_router.settings import FULL_RELEASE_TTL, RELEASE_TTL, STALE_POINTERS_LIMIT, Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Seen:
    pointers: Pointers
    exists: bool
    at: int
    looked_at: int
    """When they were last asked for: a service that does not answer is not asked by every request."""


class View:
    """Remembers pointers for ``pointer_ttl``, and a release for a second, or for good once it has no room to give.

    One whose places are taken, but to which a sequential gate may grant more, is remembered for five seconds.
    A full release is asked for by every request until its jobs have ended, hours later. All of a service's releases
    lie in one partition of the table, which the controller needs too: a large fleet that looked every second would
    keep it from deciding.
    """

    def __init__(self, ports: Ports, settings: Settings) -> None:
        """Args: ports to read through, and the times to live."""
        self._ports = ports
        self._settings = settings
        self._pointers: dict[str, _Seen] = {}
        self._releases: dict[tuple[str, str], tuple[Release, int]] = {}

    def pointers(self, service: str) -> Pointers | None:
        """The pointers of a service; None when nothing was ever written for it.

        Raises:
            Unavailable: They cannot be read and none younger than an hour is remembered.
        """
        now = self._ports.clock.now()
        seen = self._pointers.get(service)
        too_old = seen is not None and now - seen.at > STALE_POINTERS_LIMIT * 1000
        if seen is None or too_old or now - seen.looked_at >= self._settings.pointer_ttl * 1000:
            seen = self._read(service, seen, now)
        return seen.pointers if seen.exists else None

    def _read(self, service: str, before: _Seen | None, now: int) -> _Seen:
        try:
            readings = self._ports.pointers.read(service)
        except Unavailable as error:
            if before is None or now - before.at > STALE_POINTERS_LIMIT * 1000:
                raise
            _log.error(
                "The pointers of %s cannot be read; serving the ones read %d s ago: %s",
                service,
                (now - before.at) // 1000,
                error,
            )
            if isinstance(before.pointers.current, Version):
                self._pointers[service] = replace(before, looked_at=now)
            return before
        seen = _Seen(understand(service, readings), readings.exist, now, now)
        for problem in seen.pointers.problems:
            _log.error("%s. The router stays asleep for %s until somebody corrects it.", problem, service)
            self._ports.meter.count("InvalidPointer", service)
        # A name that is nobody's is not remembered: whoever may call could make them up without end.
        if seen.exists or service in self._settings.services:
            self._pointers[service] = seen
        return seen

    def release(self, service: str, release_id: str) -> Release | None:
        """A release as it was on record up to a second ago, or when it lost its room; None when there is none.

        Raises:
            Unavailable: The table does not answer.
        """
        now = self._ports.clock.now()
        known = self._releases.get((service, release_id))
        if known is not None and (now - known[1] < _ttl(known[0]) * 1000 or not may_have_room_again(known[0])):
            return known[0]
        item = self._ports.ledger.get(records.release_key(service, release_id), consistent=False)
        if item is None:
            return None
        release = records.release_of(item)
        # One release per service is of interest at a time: what is remembered does not grow.
        self._releases = {key: value for key, value in self._releases.items() if key[0] != service}
        self._releases[service, release_id] = (release, now)
        return release

    def forget_release(self, service: str, release_id: str) -> None:
        """Reads a release anew at the next look: a refusal has just shown that it changed."""
        self._releases.pop((service, release_id), None)


def _ttl(release: Release) -> float:
    """Seconds for which a release is remembered that may have room."""
    return FULL_RELEASE_TTL if is_full(release) else RELEASE_TTL

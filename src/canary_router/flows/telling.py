"""Tells whoever listens what became of a release. Each announcement may come twice, and none is lost in a crash.

What was told is on record, after it was told: a run that dies in between tells again.
"""

import logging
from dataclasses import replace

from canary_router.core import changes, records
from canary_router.core.announcement import announce
from canary_router.core.model import Basis, Release, ReleaseState
from canary_router.errors import Unavailable
from canary_router.flows.listing import readable
from canary_router.ports import Ports

_log = logging.getLogger(__name__)
_SUPERSEDED_AT_MOST = 20


class Teller:
    """Announces releases for the controller, which alone may."""

    def __init__(self, ports: Ports, environment: str) -> None:
        """Args: the world, and the environment's name, which every announcement carries."""
        self._ports = ports
        self._environment = environment

    def tell(self, release: Release) -> None:
        """Announces the state of a release, and what went before it that nobody was told yet."""
        if not release.told:
            self._tell_opening(release)
        if release.state is not ReleaseState.OPEN or release.told == ReleaseState.PAUSED:
            self._send(release)

    def _tell_opening(self, release: Release) -> None:
        untold: list[Release] = []
        older_id = release.supersedes
        for _ in range(_SUPERSEDED_AT_MOST):
            item = None if older_id is None else self._ports.ledger.get(records.release_key(release.service, older_id))
            older = None if item is None else next(iter(readable([item], records.release_of)), None)
            if older is None:
                break
            if older.told != older.state:
                untold.append(older)
            older_id = older.supersedes if older.told == "" else None
        # The oldest first: a run that dies in between leaves the way to the others, which nobody was told of yet.
        for older in reversed(untold):
            if older.told == "" and older.state is not ReleaseState.SUPERSEDED:
                self._send(older, opened=True)
            self._send(older)
        if release.basis is not Basis.ROLLBACK:
            self._send(release, opened=True)

    def _send(self, release: Release, *, opened: bool = False) -> None:
        try:
            self._ports.notifier.tell(announce(self._environment, release, opened=opened))
        except Unavailable as error:
            _log.error("Nobody could be told of %s of %s: %s", release.release_id, release.service, error)
            return
        told = replace(release, state=ReleaseState.OPEN) if opened else release
        self._ports.ledger.commit(changes.tell(told))

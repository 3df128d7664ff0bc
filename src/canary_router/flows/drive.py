"""Carries a decided release to its end: the pointers, the announcement, the record. Every step may be repeated.

    PROMOTING   lease -> current := target -> blank latest -> tell -> PROMOTED
    ABORTING    lease -> blank latest -> tell -> ABORTED

The lease outlives the function that holds it, so a writer that stalls is dead before the next one may write. Whoever
comes after a crash reads the world anew and does what is missing.
"""

import logging
from dataclasses import replace

from canary_router.core import changes, records
from canary_router.core.announcement import announce
from canary_router.core.lifecycle import adoption
from canary_router.core.model import Release, ReleaseState, ServiceState
from canary_router.core.pointers import Invalid, Pointers, Readings, understand
from canary_router.errors import Unavailable
from canary_router.flows.blanking import blank_latest
from canary_router.ports import Ports
from canary_router.settings import LEASE_SECONDS

_log = logging.getLogger(__name__)
_DECIDED = (ReleaseState.PROMOTING, ReleaseState.ABORTING)
_SUPERSEDED_AT_MOST = 20


class Driver:
    """Writes pointers, under the lease. One driver serves one run of the controller."""

    def __init__(self, ports: Ports, environment: str, owner: str) -> None:
        """Takes an ``owner`` that no other run has ever used."""
        self._ports = ports
        self._environment = environment
        self._owner = owner

    def drive(self, service: str, release_id: str) -> None:
        """Finishes a decided release; leaves it alone when somebody else holds the lease, who then finishes it.

        Raises:
            Unavailable: A dependency does not answer; a later run goes on.
            Uncertain: A pointer's write may have happened; a later run goes on, once the lease has run out.
        """
        now = self._ports.clock.now()
        until = now + LEASE_SECONDS * 1000
        if self._ports.ledger.commit(changes.take_lease(service, self._owner, now, until)) is not None:
            _log.info("Another run holds the lease of %s", service)
            return
        try:
            self._drive_leased(service, release_id)
        except Unavailable:
            # After anything else a write may still be on its way: the lease is kept until it must have arrived.
            self._ports.ledger.commit(changes.return_lease(service, self._owner))
            raise
        self._ports.ledger.commit(changes.return_lease(service, self._owner))

    def _drive_leased(self, service: str, release_id: str) -> None:
        item = self._ports.ledger.get(records.release_key(service, release_id))
        release = None if item is None else records.release_of(item)
        readings = self._ports.pointers.read(service)
        pointers = understand(service, readings)
        if release is None or release.state not in _DECIDED:
            self._adopt(pointers, readings)
        elif release.state is ReleaseState.PROMOTING:
            self._promote(release, pointers, readings)
        else:
            blank_latest(self._ports.pointers, service, release.write, readings, self._ports.clock.now())
            self.tell(release)
            self._ports.ledger.commit(changes.close_aborted(release, self._ports.clock.now()))
            self._ports.meter.count("ReleaseAborted", service)
            _log.info("Aborted %s of %s: %s", release_id, service, release.reason)

    def _promote(self, release: Release, pointers: Pointers, readings: Readings) -> None:
        if isinstance(pointers.current, Invalid):
            _log.error("%s is promoted, but an invalid current is never overwritten", release.release_id)
            return
        written = self._write_current(release, pointers, readings)
        blank_latest(self._ports.pointers, release.service, release.write, readings, self._ports.clock.now())
        self.tell(release)
        state = self._state(release.service)
        previous = state.previous if state.current == release.target else state.current
        self._ports.ledger.commit(changes.close_promoted(release, previous, written, self._ports.clock.now()))
        self._ports.meter.count("ReleasePromoted", release.service)
        _log.info("Promoted %s of %s: %s", release.release_id, release.service, release.reason)

    def _write_current(self, release: Release, pointers: Pointers, readings: Readings) -> int:
        """Writes ``current``, unless a run that died had written it already, and returns the write's version.

        What somebody has written by hand after that stands: it is adopted once the release is closed.
        """
        note = f"canary-router promoted {release.release_id}"
        state = self._state(release.service)
        if pointers.current_version > state.current_write:
            history = self._ports.pointers.history(release.service, "current", state.current_write)
            for reading in history:
                if reading.note == note:
                    return reading.version
            self._adopt(pointers, readings)
        if pointers.current == release.target:
            return pointers.current_version
        return self._ports.pointers.put(release.service, "current", release.target.arn, note)

    def _adopt(self, pointers: Pointers, readings: Readings) -> None:
        """Puts a ``current`` that somebody else wrote on record. Under the lease no write of ours is under way."""
        if readings.current is None:
            return
        state = self._state(pointers.service)
        adopted = adoption(pointers, state, readings.current.mark, self._ports.clock.now())
        if adopted is not None:
            self._ports.ledger.commit(changes.adopt(adopted, state.current, self._ports.clock.now()))
            _log.warning("Adopted %s of %s: %s", adopted.target.tag, pointers.service, adopted.reason)

    def tell(self, release: Release) -> None:
        """Announces the state of a release, and what went before it that nobody was told yet."""
        if not release.told:
            self._tell_opening(release)
        if release.state is not ReleaseState.OPEN:
            self._send(release)

    def _tell_opening(self, release: Release) -> None:
        older_id = release.supersedes
        for _ in range(_SUPERSEDED_AT_MOST):
            item = None if older_id is None else self._ports.ledger.get(records.release_key(release.service, older_id))
            if item is None:
                break
            older = records.release_of(item)
            if older.told != older.state:
                self._send(older)
            older_id = older.supersedes if older.told == "" else None
        self._send(release, opened=True)

    def _send(self, release: Release, *, opened: bool = False) -> None:
        try:
            self._ports.notifier.tell(announce(self._environment, release, opened=opened))
        except Unavailable as error:
            _log.error("Nobody could be told of %s of %s: %s", release.release_id, release.service, error)
            return
        told = replace(release, state=ReleaseState.OPEN) if opened else release
        self._ports.ledger.commit(changes.tell(told))

    def _state(self, service: str) -> ServiceState:
        return records.state_of(service, self._ports.ledger.get(records.state_key(service)))

"""Carries a decided release to its end: the pointers, the announcement, the record. Every step may be repeated.

    PROMOTING   lease -> current := target -> blank latest -> tell -> PROMOTED
    ABORTING    lease -> blank latest -> tell -> ABORTED

The lease outlives the function that holds it, so a writer that stalls is dead before the next one may write. Whoever
comes after a crash reads the world anew and does what is missing. A run that failed after it may have written keeps
the lease until it runs out, since SSM may show for some seconds what was there before.
"""

import logging
from dataclasses import replace

from canary_router.core import changes, records
from canary_router.core.announcement import announce
from canary_router.core.lifecycle import adoption
from canary_router.core.model import Basis, Release, ReleaseState, ServiceState, Version, WriteMark
from canary_router.core.pointers import Invalid, Pointers, Readings, understand
from canary_router.errors import Unavailable
from canary_router.flows.blanking import blank_latest, find_hidden, put_back
from canary_router.flows.listing import readable
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
        if not self._take_lease(service):
            return
        try:
            item = self._ports.ledger.get(records.release_key(service, release_id))
            readings = self._ports.pointers.read(service)
        except Unavailable:
            self._return_lease(service)
            raise
        self._carry_on(service, None if item is None else records.release_of(item), readings)
        self._return_lease(service)

    def put_back(self, service: str, write: WriteMark | None, seen: WriteMark | None) -> bool:
        """Puts back a write of ``latest`` that a blank of ours hides, though it was made for another one.

        Args:
            service: The service's name.
            write: The newest write that is on record as a release, or the one that seems to be withdrawn.
            seen: The blank that was seen.

        Returns:
            Whether there was one; True also while another run holds the lease, since nobody can tell yet.

        Raises:
            Unavailable: A dependency does not answer; a later run does it.
            Uncertain: As above.
        """
        if find_hidden(self._ports.pointers, service, write, seen) is None:
            return False
        if not self._take_lease(service):
            return True
        try:
            lost = find_hidden(self._ports.pointers, service, write, seen)
        except Unavailable:
            self._return_lease(service)
            raise
        if lost is not None:
            put_back(self._ports.pointers, service, lost)
        self._return_lease(service)
        return lost is not None

    def _take_lease(self, service: str) -> bool:
        now = self._ports.clock.now()
        until = now + LEASE_SECONDS * 1000
        if self._ports.ledger.commit(changes.take_lease(service, self._owner, now, until)) is None:
            return True
        _log.info("Another run holds the lease of %s", service)
        return False

    def _return_lease(self, service: str) -> None:
        self._ports.ledger.commit(changes.return_lease(service, self._owner))

    def _carry_on(self, service: str, release: Release | None, readings: Readings) -> None:
        pointers = understand(service, readings)
        if release is None or release.state not in _DECIDED:
            self._adopt(pointers, readings)
        elif release.state is ReleaseState.PROMOTING:
            self._promote(release, pointers, readings)
        else:
            self._abort(release, readings)

    def _abort(self, release: Release, readings: Readings) -> None:
        blank_latest(self._ports.pointers, release.service, release.write, readings, self._ports.clock.now())
        self.tell(release)
        self._ports.ledger.commit(changes.close_aborted(release, self._ports.clock.now()))
        self._ports.meter.count("ReleaseAborted", release.service)
        _log.info("Aborted %s of %s: %s", release.release_id, release.service, release.reason)

    def _promote(self, release: Release, pointers: Pointers, readings: Readings) -> None:
        if isinstance(pointers.current, Invalid):
            _log.error("%s is promoted, but an invalid current is never overwritten", release.release_id)
            return
        written = self._written_before(release, pointers)
        if written is None and _is_overtaken(release, pointers):
            if release.basis is Basis.FIRST:
                self._turn_away(release, readings)
                return
        elif written is None:
            written = self._write_current(release, pointers, readings)
        blank_latest(self._ports.pointers, release.service, release.write, readings, self._ports.clock.now())
        self.tell(release)
        state = self._state(release.service)
        previous = state.previous if state.current == release.target else state.current
        self._ports.ledger.commit(changes.close_promoted(release, previous, written, self._ports.clock.now()))
        self._ports.meter.count("ReleasePromoted", release.service)
        _log.info("Promoted %s of %s: %s", release.release_id, release.service, release.reason)

    def _turn_away(self, release: Release, readings: Readings) -> None:
        """Ends a first version that is not the first any more: nothing is written over a version without a canary."""
        reason = "current was written by hand before the first version became current; release it again"
        decision = changes.decide(release, ReleaseState.ABORTING, reason, self._ports.clock.now())
        if self._ports.ledger.commit(decision) is None:
            self._abort(replace(release, state=ReleaseState.ABORTING, reason=reason), readings)

    def _written_before(self, release: Release, pointers: Pointers) -> int | None:
        """The version of the write of ``current`` that a run that died has made for this release; None for none.

        What somebody has written by hand after that stands: it is adopted once the release is closed.
        """
        known = self._state(release.service).current_write
        if pointers.current_version <= known:
            return None
        history = self._ports.pointers.history(release.service, "current", known)
        note = _promotion_note(release)
        # The adapter may have sent it twice: the newest one is what is there.
        return next((reading.version for reading in reversed(history) if reading.note == note), None)

    def _write_current(self, release: Release, pointers: Pointers, readings: Readings) -> int:
        self._adopt(pointers, readings)
        if pointers.current == release.target:
            return pointers.current_version
        return self._ports.pointers.put(release.service, "current", release.target.arn, _promotion_note(release))

    def _adopt(self, pointers: Pointers, readings: Readings) -> None:
        """Puts a ``current`` that somebody else wrote on record. Under the lease no write of ours is under way."""
        if readings.current is None:
            return
        state = self._state(pointers.service)
        adopted = adoption(pointers, state, readings.current.mark, self._ports.clock.now())
        if adopted is not None:
            self._ports.ledger.commit(changes.adopt(adopted, state, self._ports.clock.now()))
            _log.warning("Adopted %s of %s: %s", adopted.target.tag, pointers.service, adopted.reason)

    def tell(self, release: Release) -> None:
        """Announces the state of a release, and what went before it that nobody was told yet."""
        if not release.told:
            self._tell_opening(release)
        if release.state is not ReleaseState.OPEN:
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
            self._send(older)
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


def _promotion_note(release: Release) -> str:
    return f"canary-router promoted {release.release_id}"


def _is_overtaken(release: Release, pointers: Pointers) -> bool:
    """Whether a release was decided without a canary, but somebody has made another version current since."""
    if release.basis is Basis.CANARY:
        return False
    return isinstance(pointers.current, Version) and pointers.current != release.target

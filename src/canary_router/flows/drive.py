"""Carries a decided release to its end: the pointers, the announcement, the record. Every step may be repeated.

    PROMOTING   lease -> current := target -> blank latest -> tell -> PROMOTED
    ABORTING    lease -> blank latest -> tell -> ABORTED

The lease outlives the function that holds it, so a writer that stalls is dead before the next one may write. Whoever
comes after a crash reads the world anew and does what is missing. A run that failed after it may have written keeps
the lease until it runs out, since SSM may show for some seconds what was there before.
"""

import logging
from dataclasses import dataclass, replace

from canary_router.core import changes, records
from canary_router.core.lifecycle import adoption
from canary_router.core.model import Basis, Release, ReleaseState, ServiceState, Version, WriteMark
from canary_router.core.pointers import Invalid, Pointers, Readings, understand
from canary_router.errors import Unavailable
from canary_router.flows.blanking import blank_latest, find_hidden, put_back
from canary_router.flows.telling import Teller
from canary_router.ports import Ports
from canary_router.settings import LEASE_SECONDS

_log = logging.getLogger(__name__)
_NOTHING_TO_PROVE = (Basis.FIRST, Basis.ALREADY_CURRENT)
_DECIDED = (ReleaseState.PROMOTING, ReleaseState.ABORTING)


@dataclass(frozen=True)
class _Seen:
    """The world as it was read under the lease: nobody else writes ``current``, or records who is, meanwhile."""

    readings: Readings
    pointers: Pointers
    state: ServiceState


class Driver:
    """Writes pointers, under the lease. One driver serves one run of the controller."""

    def __init__(self, ports: Ports, environment: str, owner: str) -> None:
        """Takes an ``owner`` that no other run has ever used."""
        self.teller = Teller(ports, environment)
        self._ports = ports
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
            release = None if item is None else records.release_of(item)
            seen = self._look(service)
        except Unavailable:
            self._return_lease(service)
            raise
        self._carry_on(release, seen)
        self._return_lease(service)

    def _look(self, service: str) -> _Seen:
        readings = self._ports.pointers.read(service)
        state = records.state_of(service, self._ports.ledger.get(records.state_key(service)))
        return _Seen(readings, understand(service, readings), state)

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

    def _carry_on(self, release: Release | None, seen: _Seen) -> None:
        if release is None or release.state not in _DECIDED:
            self._adopted(seen)
        elif release.state is ReleaseState.PROMOTING:
            self._promote(release, seen)
        else:
            self._abort(release, seen)

    def _abort(self, release: Release, seen: _Seen) -> None:
        self._blank(release, seen)
        self.teller.tell(release)
        # One that a rollback has taken the place of is closed together with that.
        if self._ports.ledger.commit(changes.close_aborted(release, self._ports.clock.now())) is None:
            self._ports.meter.count("ReleaseAborted", release.service)
            _log.info("Aborted %s of %s: %s", release.release_id, release.service, release.reason)

    def _promote(self, release: Release, seen: _Seen) -> None:
        if isinstance(seen.pointers.current, Invalid):
            _log.error("%s is promoted, but an invalid current is never overwritten", release.release_id)
            return
        written, state = self._written_before(release, seen), seen.state
        if written is None and _is_overtaken(release, seen.pointers):
            if release.basis is Basis.FIRST:
                self._turn_away(release, seen)
                return
        elif written is None:
            state = self._adopted(seen)
            written = self._write_current(release, seen.pointers)
        self._blank(release, seen)
        self.teller.tell(release)
        previous = state.previous if state.current == release.target else state.current
        closing = changes.close_promoted(release, previous, written, self._ports.clock.now())
        if self._ports.ledger.commit(closing) is None:
            self._count_promoted(release)
            _log.info("%s of %s is current: %s", release.target.tag, release.service, release.reason)

    def _count_promoted(self, release: Release) -> None:
        if release.basis is not Basis.ROLLBACK:
            self._ports.meter.count("ReleasePromoted", release.service)
        elif release.has_write:
            self._ports.meter.count("ReleaseAborted", release.service)

    def _blank(self, release: Release, seen: _Seen) -> None:
        if release.has_write:
            now = self._ports.clock.now()
            blank_latest(self._ports.pointers, release.service, release.write, seen.readings, now)

    def _turn_away(self, release: Release, seen: _Seen) -> None:
        """Ends a first version that is not the first any more: nothing is written over a version without a canary."""
        reason = "current was written by hand before the first version became current; release it again"
        decision = changes.decide(release, ReleaseState.ABORTING, reason, self._ports.clock.now())
        if self._ports.ledger.commit(decision) is None:
            self._abort(replace(release, state=ReleaseState.ABORTING, reason=reason), seen)

    def _written_before(self, release: Release, seen: _Seen) -> int | None:
        """The version of the write of ``current`` that a run that died has made for this release; None for none.

        What somebody has written by hand after that stands: it is adopted once the release is closed.
        """
        known = seen.state.current_write
        if seen.pointers.current_version <= known:
            return None
        history = self._ports.pointers.history(release.service, "current", known)
        note = _promotion_note(release)
        # The adapter may have sent it twice: the newest one is what is there.
        return next((reading.version for reading in reversed(history) if reading.note == note), None)

    def _write_current(self, release: Release, pointers: Pointers) -> int:
        # Any other release writes, even if its target seems to be current: the read may be some seconds old.
        if release.basis in _NOTHING_TO_PROVE and pointers.current == release.target:
            return pointers.current_version
        return self._ports.pointers.put(release.service, "current", release.target.arn, _promotion_note(release))

    def _adopted(self, seen: _Seen) -> ServiceState:
        """Puts a ``current`` that somebody else wrote on record. Under the lease no write of ours is under way.

        Returns:
            The state with it.
        """
        now, state, current = self._ports.clock.now(), seen.state, seen.readings.current
        adopted = None if current is None else adoption(seen.pointers, state, current.mark, now)
        if adopted is None:
            return state
        _log.warning("Adopted %s of %s: %s", adopted.target.tag, state.service, adopted.reason)
        if self._ports.ledger.commit(changes.adopt(adopted, state, now)) is not None:
            return records.state_of(state.service, self._ports.ledger.get(records.state_key(state.service)))
        return replace(state, current=adopted.target, previous=state.current, current_write=adopted.write.version)


def _promotion_note(release: Release) -> str:
    return f"canary-router promoted {release.release_id}"


def _is_overtaken(release: Release, pointers: Pointers) -> bool:
    """Whether a release was decided since nothing was to be proven, but another version was made current since."""
    if release.basis not in _NOTHING_TO_PROVE:
        return False
    return isinstance(pointers.current, Version) and pointers.current != release.target

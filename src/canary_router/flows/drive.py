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
from canary_router.core.lifecycle import adoption, comes_after, is_older_than, is_unrecorded, withdrawal
from canary_router.core.model import Basis, Release, ReleaseState, ServiceState, WriteMark
from canary_router.core.pointers import Blank, Invalid, Pointers, Reading, Readings, understand
from canary_router.core.writes import attributed, blank_note, ended_by, is_by_controller
from canary_router.errors import Unavailable
from canary_router.flows.blanking import blank_latest
from canary_router.flows.latest import writes_from
from canary_router.flows.lease import Lease
from canary_router.flows.telling import Teller
from canary_router.ports import Ports

_log = logging.getLogger(__name__)
_NOTHING_TO_PROVE = (Basis.FIRST, Basis.ALREADY_CURRENT)
_BY_HAND = "current was written by hand before the first version became current; release it again"
_DECIDED = (ReleaseState.PROMOTING, ReleaseState.ABORTING)


@dataclass(frozen=True)
class _Seen:
    """The world as it was read under the lease: nobody else writes ``current``, or records who is, meanwhile.

    Attributes:
        state: The service's state; None for a release that this very run has decided: no other has written for it.
    """

    readings: Readings
    pointers: Pointers
    state: ServiceState | None


class Driver:
    """Writes pointers, under the lease. One driver serves one run of the controller."""

    def __init__(self, ports: Ports, environment: str, owner: str) -> None:
        """Takes an ``owner`` that no other run has ever used."""
        self.teller = Teller(ports, environment)
        self.lease = Lease(ports.ledger, ports.clock, owner)
        self._ports = ports

    def drive(self, service: str, release_id: str) -> None:
        """Finishes a decided release; leaves it alone when somebody else holds the lease, who then finishes it.

        Raises:
            Unavailable: A dependency does not answer; a later run goes on.
            Uncertain: A pointer's write may have happened; a later run goes on, once the lease has run out.
        """
        if not self.lease.take(service):
            return
        try:
            item = self._ports.ledger.get(records.release_key(service, release_id))
            release = None if item is None else records.release_of(item)
            seen = self._look(service)
        except Unavailable:
            self.lease.give_back(service)
            raise
        self._carry_on(release, seen)

    def finish(self, release: Release, readings: Readings) -> None:
        """Finishes a release that this run has just decided, in the write that also took the lease.

        Args:
            release: As it was decided.
            readings: The parameters as they were read right before.

        Raises:
            Unavailable, Uncertain: As ``drive``.
        """
        self._carry_on(release, _Seen(readings, understand(release.service, readings), None))

    def _look(self, service: str) -> _Seen:
        readings = self._ports.pointers.read(service)
        return _Seen(readings, understand(service, readings), self._state(service))

    def _state(self, service: str) -> ServiceState:
        return records.state_of(service, self._ports.ledger.get(records.state_key(service)))

    def _carry_on(self, release: Release | None, seen: _Seen) -> None:
        """Does what is to be done under the lease, and gives it back. What fails here keeps it: a write may be late."""
        if release is None or release.state not in _DECIDED:
            self._adopted(seen.readings.current, seen.state or self._state(seen.pointers.service))
            is_closed = False
        elif release.state is ReleaseState.PROMOTING:
            is_closed = self._promote(release, seen)
        else:
            is_closed = self._abort(release, seen)
        if not is_closed:
            self.lease.give_back(seen.pointers.service)

    def _abort(self, release: Release, seen: _Seen) -> bool:
        self._blank(release, seen)
        self.teller.tell(release)
        # One that a rollback has taken the place of is closed together with that.
        if self._ports.ledger.commit(changes.close_aborted(release, self._ports.clock.now())) is not None:
            return False
        self._ports.meter.count("ReleaseAborted", release.service)
        _log.info("Aborted %s of %s: %s", release.release_id, release.service, release.reason)
        return True

    def _promote(self, release: Release, seen: _Seen) -> bool:
        if isinstance(seen.pointers.current, Invalid):
            _log.error("%s is promoted, but an invalid current is never overwritten", release.release_id)
            return False
        written, before = self._written_before(release, seen)
        if written is None:
            gone = self._withdrawal(release, seen)
            if gone is None:
                pass  # it was written, and somebody has deleted current since, with its history: what is there stands
            elif gone:
                return self._turn_away(release, seen, f"{gone}, before it became current")
            elif not _is_overtaken(release, seen.pointers):
                written = self._write_current(release, seen.pointers)
            elif release.basis is Basis.FIRST:
                return self._turn_away(release, seen, _BY_HAND)
        self._blank(release, seen)
        state = self._adopted(before, seen.state or self._state(release.service))
        self.teller.tell(release)
        previous = state.previous_to(release.target)
        closing = changes.close_promoted(release, previous, written, self._ports.clock.now())
        if self._ports.ledger.commit(closing) is not None:
            return False
        self._count_promoted(release)
        _log.info("%s of %s is current: %s", release.target.tag, release.service, release.reason)
        return True

    def _count_promoted(self, release: Release) -> None:
        if release.basis is not Basis.ROLLBACK:
            self._ports.meter.count("ReleasePromoted", release.service)
        elif release.has_write:
            self._ports.meter.count("ReleaseAborted", release.service)

    def _blank(self, release: Release, seen: _Seen) -> None:
        if not release.has_write:
            return
        service, write, latest = release.service, release.write, seen.readings.latest
        if is_older_than(latest, write, self._ports.clock.now()):
            raise Unavailable(
                f"latest of {service} was read as it was before {write.release_id}; a later look will tell"
            )
        blank_latest(self._ports.pointers, service, write, latest, blank_note(write.release_id))

    def _withdrawal(self, release: Release, seen: _Seen) -> str | None:
        """Why a release has lost its write of latest since it was decided, by a run that died before it wrote current.

        Its stack is about to be deleted then, or is already: who rolls a deployment back leaves no trace where latest
        holds a newer write. A blank that was meant for another release only hides this one.

        Returns:
            The reason; empty while its write stands; None for a blank of the controller's own, which comes after the
            write of current.
        """
        latest = seen.readings.latest
        if seen.state is None or release.basis not in (Basis.CANARY, Basis.FIRST):
            return ""
        if latest is None or latest.version < release.write.version:
            return withdrawal(seen.pointers, release, self._ports.clock.now())
        if latest.mark <= release.write:
            return ""
        history = writes_from(self._ports.pointers, release.service, release.write.version, latest.mark)
        ended = ended_by(history, release.write)
        if ended is None:
            return ""
        if is_by_controller(ended):
            return None
        return f"withdrawn: latest was {'blanked' if ended.is_blank else 'written again'}"

    def _turn_away(self, release: Release, seen: _Seen, reason: str) -> bool:
        """Ends a release that was decided and must not become current: nothing was written for it yet."""
        decision = changes.decide(release, ReleaseState.ABORTING, reason, self._ports.clock.now())
        if self._ports.ledger.commit(decision) is not None:
            return False
        return self._abort(replace(release, state=ReleaseState.ABORTING, reason=reason), seen)

    def _written_before(self, release: Release, seen: _Seen) -> tuple[WriteMark | None, Reading | None]:
        """The write of ``current`` that a run that died has made for this release, and what was current before it.

        What somebody has written by hand after that stands: it is adopted once the release is closed.

        Returns:
            That write, None for none; and the reading before it, None for one that is on record.
        """
        current = seen.readings.current
        write, state = seen.pointers.current_write, seen.state
        now = self._ports.clock.now()
        if state is None or write is None or not is_unrecorded(write, state, now):
            return None, current
        # From the first: one that was deleted and made anew may count further by now than the one on record.
        written = attributed(self._ports.pointers.history(release.service, "current", 0))
        history = [reading for reading in written if comes_after(reading.mark, state)]
        note = _promotion_note(release)
        ours = [place for place, reading in enumerate(history) if reading.note == note]
        if not ours:
            return None, current
        # The adapter may have sent it twice: the newest one is what is there.
        return history[ours[-1]].mark, history[ours[0] - 1] if ours[0] > 0 else None

    def _write_current(self, release: Release, pointers: Pointers) -> WriteMark:
        # Any other release writes, even if its target seems to be current: the read may be some seconds old.
        if release.basis in _NOTHING_TO_PROVE and pointers.current == release.target and pointers.current_write:
            return pointers.current_write
        version = self._ports.pointers.put(release.service, "current", release.target.arn, _promotion_note(release))
        return WriteMark(self._ports.clock.now(), version)

    def _adopted(self, current: Reading | None, state: ServiceState) -> ServiceState:
        """Puts on record what was current without us. Under the lease no other write of ours is under way.

        After our own write, not before: that one is waited for, and if we die in between its history still tells.

        Returns:
            The state with it.
        """
        now = self._ports.clock.now()
        adopted = adoption(current, state, now)
        if adopted is None:
            return state
        _log.warning("Adopted %s of %s: %s", adopted.target.tag, state.service, adopted.reason)
        if self._ports.ledger.commit(changes.adopt(adopted, state)) is not None:
            return self._state(state.service)
        previous = state.previous_to(adopted.target)
        return replace(
            state,
            current=adopted.target,
            previous=previous,
            current_write=adopted.write.version,
            current_write_at=adopted.write.modified,
        )


def _promotion_note(release: Release) -> str:
    return f"canary-router promoted {release.release_id}"


def _is_overtaken(release: Release, pointers: Pointers) -> bool:
    """Whether a release was decided since nothing was to be proven, but what is current was changed by hand since."""
    if release.basis is Basis.ALREADY_CURRENT:
        return pointers.current != release.target
    return release.basis is Basis.FIRST and pointers.current not in (Blank(), release.target)

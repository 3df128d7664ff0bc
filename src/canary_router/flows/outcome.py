"""The outcome path: a job ended, so its release is counted, judged and, when it is decided, driven to its end."""

import logging
from dataclasses import dataclass, replace

from canary_router.core import changes, records
from canary_router.core.conditions import Refusal
from canary_router.core.lifecycle import obstacle
from canary_router.core.model import ENDED_BADLY, Release, ReleaseState, Status, Transform
from canary_router.core.pointers import Readings, execution_arn_of, understand
from canary_router.core.verdict import counted, followed
from canary_router.errors import Unavailable
from canary_router.flows.drive import Driver
from canary_router.flows.rescue import Rescuer
from canary_router.ports import Ports
from canary_router.settings import Settings

_log = logging.getLogger(__name__)
_ROUNDS = 6
"""How often a verdict is made anew because other outcomes came between: a release has few jobs."""


@dataclass(frozen=True)
class Ended:
    """An execution's final status, as Step Functions tells it. ``name`` is the transform's id, if it is ours."""

    name: str
    execution_arn: str
    status: Status


@dataclass(frozen=True)
class _Decision:
    """A release as it was decided, and the parameters as they were read before."""

    release: Release
    readings: Readings


class Controller:
    """Counts, judges and decides. It alone writes ``current``, and blanks ``latest``."""

    def __init__(self, ports: Ports, config: Settings, owner: str) -> None:
        """Takes an ``owner`` that no other run has ever used: the lease is taken under that name."""
        self.ports = ports
        self.driver = Driver(ports, config.environment, owner)
        self.rescuer = Rescuer(ports, config.grace)

    def on_ended(self, ended: Ended) -> None:
        """Takes note of an execution's end. Executions that no router started are none of our business.

        Raises:
            Unavailable: The table does not answer; the event has to come again.
            Uncertain: As above; what was done already is not done twice.
        """
        transform = self._transform(ended)
        if transform is None or transform.status.is_final:
            return
        if transform.release_id is None:
            self.settle(transform, ended.status, ended.execution_arn)
        else:
            self._settle_and_judge(transform, ended, transform.release_id)
        if transform.kept_input and ended.status in ENDED_BADLY:
            self.rescuer.start(records.rescue_id(transform.transform_id))

    def _settle_and_judge(self, transform: Transform, ended: Ended, release_id: str) -> None:
        """Counts an end for its release, with the decision if that is what it brings: one write, or one more.

        quietly    refused: it may decide -> the release as it is
        deciding   a look at the pointers, then settlement, decision and lease in one write -> the pointers
        """
        settled = changes.settle(transform, ended.status, ended.execution_arn, self.ports.clock.now())
        refusal = self.ports.ledger.commit(changes.quietly(settled))
        decision: _Decision | None = None
        for _ in range(_ROUNDS):
            stored = None if refusal is None else refusal.stored(records.release_key(transform.service, release_id))
            if stored is None or (refusal is not None and changes.UNSETTLED_JOB in refusal.names()):
                break
            refusal, decision = self._judge(settled, records.release_of(stored), ended.status)
        if refusal is None:
            self._count_ended(transform, ended.status)
        elif not {changes.UNSETTLED_JOB, changes.KNOWN} & refusal.names():
            raise Unavailable(f"{release_id} of {transform.service} changes all the time; the event comes again")
        elif changes.KNOWN in refusal.names():
            _log.error("%s ended, but its release %s is not on record", transform.transform_id, release_id)
        if refusal is None and decision is not None:
            self.driver.finish(decision.release, decision.readings)

    def _judge(
        self, settled: changes.Commit, judged: Release, status: Status
    ) -> "tuple[Refusal | None, _Decision | None]":
        """Settles with the verdict of that moment; gives the decision back if there is one, and the lease is ours."""
        after = followed(counted(judged, status), self.ports.clock.now())
        if after is not None and after.state.can_be_decided:
            return self.ports.ledger.commit(changes.deciding(settled, judged, after)), None
        readings = None if after is None else self._readings_for(after)
        if after is None or readings is None:
            return self.ports.ledger.commit(settled), None
        deciding = changes.deciding(settled, judged, after)
        refusal = self.ports.ledger.commit((*deciding, *self.driver.lease.taking(judged.service)))
        if refusal is not None and refusal.names() == {changes.LEASE_FREE}:
            # Whoever holds it, or the next pass, writes the pointers.
            return self.ports.ledger.commit(deciding), None
        if refusal is None:
            _log.info("Decided %s of %s: %s, %s", judged.release_id, judged.service, after.state, after.reason)
        return refusal, _Decision(after, readings)

    def _readings_for(self, after: Release) -> Readings | None:
        """The parameters, looked at before a decision; None where the next pass of reconciliation has to decide.

        A version whose write of ``latest`` was taken back is about to be deleted: it must not become current, however
        well its jobs have ended.
        """
        try:
            readings = self.ports.pointers.read(after.service)
        except Unavailable as error:
            _log.warning("%s is not decided yet: %s", after.release_id, error)
            return None
        if after.state is not ReleaseState.PROMOTING:
            return readings
        in_the_way = obstacle(understand(after.service, readings), after)
        if in_the_way:
            _log.warning("%s of %s is not promoted: %s", after.release_id, after.service, in_the_way)
        return None if in_the_way else readings

    def _transform(self, ended: Ended) -> Transform | None:
        item = self.ports.ledger.get(records.transform_key(ended.name))
        if item is None:
            return None
        transform = records.transform_of(item)
        if transform.status is Status.NOT_STARTED:
            item = self.ports.ledger.get(records.transform_key(ended.name, fallback=True))
            if item is None:
                _log.error("%s ended, but it is on record as not started", ended.execution_arn)
                return None
            transform = records.transform_of(item)
        # The name alone proves nothing: a state machine may start others under the name that it was given.
        expected = transform.execution_arn or execution_arn_of(transform.service, transform.target, ended.name)
        if ended.execution_arn != expected:
            _log.info("%s is not the execution of the transform of that name", ended.execution_arn)
            return None
        return transform

    def settle(self, transform: Transform, status: Status, execution_arn: str | None) -> None:
        """Puts an end on record, once, however often it is told.

        Raises:
            Unavailable: Nothing was recorded.
            Uncertain: It is not known; settling again is safe.
        """
        now = self.ports.clock.now()
        if self.ports.ledger.commit(changes.settle(transform, status, execution_arn, now)) is None:
            self._count_ended(transform, status)

    def _count_ended(self, transform: Transform, status: Status) -> None:
        self.ports.meter.count("Outcome", transform.service, Status=status.value)
        _log.info("%s of %s ended: %s", transform.transform_id, transform.target.tag, status)

    def advance(self, service: str, release_id: str, gone: str = "") -> None:
        """Judges a release and does what the verdict asks for.

        Args:
            service: The service's name.
            release_id: The release.
            gone: Why it lost its pointer, if it did; then it is aborted whatever its outcomes say.

        Raises:
            Unavailable: A dependency does not answer; a later run goes on.
            Uncertain: As above.
        """
        for _ in range(_ROUNDS):
            item = self.ports.ledger.get(records.release_key(service, release_id))
            if item is None:
                return
            release = records.release_of(item)
            after = _verdict(release, gone, self.ports.clock.now())
            if after is None:
                if release.state in (ReleaseState.PROMOTING, ReleaseState.ABORTING):
                    self.driver.drive(service, release_id)
                return
            if self._is_followed(release, after):
                return
        _log.warning("%s of %s changes all the time; a later run judges it", release_id, service)

    def _is_followed(self, release: Release, after: Release) -> bool:
        """Grants places; or records a decision, unless it has to wait, and drives it.

        False when the release is not what was judged.
        """
        if after.state.can_be_decided:
            return self.ports.ledger.commit(changes.grant(release, after)) is None
        if after.state is ReleaseState.PROMOTING and self._readings_for(after) is None:
            return True
        decision = changes.decide(release, after.state, after.reason, int(after.decided_at or 0))
        if self.ports.ledger.commit(decision) is not None:
            _log.info("%s is not what was judged any more", release.release_id)
            return False
        _log.info("Decided %s of %s: %s, %s", release.release_id, release.service, after.state, after.reason)
        self.driver.drive(release.service, release.release_id)
        return True


def _verdict(release: Release, gone: str, now: int) -> Release | None:
    if gone and release.state.can_be_decided:
        return replace(release, state=ReleaseState.ABORTING, decided_at=now, reason=gone)
    return followed(release, now)

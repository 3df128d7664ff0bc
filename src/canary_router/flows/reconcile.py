"""Every minute: finish whatever a lost event, a crash or a silent service has left half done.

This alone is enough to bring every release to its end; events only make it quicker.
"""

import logging

from canary_router import settings
from canary_router.core import changes, records
from canary_router.core.lifecycle import is_behind, is_unrecorded, newest_seen, release_from, withdrawal
from canary_router.core.model import UNDETERMINED, Basis, Release, ServiceState, Status, Transform, Version
from canary_router.core.pointers import Invalid, Pointers, understand
from canary_router.errors import Unavailable
from canary_router.flows.budget import Budget
from canary_router.flows.latest import Lagging
from canary_router.flows.listing import readable
from canary_router.flows.opening import open_release
from canary_router.flows.outcome import Controller
from canary_router.flows.planning import plan_gate
from canary_router.flows.starting import NotStarted, Started, give_up, look_up, mark
from canary_router.flows.uncovering import uncover

_log = logging.getLogger(__name__)
_PENDING_AT_MOST = 100
"""Look-ups in one run: Step Functions answers 15 a second."""
_LOOK_UP_SECONDS = 3 * settings.CALL_SECONDS
"""A look-up, the settlement, and what a rescue needs to begin with."""


class Reconciler:
    """One pass over one service."""

    def __init__(self, controller: Controller, config: settings.Settings) -> None:
        """Args: the controller of this run, and the grace time."""
        self._controller = controller
        self._ports = controller.ports
        self._grace = config.grace

    def reconcile(self, service: str) -> None:
        """Brings the releases of a service as far as they can be brought now.

        Raises:
            Unavailable: A dependency does not answer; the next pass goes on.
            Uncertain: As above.
        """
        pointers = understand(service, self._ports.pointers.read(service))
        for problem in pointers.problems:
            _log.error("%s. Nothing is released for %s until somebody corrects it.", problem, service)
            self._ports.meter.count("InvalidPointer", service)
        state = records.state_of(service, self._ports.ledger.get(records.state_key(service)))
        if is_behind(pointers, state, self._ports.clock.now()):
            raise Unavailable(f"current of {service} was read as it was a moment ago; the next pass will know")
        is_hidden = self._uncover(pointers, state)
        if state.open_release is not None:
            self._finish(pointers, state.open_release, is_hidden=is_hidden)
        self._open(pointers, state)
        now = self._ports.clock.now()
        if isinstance(pointers.current, Version) and is_unrecorded(pointers.current_write, state, now):
            self._controller.driver.drive(service, state.open_release or "")

    def _uncover(self, pointers: Pointers, state: ServiceState) -> bool:
        """Whether latest hides a write that should be there. While the history lags the next pass looks again.

        Except before an open release is called withdrawn: that one may be what is hidden.
        """
        if pointers.write is None:
            return False
        try:
            return uncover(self._ports, self._controller.driver.lease, state, pointers.write)
        except Lagging:
            if pointers.candidate is None and state.open_release is not None:
                raise
            return False

    def _finish(self, pointers: Pointers, release_id: str, *, is_hidden: bool) -> None:
        release = self._release(pointers.service, release_id)
        if release is None:
            return
        if release.state.can_be_decided and release.told != release.state:
            self._controller.driver.teller.tell(release)
        for transform in self._transforms(release):
            self._settle(transform)
        # What is hidden was put back in this very pass; then this release is superseded, and not withdrawn.
        can_be_gone = release.state.can_be_decided and not is_hidden
        gone = withdrawal(pointers, release, self._ports.clock.now()) if can_be_gone else ""
        gone = gone or plan_gate(self._ports, release, pointers.current)
        if gone:
            self._controller.advance(pointers.service, release_id, gone)
        elif isinstance(pointers.current, Invalid) and release.state.can_be_decided:
            _log.error("%s of %s waits until current is valid again", release_id, pointers.service)
        else:
            self._controller.advance(pointers.service, release_id)

    def _open(self, pointers: Pointers, state: ServiceState) -> None:
        asked = release_from(pointers, self._ports.clock.now())
        if asked is None:
            return
        # This very pass may have promoted another version since it has read the pointers.
        seen = None if asked.basis is Basis.CANARY else newest_seen(pointers, state, self._ports.clock.now())
        release = open_release(self._ports.ledger, asked, seen)
        if release is None:
            # Somebody else may have opened it at the same time, or the answer was lost.
            release = self._release(asked.service, asked.release_id)
        if release is None or not release.state.can_be_decided:
            return
        if not release.told:
            self._controller.driver.teller.tell(release)
        refused = plan_gate(self._ports, release, pointers.current)
        if refused or release.basis is not Basis.CANARY:
            self._controller.advance(release.service, release.release_id, refused)

    def settle_pending(self, service: str, budget: Budget) -> None:
        """Looks for the ends of jobs that no release waits for, a page of them in each pass, in turn.

        Args:
            service: The service's name.
            budget: The time that is left; what does not fit into it the next pass does.

        Raises:
            Unavailable: A dependency does not answer; the next pass goes on.
            Uncertain: As above.
            Exception: What the last job met that could not be settled, after the others had their turn.
        """
        key = records.state_key(service)
        state = records.state_of(service, self._ports.ledger.get(key))
        cursor = state.pending_cursor or None
        page = self._ports.ledger.by_index(settings.PENDING_INDEX, service, cursor=cursor, limit=_PENDING_AT_MOST)
        if page.cursor != cursor:
            # Before the look-ups: a page that always takes too long must not keep the later ones waiting for ever.
            self._ports.ledger.commit(changes.turn_page(service, page.cursor))
        trouble: Exception | None = None
        for transform in readable(page.items, records.transform_of):
            if not budget.has(_LOOK_UP_SECONDS):
                _log.warning("Some jobs of %s could not be looked up in this pass", service)
                break
            try:
                self._settle(transform)
            except Exception as error:  # noqa: BLE001 - it is raised again, when the others had their turn
                _log.error("%s could not be settled: %s", transform.transform_id, error)
                trouble = error
        if trouble is not None:
            raise trouble

    def _transforms(self, release: Release) -> list[Transform]:
        index = records.index_value(release.service, release.release_id)
        limit = max(_PENDING_AT_MOST, release.admitted)
        page = self._ports.ledger.by_index(settings.RELEASE_INDEX, index, limit=limit)
        return readable(page.items, records.transform_of)

    def _settle(self, transform: Transform) -> None:
        """Finds out what became of a job whose end is not on record."""
        if transform.status.is_final:
            return
        if transform.target == UNDETERMINED:
            self._controller.rescuer.start(transform.transform_id)
            return
        found = look_up(self._ports, transform)
        if isinstance(found, Started):
            if found.status.is_final:
                self._controller.settle(transform, found.status, found.execution_arn)
            elif transform.status is Status.ADMITTED:
                mark(self._ports, transform, found.execution_arn)
        elif isinstance(found, NotStarted) and self._is_overdue(transform):
            if transform.rescue_of is None:
                give_up(self._ports, transform)
            else:
                self._controller.rescuer.start(transform.transform_id)

    def _is_overdue(self, transform: Transform) -> bool:
        return self._ports.clock.now() - transform.attempted_at > self._grace * 1000

    def _release(self, service: str, release_id: str) -> Release | None:
        item = self._ports.ledger.get(records.release_key(service, release_id))
        return None if item is None else records.release_of(item)

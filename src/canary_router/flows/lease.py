"""The right to write a service's pointers. It outlives its holder's function: a writer that stalls is dead by then."""

import logging

from canary_router.core import changes
from canary_router.core.changes import Commit
from canary_router.ports import Clock, Ledger
from canary_router.settings import LEASE_SECONDS

_log = logging.getLogger(__name__)


class Lease:
    """The lease as one run of the controller sees it."""

    def __init__(self, ledger: Ledger, clock: Clock, owner: str) -> None:
        """Takes an ``owner`` that no other run has ever used."""
        self._ledger = ledger
        self._clock = clock
        self._owner = owner

    def taking(self, service: str) -> Commit:
        """The write that takes it, to be made together with others."""
        now = self._clock.now()
        return changes.take_lease(service, self._owner, now, now + LEASE_SECONDS * 1000)

    def take(self, service: str) -> bool:
        """Takes it; False when another run holds it.

        Raises:
            Unavailable: The table does not answer.
            Uncertain: It may be taken; then it runs out by itself.
        """
        if self._ledger.commit(self.taking(service)) is None:
            return True
        _log.info("Another run holds the lease of %s", service)
        return False

    def give_back(self, service: str) -> None:
        """Gives it back, if it is still this run's.

        Raises:
            Unavailable, Uncertain: As above.
        """
        self._ledger.commit(changes.return_lease(service, self._owner))

"""The way to the new version: is there a release, has it room, and does the record give this job a place."""

import logging
from collections.abc import Callable
from enum import Enum

from canary_router.core import changes
from canary_router.core.lifecycle import release_from
from canary_router.core.model import Basis, Release, Transform
from canary_router.core.pointers import Pointers
from canary_router.core.routing import canonical_input, has_room, is_offered_to_latest
from canary_router.errors import Unavailable, Uncertain
from canary_router.flows.budget import Budget
from canary_router.flows.opening import open_release
from canary_router.flows.view import View
from canary_router.ports import Ports
from canary_router.settings import CALL_SECONDS, INVOKE_SECONDS, RELEASE_TTL

_log = logging.getLogger(__name__)
_CANARY_SECONDS = CALL_SECONDS + 2 * INVOKE_SECONDS
"""Admission, latest, and current if latest starts nothing: without the time for all of it, current at once."""


class Admission(Enum):
    """What the record answered to a job that asked for a place."""

    TAKEN = "the place is this job's"
    REFUSED = "no place; current serves"
    EXISTS = "a transform of this id is on record"
    UNCERTAIN = "the answer was lost twice"


class Canary:
    """Offers and admits. Whatever goes wrong here means current, never an error to the caller."""

    def __init__(self, ports: Ports, view: View, draw: Callable[[], float]) -> None:
        """Args: ports, what is remembered, and ``draw``: uniform over 0 <= x < 1."""
        self._ports = ports
        self._view = view
        self._draw = draw
        self._rests: dict[str, tuple[str, int]] = {}

    def offer(self, pointers: Pointers, budget: Budget, kept: float = INVOKE_SECONDS) -> Release | None:
        """The release that a request is offered to; None for current.

        Args:
            pointers: As they were read.
            budget: The time that is left.
            kept: Seconds of it that current needs, if it comes to that.
        """
        asked = release_from(pointers, self._ports.clock.now())
        if asked is None or self._is_resting(asked) or not budget.has(_CANARY_SECONDS):
            return None
        try:
            release = self._view.release(asked.service, asked.release_id)
            # Only the controller, which reads the pointers anew, may say that there is nothing to compare with.
            if release is None and asked.basis is Basis.CANARY:
                release = open_release(self._ports.ledger, asked, None, lambda: budget.has(CALL_SECONDS + kept))
        except Unavailable as error:
            _log.error("The release of %s cannot be read; current serves: %s", asked.service, error)
            self._rest(asked)
            return None
        if release is None:
            self._rest(asked)
            return None
        if not has_room(release):
            return None
        return release if is_offered_to_latest(release, self._draw()) else None

    def admit(self, release: Release, transform: Transform, document: object, budget: Budget) -> Admission:
        """Asks for a place in the budget of a release; ``document`` is the job's input."""
        if not budget.has(_CANARY_SECONDS):
            return Admission.REFUSED
        kept = canonical_input(document).decode() if release.policy.rescue else None
        commit = changes.admit(release.release_id, transform, kept)
        try:
            try:
                refusal = self._ports.ledger.commit(commit)
            except Uncertain:
                if not budget.has(_CANARY_SECONDS):
                    raise
                # The same once more: if the first one happened, the transform's own clause says so.
                refusal = self._ports.ledger.commit(commit)
        except Unavailable as error:
            _log.error("%s cannot be admitted; current serves: %s", transform.transform_id, error)
            self._rest(release)
            return Admission.REFUSED
        except Uncertain as error:
            _log.error("Nobody can tell whether %s was admitted: %s", transform.transform_id, error)
            return Admission.UNCERTAIN
        if refusal is None:
            self._ports.meter.count("CanaryAdmitted", transform.service)
            return Admission.TAKEN
        self._view.forget_release(transform.service, release.release_id)
        return Admission.EXISTS if changes.NEW in refusal.names() else Admission.REFUSED

    def _rest(self, release: Release) -> None:
        """For a second nobody asks for this release again.

        There is none yet that could be opened, or the table has too much to do. If every request found that out for
        itself, the controller, which could change it, would not get through.
        """
        self._rests[release.service] = (release.release_id, self._ports.clock.now() + int(RELEASE_TTL * 1000))

    def _is_resting(self, release: Release) -> bool:
        release_id, until = self._rests.get(release.service, ("", 0))
        return release_id == release.release_id and self._ports.clock.now() < until

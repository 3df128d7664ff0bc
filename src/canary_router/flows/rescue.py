"""Runs a failed canary job's input once more, on current. Its caller had no part in the experiment.

The rescue is put on record in the very transaction that records the failure, so there is one for each failed job, or
none. From then on it is a job like any other, except that the controller starts it: an invocation is announced on the
record before it is sent; the same target may always be asked again, under the same id; another target only after it is
certain that nothing was started.
"""

import json
import logging
from dataclasses import dataclass, replace
from typing import Any

from canary_router.core import changes, records
from canary_router.core.model import UNDETERMINED, Status, Transform, Version
from canary_router.core.pointers import understand
from canary_router.flows.budget import Budget
from canary_router.flows.starting import NotStarted, Started, look_up, mark, start
from canary_router.ports import Ports

_log = logging.getLogger(__name__)
_TRIED_FOR = 86_400_000
"""Milliseconds: a rescue that could not be started for a day is given up."""


@dataclass(frozen=True)
class _Kept:
    """An input, which may itself be null."""

    document: Any


class Rescuer:
    """Starts rescues, and tries again those that did not start."""

    def __init__(self, ports: Ports, grace: float) -> None:
        """Takes the seconds after which an invocation whose answer was lost cannot start anything any more."""
        self._ports = ports
        self._grace = grace

    def start(self, transform_id: str) -> None:
        """Starts a rescue, if it is still to be started. May be called at any time, by any number of runs.

        Raises:
            Unavailable: A dependency does not answer; a later pass tries again.
            Uncertain: As above.
        """
        item = self._ports.ledger.get(records.transform_key(transform_id))
        if item is None:
            return
        rescue = records.transform_of(item)
        if rescue.status is not Status.ADMITTED:
            return
        if rescue.target != UNDETERMINED and not self._is_free_again(rescue):
            return
        self._attempt(rescue)

    def _is_free_again(self, rescue: Transform) -> bool:
        """After the grace time an execution that cannot be found will not come any more."""
        if self._ports.clock.now() - rescue.attempted_at <= self._grace * 1000:
            return False
        if not isinstance(look_up(self._ports, rescue), NotStarted):
            return False
        return self._ports.ledger.commit(changes.release_rescue(rescue)) is None

    def _input_of(self, rescue: Transform) -> _Kept | None:
        item = self._ports.ledger.get(records.input_key(str(rescue.rescue_of))) or {}
        try:
            return _Kept(json.loads(str(item["input"])))
        except (KeyError, ValueError, RecursionError):
            return None

    def _attempt(self, rescue: Transform) -> None:
        now = self._ports.clock.now()
        if now - rescue.created_at > _TRIED_FOR:
            _log.error("The rescue of %s could not be started for a day and is given up", rescue.rescue_of)
            self._ports.ledger.commit(changes.settle_not_started(rescue, now))
            return
        current = understand(rescue.service, self._ports.pointers.read(rescue.service)).current
        kept = self._input_of(rescue)
        if not isinstance(current, Version) or kept is None:
            _log.error("%s waits: there is no current version, or its input is gone or malformed", rescue.transform_id)
            return
        if self._ports.ledger.commit(changes.attempt_rescue(rescue, current, now)) is not None:
            return
        attempted = replace(rescue, target=current, attempts=rescue.attempts + 1, attempted_at=now)
        answer = start(self._ports, attempted, kept.document, Budget(self._ports.clock))
        if isinstance(answer, Started):
            mark(self._ports, attempted, answer.execution_arn)
        elif isinstance(answer, NotStarted):
            _log.warning("%s was not started, and will be tried again: %s", rescue.transform_id, answer.reason)
            self._ports.ledger.commit(changes.release_rescue(attempted))
        else:
            _log.warning("Nobody knows yet whether %s was started: %s", rescue.transform_id, answer.reason)

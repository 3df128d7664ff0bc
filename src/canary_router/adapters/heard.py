"""The outbox of those who have to wait for every answer: boto3, memory."""

import logging

from canary_router.core.conditions import Write
from canary_router.errors import Unavailable, Uncertain
from canary_router.ports import Ledger

_log = logging.getLogger(__name__)


class HeardOutbox:
    """Commits at once. What it promises is less than that, so nobody may build on it."""

    def __init__(self, ledger: Ledger) -> None:
        """Args: the ledger that is written to."""
        self._ledger = ledger

    def send(self, write: Write) -> None:
        """One commit, whose refusal is of no interest."""
        try:
            self._ledger.commit((write,))
        except (Unavailable, Uncertain) as error:
            _log.warning("%s is not written, or nobody can tell: %s", write.key.partition, error)

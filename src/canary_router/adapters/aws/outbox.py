"""Writes to the table whose answers nobody needs: the wire does not wait for them, any other ledger does."""

import logging
from typing import TYPE_CHECKING

from canary_router.adapters.aws.expressions import request_of
from canary_router.adapters.aws.trouble import code_of
from canary_router.core.conditions import Write
from canary_router.errors import Unavailable, Uncertain
from canary_router.ports import Ledger

if TYPE_CHECKING:
    from canary_router.adapters.aws.wire.calls import TableCalls

_log = logging.getLogger(__name__)


class WireOutbox:
    """One environment's table. Each write is sent once, whatever becomes of it."""

    def __init__(self, client: "TableCalls", table: str) -> None:
        """Args: the wire's client of DynamoDB and the table's name."""
        self._client = client
        self._table = table

    def send(self, write: Write) -> None:
        """PutItem or UpdateItem; an answer that tells of trouble goes to the log when it is read."""

        def failed(error: Exception) -> None:
            # A clause that does not hold is an answer, not trouble: something else came first, and stands.
            if code_of(error) != "ConditionalCheckFailedException":
                _log.warning("%s is not written, or nobody can tell: %s", write.key.partition, error)

        try:
            self._client.send_item(*request_of(self._table, write), failed)
        except Exception as error:  # noqa: BLE001 - what it tells of has happened: nothing here may cost its answer
            failed(error)


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

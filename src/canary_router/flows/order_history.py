"""What people have ordered. Apart from ``inspect``, which the request function imports, and which knows no orders."""

from canary_router.core import records
from canary_router.core.order_records import ORDER_PREFIX, order_of
from canary_router.core.orders import GivenOrder
from canary_router.flows.listing import readable
from canary_router.ports import Ledger


def orders_given(ledger: Ledger, service: str) -> list[GivenOrder]:
    """What people have ordered for a service, newest first.

    Raises:
        Unavailable: The table does not answer.
    """
    found: list[GivenOrder] = []
    cursor: str | None = None
    partition = records.state_key(service).partition
    while True:
        page = ledger.by_prefix(partition, ORDER_PREFIX, cursor=cursor)
        found += readable(page.items, order_of)
        cursor = page.cursor
        if cursor is None:
            return found[::-1]

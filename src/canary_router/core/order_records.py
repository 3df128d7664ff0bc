"""How orders stand in the table. Apart from the other records, since the request function knows none."""

from canary_router.core.conditions import Item, Key, Value
from canary_router.core.model import Release
from canary_router.core.orders import GivenOrder, Order, OrderKind
from canary_router.core.records import reading

ORDER_PREFIX = "ORDER#"


def order_key(order: Order) -> Key:
    """Key of an order. Orders of a service stand in the order of their times."""
    return Key(f"SERVICE#{order.service}", f"{ORDER_PREFIX}{order.at:015d}#{order.order_id}")


def order_item(order: Order, release: Release) -> dict[str, Value]:
    """An order that was carried out on a release, as an item."""
    return {
        "order_id": order.order_id,
        "service": order.service,
        "kind": order.kind.value,
        "who": order.who,
        "why": order.why,
        "at": order.at,
        "release_id": release.release_id,
        "version": release.target.tag,
        "counts": release.counts,
    }


def order_of(item: Item) -> GivenOrder:
    """The order that an item holds.

    Raises:
        MalformedRecord: It does not hold one that this version can read.
    """
    with reading(item):
        order = Order(
            order_id=str(item["order_id"]),
            kind=OrderKind(str(item["kind"])),
            service=str(item["service"]),
            who=str(item["who"]),
            why=str(item["why"]),
            at=int(item["at"]),
        )
        return GivenOrder(order, str(item["release_id"]), str(item["version"]), str(item["counts"]))

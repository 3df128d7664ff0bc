"""What the record says of retired stacks, and whether a version's stack may still be used."""

import logging

from canary_router import settings
from canary_router.core import records
from canary_router.core.model import Version
from canary_router.core.retirement_records import RETIREMENT_PREFIX, Retirement, retirement_key, retirement_of
from canary_router.errors import NotVisible, OrderRefused
from canary_router.flows.listing import readable
from canary_router.ports import Ledger
from canary_router.ports.operation import Stacks

_log = logging.getLogger(__name__)


def check_stays(ledger: Ledger, stacks: Stacks | None, service: str, target: Version, now: int) -> None:
    """Refuses a version whose stack is being retired, or is being deleted by whomever.

    Args:
        ledger: The record, which has the mark of a retirement.
        stacks: Where to look; None does not look.
        service: The service's name.
        target: The version.
        now: Epoch milliseconds.

    Raises:
        OrderRefused: Its stack goes, or may go any moment.
        Unavailable: A dependency does not answer.
    """
    check_not_marked(ledger, service, target, now)
    if stacks is None:
        return
    try:
        found = stacks.find(settings.stack_name(service, target.tag))
    except NotVisible as error:
        # Who may order need not be allowed to look at stacks.
        _log.warning("Whether the stack of %s is still there could not be looked up: %s", target.tag, error)
        return
    if found is not None and found.is_going:
        raise OrderRefused(
            f"{target.tag} cannot serve: its stack {found.name} is being deleted ({found.status})",
            advice="Deploy it again when it is gone, which releases it.",
        )


def check_not_marked(ledger: Ledger, service: str, target: Version, now: int) -> None:
    """Refuses a version that somebody retires at this moment.

    Raises:
        OrderRefused: Somebody does.
        Unavailable: The table does not answer.
    """
    item = ledger.get(retirement_key(service, target.tag))
    mark: Retirement | None = None if item is None else retirement_of(item)
    if mark is not None and mark.until > now:
        raise OrderRefused(
            f"{target.tag} is being retired: {mark.who} began to delete its stack {mark.stack} a moment ago",
            advice="Nothing was done. Name another version; if nobody is at it any more, run prune once more.",
        )


def retirements(ledger: Ledger, service: str) -> list[Retirement]:
    """The newest retirement of each version, newest first.

    Raises:
        Unavailable: The table does not answer.
    """
    found: list[Retirement] = []
    cursor: str | None = None
    while True:
        page = ledger.by_prefix(records.state_key(service).partition, RETIREMENT_PREFIX, cursor=cursor)
        found += readable(page.items, retirement_of)
        cursor = page.cursor
        if cursor is None:
            return sorted(found, key=lambda it: it.at, reverse=True)

"""Lists of stored items: one that cannot be read must not hide the others."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from canary_router.core.conditions import Item
from canary_router.errors import MalformedRecord

T = TypeVar("T")

_log = logging.getLogger(__name__)


def readable(items: Iterable[Item], decode: Callable[[Item], T]) -> list[T]:
    """What the items hold, without those that are malformed, which are said aloud.

    Args:
        items: Of a page of a listing.
        decode: ``records.release_of`` or ``records.transform_of``.
    """
    found: list[T] = []
    for item in items:
        try:
            found.append(decode(item))
        except MalformedRecord as error:
            _log.error("Passed over: %s. %s", error, error.advice)
    return found

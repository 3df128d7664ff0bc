"""The table in memory: one lock makes a commit atomic."""

import threading
from collections.abc import Sequence

from canary_router import settings
from canary_router.core.conditions import Failure, Item, Key, Refusal, Value, Write, failed_clauses
from canary_router.ports import Page


class MemoryLedger:
    """Items in a dictionary, with the meaning of ``core.conditions`` to the letter."""

    def __init__(self) -> None:
        """An empty table."""
        self._items: dict[Key, dict[str, Value]] = {}
        self._lock = threading.Lock()

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:  # noqa: ARG002 - no lag here
        """One item; both kinds of read see the newest state here."""
        with self._lock:
            item = self._items.get(key)
            return None if item is None else dict(item)

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        """All writes or none."""
        with self._lock:
            failures = tuple(
                Failure(write.key, failed, self._items.get(write.key))
                for write in writes
                if (failed := failed_clauses(write.clauses, self._items.get(write.key)))
            )
            if failures:
                return Refusal(failures)
            for write in writes:
                after = write.applied_to(self._items.get(write.key, {}))
                after[settings.PARTITION_KEY], after[settings.SORT_KEY] = write.key
                self._items[write.key] = after
            return None

    def by_index(
        self, index: str, value: str, *, cursor: str | None = None, limit: int = 100, newest_first: bool = False
    ) -> Page:
        """Items whose index key has a value, by their age."""
        key = {
            settings.RELEASE_INDEX: settings.RELEASE_INDEX_KEY,
            settings.PENDING_INDEX: settings.PENDING_INDEX_KEY,
        }[index]
        with self._lock:
            found = [
                dict(item)
                for item in self._items.values()
                if item.get(key) == value and settings.INDEX_SORT_KEY in item
            ]
        found.sort(key=lambda item: int(item[settings.INDEX_SORT_KEY]), reverse=newest_first)
        return _page(found, cursor, limit)

    def by_prefix(self, partition: str, prefix: str, *, cursor: str | None = None, limit: int = 100) -> Page:
        """Items of a partition, in the order of their sort keys."""
        with self._lock:
            keys = sorted(key for key in self._items if key.partition == partition and key.sort.startswith(prefix))
            found = [dict(self._items[key]) for key in keys]
        return _page(found, cursor, limit)


def _page(found: list[dict[str, Value]], cursor: str | None, limit: int) -> Page:
    start = int(cursor or 0)
    end = start + limit
    return Page(tuple(found[start:end]), str(end) if end < len(found) else None)

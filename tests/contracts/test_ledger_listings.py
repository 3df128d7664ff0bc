"""Listings: what is in them, in which order, and that paging leaves nothing out."""

from collections.abc import Callable
from itertools import chain

import pytest

from canary_router import settings
from canary_router.core import records
from canary_router.core.conditions import Key, Write
from canary_router.ports import Ledger, Page

COUNT = 7
PAGE_SIZES = [1, 2, 3, 7, 100]


def put_job(ledger: Ledger, service: str, number: int, **fields: str | int) -> Key:
    key = records.transform_key(f"{service}-{number}")
    ledger.commit((Write(key, (), put={"number": number, **fields}),))
    return key


def put_jobs(ledger: Ledger, service: str, count: int = COUNT) -> None:
    """Jobs whose order of age is not the order of their ids, nor that in which they were written."""
    for number in sorted(range(count), key=lambda number: number * 3 % COUNT):
        index = records.index_value(service, "r1-1")
        created = 1_700_000_000_000 - number * 1000
        put_job(ledger, service, number, release_key=index, pending=service, created_at=created)


def numbers(page: Page) -> list[int]:
    return [int(item["number"]) for item in page.items]


def paged(list_page: Callable[[str | None], Page]) -> list[list[int]]:
    """All pages; a listing that does not end fails."""
    pages = list[list[int]]()
    cursor: str | None = None
    for _ in range(COUNT + 2):
        page = list_page(cursor)
        pages.append(numbers(page))
        cursor = page.cursor
        if cursor is None:
            return pages
    pytest.fail("the listing does not end")


def by_release(service: str) -> tuple[str, str]:
    return settings.RELEASE_INDEX, records.index_value(service, "r1-1")


def test_an_index_lists_the_oldest_first(ledger: Ledger, service: str) -> None:
    put_jobs(ledger, service)
    oldest_first = list(reversed(range(COUNT)))
    assert numbers(ledger.by_index(*by_release(service))) == oldest_first
    assert numbers(ledger.by_index(settings.PENDING_INDEX, service)) == oldest_first


@pytest.mark.parametrize("limit", PAGE_SIZES)
def test_an_index_lists_the_newest_first_for_who_asks_for_that(ledger: Ledger, service: str, limit: int) -> None:
    put_jobs(ledger, service)

    def newest(cursor: str | None) -> Page:
        return ledger.by_index(*by_release(service), cursor=cursor, limit=limit, newest_first=True)

    assert list(chain(*paged(newest))) == list(range(COUNT))


@pytest.mark.parametrize("limit", PAGE_SIZES)
def test_the_pages_of_an_index_are_the_whole_listing(ledger: Ledger, service: str, limit: int) -> None:
    put_jobs(ledger, service)
    pages = paged(lambda cursor: ledger.by_index(*by_release(service), cursor=cursor, limit=limit))
    assert all(len(page) <= limit for page in pages)
    assert list(chain(*pages)) == list(reversed(range(COUNT)))


def test_jobs_of_the_same_age_are_all_listed_once(ledger: Ledger, service: str) -> None:
    for number in range(COUNT):
        put_job(ledger, service, number, pending=service, created_at=1_700_000_000_000)
    pages = paged(lambda cursor: ledger.by_index(settings.PENDING_INDEX, service, cursor=cursor, limit=2))
    assert sorted(chain(*pages)) == list(range(COUNT))


def test_an_index_has_whole_items(ledger: Ledger, service: str) -> None:
    key = put_job(ledger, service, 1, pending=service, created_at=1, anything="else")
    (item,) = ledger.by_index(settings.PENDING_INDEX, service).items
    assert item == ledger.get(key)


def test_an_index_has_only_what_carries_its_value(ledger: Ledger, service: str) -> None:
    put_job(ledger, service, 1, release_key=f"{service}#r1-1", created_at=1)
    put_job(ledger, service, 2, release_key=f"{service}#r2-2", created_at=2)
    put_job(ledger, service, 3, created_at=3)
    put_job(ledger, service, 4, release_key=f"{service}#r1-1")
    assert numbers(ledger.by_index(*by_release(service))) == [1]
    assert ledger.by_index(settings.PENDING_INDEX, service) == Page(())


def test_an_item_leaves_the_pending_ones_when_the_field_is_removed(ledger: Ledger, service: str) -> None:
    put_jobs(ledger, service, 3)
    left = records.transform_key(f"{service}-1")
    assert ledger.commit((Write(left, (), remove=(settings.PENDING_INDEX_KEY,)),)) is None
    assert numbers(ledger.by_index(settings.PENDING_INDEX, service)) == [2, 0]
    assert numbers(ledger.by_index(*by_release(service))) == [2, 1, 0]


def test_an_item_that_is_put_anew_without_the_field_leaves_the_pending_ones(ledger: Ledger, service: str) -> None:
    put_jobs(ledger, service, 3)
    put_job(ledger, service, 1, created_at=1)
    assert numbers(ledger.by_index(settings.PENDING_INDEX, service)) == [2, 0]


def put_releases(ledger: Ledger, service: str) -> None:
    ledger.commit((Write(records.state_key(service), (), put={"number": -1}),))
    for number in (3, 0, 6, 1, 5, 2, 4):
        ledger.commit((Write(records.release_key(service, f"r{number}"), (), put={"number": number}),))
        ledger.commit((Write(records.release_key(f"{service}-2", f"r{number}"), (), put={"number": 99}),))


@pytest.mark.parametrize("limit", PAGE_SIZES)
def test_a_prefix_lists_one_partition_in_the_order_of_its_sort_keys(ledger: Ledger, service: str, limit: int) -> None:
    put_releases(ledger, service)
    partition = records.state_key(service).partition
    pages = paged(lambda cursor: ledger.by_prefix(partition, records.RELEASE_PREFIX, cursor=cursor, limit=limit))
    assert all(len(page) <= limit for page in pages)
    assert list(chain(*pages)) == list(range(COUNT))


def test_a_prefix_that_nothing_has_lists_nothing(ledger: Ledger, service: str) -> None:
    put_releases(ledger, service)
    assert ledger.by_prefix(records.state_key(service).partition, "RELEASE#x") == Page(())
    assert ledger.by_prefix(records.state_key("nobody").partition, records.RELEASE_PREFIX) == Page(())

"""What a commit does to items, what a transaction does to all of them or to none, and what happens when many race."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from canary_router import settings
from canary_router.adapters.memory import MemoryLedger
from canary_router.core import records
from canary_router.core.conditions import Clause, Item, Key, Op, Value, Write
from canary_router.ports import Ledger

THREADS = 32
BUDGET = 5


@pytest.fixture
def key(service: str) -> Key:
    return records.release_key(service, "r1-1")


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can, so that what is not locked shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def fields(ledger: Ledger, key: Key) -> dict[str, Value] | None:
    """An item without its keys, which must be there."""
    item = ledger.get(key)
    if item is None:
        return None
    assert (item[settings.PARTITION_KEY], item[settings.SORT_KEY]) == key
    return {name: value for name, value in item.items() if name not in (settings.PARTITION_KEY, settings.SORT_KEY)}


def in_both_forms(ledger: Ledger, key: Key, write: Write) -> dict[str, Value] | None:
    """What a write makes of an item, alone and in a transaction: it must be the same."""
    before = ledger.get(key)
    twin = key._replace(sort=f"{key.sort}-twin")
    if before is not None:
        assert ledger.commit((Write(twin, (), put=before),)) is None
    assert ledger.commit((write,)) is None
    in_transaction = Write(twin, write.clauses, write.put, write.assign, write.add, write.remove)
    assert ledger.commit((in_transaction, Write(key._replace(sort="OTHER"), (), assign={"touched": 1}))) is None
    after = fields(ledger, key)
    assert fields(ledger, twin) == after
    return after


def test_an_item_that_was_never_written_is_none(ledger: Ledger, key: Key) -> None:
    assert ledger.get(key) is None
    assert ledger.get(key, consistent=False) is None


def test_what_is_put_is_what_is_read(ledger: Ledger, key: Key) -> None:
    item: Item = {"text": "snow ❄ & rain", "number": 1_700_000_000_123, "zero": 0, "below": -7, "nothing": ""}
    assert in_both_forms(ledger, key, Write(key, (), put=item)) == item
    assert fields(ledger, key) == item
    assert ledger.get(key, consistent=False) == ledger.get(key)


def test_a_put_replaces_every_field(ledger: Ledger, key: Key) -> None:
    ledger.commit((Write(key, (), put={"old": 1, "both": 1}),))
    assert in_both_forms(ledger, key, Write(key, (), put={"both": 2})) == {"both": 2}


def test_a_change_keeps_the_fields_that_it_does_not_name(ledger: Ledger, key: Key) -> None:
    ledger.commit((Write(key, (), put={"kept": "k", "assigned": "a", "removed": "r", "added": 40}),))
    change = Write(key, (), assign={"assigned": 1, "new": "n"}, add={"added": 2}, remove=("removed", "missing"))
    assert in_both_forms(ledger, key, change) == {"kept": "k", "assigned": 1, "new": "n", "added": 42}


@pytest.mark.parametrize("change", ["assign", "add", "remove"])
def test_a_change_of_a_missing_item_makes_one(ledger: Ledger, key: Key, change: str) -> None:
    write = {
        "assign": Write(key, (), assign={"field": "text"}),
        "add": Write(key, (), add={"field": 3}),
        "remove": Write(key, (), remove=("field",)),
    }[change]
    expected: dict[str, dict[str, Value]] = {"assign": {"field": "text"}, "add": {"field": 3}, "remove": {}}
    assert in_both_forms(ledger, key, write) == expected[change]


def test_adding_to_a_number_that_is_not_there_counts_from_nothing(ledger: Ledger, key: Key) -> None:
    ledger.commit((Write(key, (), put={"text": "t"}),))
    assert in_both_forms(ledger, key, Write(key, (), add={"count": 1, "down": -1})) == {
        "text": "t",
        "count": 1,
        "down": -1,
    }


def test_a_transaction_with_one_refused_write_changes_nothing(ledger: Ledger, key: Key) -> None:
    keys = [key._replace(sort=sort) for sort in "ABC"]
    ledger.commit((Write(keys[1], (), put={"state": "CLOSED"}),))
    for refused in range(3):
        writes = [
            Write(keys[0], (), put={"a": 1}),
            Write(keys[1], (), assign={"b": 1}),
            Write(keys[2], (), add={"c": 1}),
        ]
        writes[refused] = Write(keys[refused], (Clause("open", "state", Op.EQUALS, "OPEN"),), assign={"x": 1})
        refusal = ledger.commit(writes)
        assert refusal is not None
        assert refusal.names() == {"open"}
        assert [failure.key for failure in refusal.failures] == [keys[refused]]
        assert [fields(ledger, each) for each in keys] == [None, {"state": "CLOSED"}, None]


def test_every_refused_write_of_a_transaction_is_named_with_what_is_stored(ledger: Ledger, key: Key) -> None:
    keys = [key._replace(sort=sort) for sort in "ABC"]
    ledger.commit((Write(keys[0], (), put={"state": "CLOSED"}),))
    is_open = Clause("the release is open", "state", Op.EQUALS, "OPEN")
    writes = (
        Write(keys[0], (is_open,), assign={"a": 1}),
        Write(keys[1], (Clause("is new", "state", Op.ABSENT),), assign={"b": 1}),
        Write(keys[2], (is_open,), assign={"c": 1}),
    )
    refusal = ledger.commit(writes)
    assert refusal is not None
    assert [(failure.key, failure.clauses) for failure in refusal.failures] == [
        (keys[0], (is_open.name,)),
        (keys[2], (is_open.name,)),
    ]
    assert refusal.stored(keys[0]) == ledger.get(keys[0])
    assert refusal.stored(keys[2]) is None
    assert fields(ledger, keys[1]) is None


def test_a_transaction_is_all_there_when_nothing_is_refused(ledger: Ledger, key: Key) -> None:
    keys = [key._replace(sort=sort) for sort in "ABC"]
    writes = (
        Write(keys[0], (Clause("new", "a", Op.ABSENT),), put={"a": 1}),
        Write(keys[1], (), assign={"b": "x"}),
        Write(keys[2], (), add={"c": 2}),
    )
    assert ledger.commit(writes) is None
    assert [fields(ledger, each) for each in keys] == [{"a": 1}, {"b": "x"}, {"c": 2}]


ATOMIC = ["memory", "ministack", "wired"]
"""Not moto: its threads get between the condition and the change of another one's write, and between two halves."""


def race(ledger: Ledger, key: Key, *, with_a_job: bool) -> list[bool]:
    """Lets many threads ask for a place of a budget at once; says who got one."""
    ledger.commit((Write(key, (), put={"state": "OPEN", "admitted": 0, "requests": BUDGET}),))
    clauses = (Clause("open", "state", Op.EQUALS, "OPEN"), Clause("room", "admitted", Op.BELOW_FIELD, "requests"))

    together = threading.Barrier(THREADS, timeout=10)

    def admit(number: int) -> bool:
        together.wait()
        place = Write(key, clauses, add={"admitted": 1})
        job = Write(key._replace(sort=f"JOB#{number:02}"), (Clause("new", "id", Op.ABSENT),), put={"id": number})
        refusal = ledger.commit((place, job) if with_a_job else (place,))
        assert refusal is None or refusal.names() == {"room"}
        return refusal is None

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(admit, range(THREADS)))


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("ledger", ATOMIC, indirect=True)
def test_however_many_race_for_a_budget_exactly_the_budget_is_given_out(ledger: Ledger, key: Key) -> None:
    assert race(ledger, key, with_a_job=False).count(True) == BUDGET
    assert fields(ledger, key) == {"state": "OPEN", "admitted": BUDGET, "requests": BUDGET}


@pytest.mark.parametrize("ledger", ATOMIC, indirect=True)
def test_in_a_race_of_transactions_those_with_a_place_and_no_others_are_on_record(ledger: Ledger, key: Key) -> None:
    taken = race(ledger, key, with_a_job=True)
    assert taken.count(True) == BUDGET
    assert fields(ledger, key) == {"state": "OPEN", "admitted": BUDGET, "requests": BUDGET}
    jobs = ledger.by_prefix(key.partition, "JOB#").items
    assert [int(job["id"]) for job in jobs] == [number for number, got_one in enumerate(taken) if got_one]


@pytest.mark.parametrize("ledger", ["memory", "ministack"], indirect=True)  # moto loses additions that race
@pytest.mark.usefixtures("restless")
def test_additions_that_race_are_all_counted(ledger: Ledger, key: Key) -> None:
    each = 500 if isinstance(ledger, MemoryLedger) else 3
    together = threading.Barrier(THREADS, timeout=10)

    def add(_: int) -> None:
        together.wait()
        for _ in range(each):
            assert ledger.commit((Write(key, (), add={"count": 1}),)) is None

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(add, range(THREADS)))
    assert fields(ledger, key) == {"count": THREADS * each}


def test_of_many_who_create_the_same_item_one_does(ledger: Ledger, key: Key) -> None:
    def create(number: int) -> bool:
        return ledger.commit((Write(key, (Clause("new", "by", Op.ABSENT),), put={"by": number}),)) is None

    with ThreadPoolExecutor(THREADS) as threads:
        created = list(threads.map(create, range(THREADS)))
    assert created.count(True) == 1
    assert fields(ledger, key) == {"by": created.index(True)}


def test_what_a_caller_does_to_a_read_item_does_not_reach_the_ledger(ledger: Ledger, key: Key) -> None:
    ledger.commit((Write(key, (), put={"a": 1}),))
    item = ledger.get(key)
    assert item is not None
    dict(item)["a"] = 2
    if isinstance(item, dict):
        item["a"] = 2
    assert fields(ledger, key) == {"a": 1}

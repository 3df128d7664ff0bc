"""Whatever is committed, in whatever order: the ledger in memory and the one in DynamoDB cannot be told apart."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.backends import Backend
from tests.contracts.tables import new_ledger

from canary_router import settings as names
from canary_router.adapters.memory import MemoryLedger
from canary_router.core.conditions import Clause, Item, Key, Op, Value, Write
from canary_router.ports import Ledger

Commit = tuple[Write, ...]

SORTS = ("JOB#A", "JOB#B", "JOB#C")
NUMBERS = ("n", "m")
TEXTS = ("s", "t")
INDEX_KEY = names.PENDING_INDEX_KEY
_partitions = (f"SERVICE#equivalence-{number}" for number in count(1))

numbers = st.integers(-3, 3) | st.sampled_from([10, 10**20])
texts = st.sampled_from(["", "a", "b", "ab", "\u00e9", "\uffff", "\U00010000"])


@st.composite
def clauses(draw: st.DrawFn) -> Clause:
    op = draw(st.sampled_from(Op))
    field = draw(st.sampled_from(NUMBERS + TEXTS))
    operands: Mapping[Op, st.SearchStrategy[Value | tuple[Value, ...]]] = {
        Op.ONE_OF: st.lists(numbers | texts, min_size=1, max_size=3).map(tuple),
        Op.BELOW_FIELD: st.sampled_from(NUMBERS + TEXTS),
    }
    return Clause(draw(st.sampled_from(["one", "two", "three"])), field, op, draw(operands.get(op, numbers | texts)))


@st.composite
def contents(draw: st.DrawFn) -> dict[str, Value]:
    """Some fields of an item. Whether it is in the index is one of them."""
    return {
        **draw(st.dictionaries(st.sampled_from(NUMBERS), numbers, max_size=2)),
        **draw(st.dictionaries(st.sampled_from(TEXTS), texts, max_size=2)),
        **draw(st.dictionaries(st.just(INDEX_KEY), st.just("listed"), max_size=1)),
    }


@st.composite
def writes(draw: st.DrawFn, sort: str) -> Write:
    """A whole new item, or a change that names no field twice, as DynamoDB asks for."""
    # Items of the same age would be listed in an order that nobody promises.
    content = {**draw(contents()), names.INDEX_SORT_KEY: SORTS.index(sort)}
    write = Write(Key("", sort), tuple(draw(st.lists(clauses(), max_size=2))))
    if draw(st.booleans()):
        return replace(write, put=content)
    added = draw(st.dictionaries(st.sampled_from(NUMBERS), st.integers(-3, 3), max_size=1))
    removed = draw(st.sets(st.sampled_from((*NUMBERS, *TEXTS, INDEX_KEY)), max_size=2))
    return replace(
        write,
        assign={name: value for name, value in content.items() if name not in added},
        add=added,
        remove=tuple(sorted(removed - added.keys() - content.keys())),
    )


@st.composite
def commits(draw: st.DrawFn) -> Commit:
    sorts = draw(st.lists(st.sampled_from(SORTS), min_size=1, max_size=3, unique=True))
    return tuple(draw(writes(sort)) for sort in sorts)


def moved(write: Write, partition: str) -> Write:
    """The write in a partition, and a listing, of its own: no example sees another's items."""

    def listed(item: Item) -> Item:
        return {name: partition if name == INDEX_KEY else value for name, value in item.items()}

    put = None if write.put is None else listed(write.put)
    return replace(write, key=write.key._replace(partition=partition), put=put, assign=listed(write.assign))


def seen(ledger: Ledger, partition: str) -> tuple[object, ...]:
    """Everything that can be read of a partition, in pages of two."""
    first = ledger.by_prefix(partition, "JOB#", limit=2)
    second = () if first.cursor is None else ledger.by_prefix(partition, "JOB#", cursor=first.cursor, limit=2).items
    listed = ledger.by_index(names.PENDING_INDEX, partition)
    return ([ledger.get(Key(partition, sort)) for sort in SORTS], first.items, second, listed)


@pytest.fixture(scope="module")
def table(ministack: Backend) -> Iterator[Ledger]:
    with new_ledger(ministack) as made:
        yield made


@settings(max_examples=60, deadline=None)
@given(st.lists(commits(), min_size=1, max_size=5))
def test_memory_and_dynamodb_answer_alike_and_hold_the_same(table: Ledger, sequence: list[Commit]) -> None:
    memory = MemoryLedger()
    partition = next(_partitions)
    for commit in sequence:
        here = tuple(moved(write, partition) for write in commit)
        assert memory.commit(here) == table.commit(here)
    assert seen(memory, partition) == seen(table, partition)

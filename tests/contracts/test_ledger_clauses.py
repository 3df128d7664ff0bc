"""Every question that a clause can ask, of numbers and text, of missing fields and missing items."""

import pytest

from canary_router.core import records
from canary_router.core.conditions import Clause, Failure, Item, Key, Op, Value, Write
from canary_router.ports import Ledger

NAME = "the guard"

STORED: Item = {"number": 5, "limit": 7, "full": 5, "text": "mast", "name": "zeal", "nothing": "", "negative": -3}

HOLDS: list[tuple[str, Op, Value | tuple[Value, ...]]] = [
    ("missing", Op.ABSENT, ""),
    ("number", Op.PRESENT, ""),
    ("text", Op.PRESENT, ""),
    ("nothing", Op.PRESENT, ""),
    ("number", Op.EQUALS, 5),
    ("negative", Op.EQUALS, -3),
    ("text", Op.EQUALS, "mast"),
    ("nothing", Op.EQUALS, ""),
    ("number", Op.ONE_OF, (4, 5)),
    ("text", Op.ONE_OF, ("mast", "sail")),
    ("text", Op.ONE_OF, (5, "mast")),
    ("number", Op.BELOW, 6),
    ("negative", Op.BELOW, 0),
    ("number", Op.BELOW, 10),
    ("text", Op.BELOW, "sail"),
    ("text", Op.BELOW, "mastodon"),
    ("text", Op.BELOW, "mast\u00e4"),
    ("nothing", Op.BELOW, "a"),
    ("missing", Op.BELOW_OR_ABSENT, 0),
    ("missing", Op.BELOW_OR_ABSENT, ""),
    ("number", Op.BELOW_OR_ABSENT, 6),
    ("text", Op.BELOW_OR_ABSENT, "sail"),
    ("number", Op.BELOW_FIELD, "limit"),
    ("text", Op.BELOW_FIELD, "name"),
]
DOES_NOT_HOLD: list[tuple[str, Op, Value | tuple[Value, ...]]] = [
    ("number", Op.ABSENT, ""),
    ("nothing", Op.ABSENT, ""),
    ("missing", Op.PRESENT, ""),
    ("number", Op.EQUALS, 6),
    ("number", Op.EQUALS, "5"),
    ("text", Op.EQUALS, "Mast"),
    ("text", Op.EQUALS, 5),
    ("missing", Op.EQUALS, ""),
    ("missing", Op.EQUALS, 0),
    ("number", Op.ONE_OF, (4, 6)),
    ("number", Op.ONE_OF, ("5",)),
    ("text", Op.ONE_OF, ("sail",)),
    ("missing", Op.ONE_OF, ("mast", 5)),
    ("number", Op.BELOW, 5),
    ("number", Op.BELOW, 4),
    ("text", Op.BELOW, "mast"),
    ("text", Op.BELOW, "Sail"),
    ("missing", Op.BELOW, 9),
    ("number", Op.BELOW_OR_ABSENT, 5),
    ("text", Op.BELOW_OR_ABSENT, "mast"),
    ("number", Op.BELOW_FIELD, "full"),
    ("limit", Op.BELOW_FIELD, "number"),
    ("number", Op.BELOW_FIELD, "missing"),
    ("missing", Op.BELOW_FIELD, "number"),
]
DIFFERENT_TYPES: list[tuple[str, Op, Value | tuple[Value, ...]]] = [
    ("number", Op.BELOW, "9"),
    ("text", Op.BELOW, 9),
    ("text", Op.BELOW_OR_ABSENT, 9),
    ("number", Op.BELOW_FIELD, "text"),
    ("text", Op.BELOW_FIELD, "number"),
]
HOLD_WITHOUT_AN_ITEM = (Op.ABSENT, Op.BELOW_OR_ABSENT)


def shown(case: object) -> str | None:
    return case.name if isinstance(case, Op) else None


@pytest.fixture
def key(service: str) -> Key:
    return records.release_key(service, "r1-1")


def forms(key: Key, clause: Clause) -> list[tuple[Write, ...]]:
    """A change or a whole new item, alone or in a transaction: the answer must be the same."""
    other = Write(key._replace(sort="OTHER"), (), assign={"touched": 1})
    found: list[tuple[Write, ...]] = []
    for write in (Write(key, (clause,), assign={"touched": 1}), Write(key, (clause,), put={"whole": "new"})):
        found += [(write,), (write, other), (other, write)]
    return found


def assert_refused(ledger: Ledger, key: Key, clause: Clause) -> None:
    ledger.commit((Write(key, (), put=STORED),))
    stored = ledger.get(key)
    for writes in forms(key, clause):
        refusal = ledger.commit(writes)
        assert refusal is not None
        assert refusal.failures == (Failure(key, (NAME,), stored),)
        assert refusal.stored(key) == stored
    assert ledger.get(key) == stored


@pytest.mark.parametrize(("field", "op", "operand"), HOLDS, ids=shown)
def test_a_clause_that_holds_lets_the_write_happen(
    ledger: Ledger, key: Key, field: str, op: Op, operand: Value | tuple[Value, ...]
) -> None:
    for writes in forms(key, Clause(NAME, field, op, operand)):
        ledger.commit((Write(key, (), put=STORED),))
        assert ledger.commit(writes) is None


@pytest.mark.parametrize(("field", "op", "operand"), DOES_NOT_HOLD, ids=shown)
def test_a_clause_that_does_not_hold_refuses_by_name_and_shows_what_is_stored(
    ledger: Ledger, key: Key, field: str, op: Op, operand: Value | tuple[Value, ...]
) -> None:
    assert_refused(ledger, key, Clause(NAME, field, op, operand))


@pytest.mark.parametrize("ledger", ["memory", "ministack"], indirect=True)  # moto ends in a TypeError
@pytest.mark.parametrize(("field", "op", "operand"), DIFFERENT_TYPES, ids=shown)
def test_numbers_and_text_are_never_below_each_other(
    ledger: Ledger, key: Key, field: str, op: Op, operand: Value | tuple[Value, ...]
) -> None:
    assert_refused(ledger, key, Clause(NAME, field, op, operand))


@pytest.mark.parametrize("operand", [5, "mast"], ids=["number", "text"])
@pytest.mark.parametrize("op", Op, ids=lambda op: op.name)
def test_a_missing_item_has_no_fields(ledger: Ledger, key: Key, op: Op, operand: Value) -> None:
    operands: dict[Op, Value | tuple[Value, ...]] = {Op.ONE_OF: (operand,), Op.BELOW_FIELD: "limit"}
    refusal = ledger.commit(
        (Write(key, (Clause(NAME, "number", op, operands.get(op, operand)),), assign={"touched": 1}),)
    )
    if op in HOLD_WITHOUT_AN_ITEM:
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.failures == (Failure(key, (NAME,), None),)
        assert ledger.get(key) is None


def test_of_several_clauses_those_that_do_not_hold_are_named(ledger: Ledger, key: Key) -> None:
    ledger.commit((Write(key, (), put=STORED),))
    clauses = (
        Clause("small", "number", Op.BELOW, 3),
        Clause("there", "text", Op.PRESENT),
        Clause("new", "name", Op.ABSENT),
    )
    refusal = ledger.commit((Write(key, clauses, assign={"touched": 1}),))
    assert refusal is not None
    assert refusal.failures[0].clauses == ("small", "new")

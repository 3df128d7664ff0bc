"""Conditional writes as data: what a ledger is asked to commit, and what a refusal says.

A clause has a name, so that a refusal can say which of the protocol's guards held. Ledgers evaluate clauses against
the item *as it is stored*: this module's ``failed_clauses`` is the meaning, DynamoDB's condition expressions are a
translation of it, and one contract suite holds them to the same answers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

Value: TypeAlias = str | int
Item: TypeAlias = Mapping[str, Value]
NOTHING: Item = MappingProxyType({})


class Key(NamedTuple):
    """Where an item is."""

    partition: str
    sort: str


class Op(Enum):
    """What a clause asks of one field of the stored item; a missing item has no fields."""

    ABSENT = "is absent"
    PRESENT = "is present"
    EQUALS = "equals"
    ONE_OF = "is one of"
    BELOW = "is below"
    BELOW_OR_ABSENT = "is below, or absent"
    BELOW_FIELD = "is below the field"


@dataclass(frozen=True)
class Clause:
    """One guard of a write: ``field op operand``, with the name of what it protects."""

    name: str
    field: str
    op: Op
    operand: Value | tuple[Value, ...] = ""

    def holds(self, item: Item) -> bool:
        """Whether a stored item satisfies the clause."""
        stored = item.get(self.field)
        match self.op:
            case Op.ABSENT:
                return stored is None
            case Op.PRESENT:
                return stored is not None
            case Op.EQUALS:
                return stored == self.operand
            case Op.ONE_OF:
                return isinstance(self.operand, tuple) and stored in self.operand
            case Op.BELOW:
                return stored is not None and _below(stored, self.operand)
            case Op.BELOW_OR_ABSENT:
                return stored is None or _below(stored, self.operand)
            case Op.BELOW_FIELD:
                other = item.get(str(self.operand))
                return stored is not None and other is not None and _below(stored, other)


@dataclass(frozen=True)
class Write:
    """One item's part of a commit: a whole new item (``put``), or changes to the fields of one.

    Attributes:
        put: Replaces the item; the other changes are then empty.
        assign: Fields that get a value.
        add: Numbers that are added to; a missing one counts as 0.
        remove: Fields that go.
    """

    key: Key
    clauses: tuple[Clause, ...]
    put: Item | None = None
    assign: Item = field(default_factory=dict)
    add: Mapping[str, int] = field(default_factory=dict)
    remove: tuple[str, ...] = ()

    def applied_to(self, item: Item) -> dict[str, Value]:
        """The item as it is after this write."""
        if self.put is not None:
            return dict(self.put)
        after = {**item, **self.assign}
        for name, amount in self.add.items():
            after[name] = int(after.get(name, 0)) + amount
        for name in self.remove:
            after.pop(name, None)
        return after


@dataclass(frozen=True)
class Failure:
    """A write whose clauses did not hold: which ones, and the item that they were held against."""

    key: Key
    clauses: tuple[str, ...]
    item: Item | None


@dataclass(frozen=True)
class Refusal:
    """A commit that changed nothing, since a condition did not hold."""

    failures: tuple[Failure, ...]

    def stored(self, key: Key) -> Item | None:
        """The stored item of a write that failed; None when it did not fail or there is no item."""
        return next((failure.item for failure in self.failures if failure.key == key), None)

    def names(self) -> frozenset[str]:
        """Names of all clauses that did not hold."""
        return frozenset(name for failure in self.failures for name in failure.clauses)


def failed_clauses(clauses: Iterable[Clause], item: Item | None) -> tuple[str, ...]:
    """Names of the clauses that do not hold for a stored item (None: there is no such item)."""
    return tuple(clause.name for clause in clauses if not clause.holds(item or NOTHING))


def _below(stored: Value, other: object) -> bool:
    if isinstance(stored, int) and isinstance(other, int):
        return stored < other
    return isinstance(stored, str) and isinstance(other, str) and stored < other

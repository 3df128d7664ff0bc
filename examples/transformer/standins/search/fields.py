"""The types that a field can have: what of a document's JSON each accepts, and what a query may compare it with."""

import re
import struct
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from transformer.standins.search import dates

Value = str | int | float
"""A value as it is compared: a boolean is 0 or 1, a date milliseconds."""

MAX_TERM_BYTES = 32766
"""Lucene's longest term, in UTF-8."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")


@dataclass(frozen=True)
class Range:
    """What a term of a query covers: one value, or a whole day of a date."""

    low: Value
    high: Value


class Unfit(ValueError):
    """A value that does not fit the type of its field; the message is OpenSearch's reason."""


class FieldType(ABC):
    """A type of fields."""

    name: str
    missing: tuple[Value | None, Value | None] = (None, None)
    """What a document without a value is sorted by, ascending and descending: last in both."""

    @abstractmethod
    def read(self, value: object) -> Value | None:
        """A value of a document, not a list and not null; None when it counts as no value.

        Raises:
            ValueError: It does not fit.
        """

    @abstractmethod
    def bound(self, value: object, *, up: bool) -> Value:
        """A value of a query, as the end of a range.

        Args:
            value: As it stands in the query.
            up: Whether what it leaves out is taken as late as possible.

        Raises:
            ValueError: It cannot be compared with this field.
        """

    def term(self, value: object) -> Range:
        """What a term of a query covers.

        Raises:
            ValueError: It cannot be compared with this field.
        """
        return Range(self.bound(value, up=False), self.bound(value, up=True))

    def sort_key(self, value: Value) -> Value:
        """The value as a hit that was sorted by it shows it."""
        return value

    def text(self, _value: float) -> str | None:
        """How a number of this field is written beside its value; None when it is not."""
        return None


@dataclass(frozen=True)
class Keyword(FieldType):
    """A whole string. A number or boolean is taken for its text."""

    name: str = "keyword"

    def read(self, value: object) -> Value | None:
        """See the base class."""
        if isinstance(value, float):
            raise Unfit("This stand-in does not keep how a number with a fraction was written; send a string")
        found = _text(value)
        if len(found.encode("utf-8", "surrogatepass")) > MAX_TERM_BYTES:
            raise Unfit(f"Document contains at least one immense term, longer than {MAX_TERM_BYTES} bytes")
        return found

    def bound(self, value: object, *, up: bool) -> Value:  # noqa: ARG002 - a string leaves nothing out
        """See the base class."""
        return _text(value)


@dataclass(frozen=True)
class Whole(FieldType):
    """Whole numbers of some bits. A fraction is cut off, a string is read as a number, an empty one is no value."""

    name: str
    bits: int
    missing: tuple[Value | None, Value | None] = (2**63 - 1, -(2**63))

    def read(self, value: object) -> Value | None:
        """See the base class."""
        number = _number(value)
        if number is None:
            return None
        limit = 2 ** (self.bits - 1)
        if not -limit <= number < limit:
            raise Unfit(f"Value [{value}] is out of range for {'an' if self.name[0] in 'aeiou' else 'a'} {self.name}")
        return int(number)

    def bound(self, value: object, *, up: bool) -> Value:  # noqa: ARG002 - a number leaves nothing out
        """See the base class. A fraction stays: nothing whole equals it, and everything is above or below it."""
        return _required(value)


@dataclass(frozen=True)
class Floating(FieldType):
    """Numbers with a fraction. A ``float`` keeps 32 bits: 12.8 comes back as 12.800000190734863, as it does there."""

    name: str
    bits: int
    missing: tuple[Value | None, Value | None] = ("Infinity", "-Infinity")

    def read(self, value: object) -> Value | None:
        """See the base class."""
        number = _number(value)
        return None if number is None else self._rounded(number, value)

    def bound(self, value: object, *, up: bool) -> Value:  # noqa: ARG002 - a number leaves nothing out
        """See the base class."""
        return self._rounded(_required(value), value)

    def sort_key(self, value: Value) -> Value:
        """See the base class. Here, unlike in figures, 32 bits are written as short as they can be: 12.8."""
        assert isinstance(value, float)  # noqa: S101 - what is read is a float
        if self.bits == 32:  # noqa: PLR2004 - the two sizes that there are
            return next(
                short for digits in range(6, 10) if self._rounded(short := float(f"{value:.{digits}g}"), short) == value
            )
        return value

    def _rounded(self, number: float | Decimal, given: object) -> float:
        form = "<f" if self.bits == 32 else "<d"  # noqa: PLR2004 - the two sizes that there are
        try:
            found: float = struct.unpack(form, struct.pack(form, float(number)))[0]
        except OverflowError:
            found = float("inf")
        if found - found != 0:
            raise Unfit(f"[{self.name}] supports only finite values, but got [{given}]")
        return found


@dataclass(frozen=True)
class Boolean(FieldType):
    """True or false; the empty string is false."""

    name: str = "boolean"
    missing: tuple[Value | None, Value | None] = (2**63 - 1, -(2**63))

    def read(self, value: object) -> Value | None:
        """See the base class."""
        found = {"true": 1, "false": 0, "": 0}.get(_text(value))
        if found is None:
            raise Unfit(f"Failed to parse value [{value}] as only [true] or [false] are allowed.")
        return found

    def bound(self, value: object, *, up: bool) -> Value:  # noqa: ARG002 - a boolean leaves nothing out
        """See the base class."""
        return self.read(value) or 0

    def text(self, value: float) -> str | None:
        """See the base class."""
        return "true" if value else "false"


@dataclass(frozen=True)
class Date(FieldType):
    """A moment, written in one of some formats. A number is taken for its digits: 2014 is a year."""

    formats: tuple[str, ...]
    name: str = "date"
    missing: tuple[Value | None, Value | None] = (2**63 - 1, -(2**63))

    def read(self, value: object) -> Value | None:
        """See the base class."""
        return dates.read(_text(value), self.formats)

    def bound(self, value: object, *, up: bool) -> Value:
        """See the base class."""
        return dates.read(_text(value), self.formats, up=up)

    def text(self, value: float) -> str | None:
        """See the base class."""
        return dates.write(int(value), self.formats)


def field_type(name: str, definition: Mapping[str, Any]) -> FieldType:
    """The type that a mapping gives to a field.

    Raises:
        ValueError: The stand-in does not know the type, or something else that the definition says.
    """
    kind = definition.get("type", "object")
    known = {"type", "format"} if kind == "date" else {"type"}
    if kind not in _TYPES and kind != "date":
        raise Unfit(f"No handler for type [{kind}] declared on field [{name}]: this stand-in knows {_KNOWN}")
    if unknown := sorted(definition.keys() - known):
        raise Unfit(f"Mapping definition for [{name}] has parameters that this stand-in does not know: {unknown}")
    if kind == "date":
        return Date(dates.formats(str(definition.get("format", dates.DEFAULT_FORMAT))))
    return _TYPES[kind]


_TYPES: dict[str, FieldType] = {
    "keyword": Keyword(),
    "integer": Whole("integer", 32),
    "long": Whole("long", 64),
    "float": Floating("float", 32),
    "double": Floating("double", 64),
    "boolean": Boolean(),
}
_KNOWN = sorted([*_TYPES, "date"])


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise Unfit(f"Can't get text on {'an object' if isinstance(value, dict) else value!r}")


def _number(value: object) -> int | float | Decimal | None:
    """The number that a value stands for; None for an empty string."""
    if isinstance(value, str):
        if not value:
            return None
        if not _NUMBER.fullmatch(value.strip()):
            raise Unfit(f'For input string: "{value}"')
        return Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit(f"Current token ({str(value).lower()}) not numeric, can not use numeric value accessors")
    return value


def _required(value: object) -> float:
    number = _number(value)
    if number is None:
        raise Unfit("empty String")
    if isinstance(number, int):
        return number
    whole = number.is_integer() if isinstance(number, float) else number == number.to_integral_value()
    return int(number) if whole else float(number)

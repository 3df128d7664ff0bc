"""Queries: which documents they find, and whether all that they find is equally relevant.

Relevance is not computed. Where it would decide the order of the answer, the stand-in asks for a sort instead.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from transformer.standins.search.fields import FieldType
from transformer.standins.search.indices import Document, Index
from transformer.standins.search.refusal import Refused, ShardRefused, as_object, illegal, only

MAX_CLAUSES = 1024
"""Of all the booleans in one query, Lucene's limit; nested deeper than ``MAX_DEPTH`` is refused as well."""
MAX_DEPTH = 30
MAX_TERMS = 65_536

Matches = Callable[[Document], bool]


@dataclass(frozen=True)
class Query:
    """A query of one index.

    Attributes:
        matches: Whether it finds a document.
        graded: Whether what it finds differs in relevance.
    """

    matches: Matches
    graded: bool = False


def read(body: object, index: Index) -> Query:
    """Reads a query for an index.

    Raises:
        Refused: The stand-in does not know a part of it, or a value cannot be compared with its field.
    """
    return _Reader(index).query(body, 0)


class _Reader:
    def __init__(self, index: Index) -> None:
        self._index = index
        self._clauses = 0
        self._kinds: Mapping[str, Callable[[dict[str, Any], int], Query]] = {
            "match_all": self._match_all,
            "term": self._term,
            "terms": self._terms,
            "range": self._range,
            "bool": self._bool,
        }

    def query(self, body: object, depth: int) -> Query:
        self._clauses += 1
        if self._clauses > MAX_CLAUSES or depth > MAX_DEPTH:
            raise illegal(f"too_many_clauses: this stand-in takes {MAX_CLAUSES} clauses, {MAX_DEPTH} deep")
        found = as_object(body, "[query]")
        if len(found) != 1:
            raise Refused("parsing_exception", f"[query] must hold one query, not {sorted(found)}")
        [(kind, arguments)] = found.items()
        if kind not in self._kinds:
            raise Refused("parsing_exception", f"unknown query [{kind}]: this stand-in knows {sorted(self._kinds)}")
        return self._kinds[kind](as_object(arguments, f"[{kind}]"), depth)

    def _match_all(self, body: dict[str, Any], _depth: int) -> Query:
        only(body, set(), "[match_all]")
        return Query(lambda _document: True)

    def _term(self, body: dict[str, Any], _depth: int) -> Query:
        name, value = _field(body, "term")
        if isinstance(value, dict):
            only(value, {"value"}, "[term]")
            value = value.get("value")
        return self._any_of(name, [value])

    def _terms(self, body: dict[str, Any], _depth: int) -> Query:
        name, values = _field(body, "terms")
        if not isinstance(values, list):
            raise Refused("parsing_exception", f"[terms] query requires a list for [{name}] in this stand-in")
        if len(values) > MAX_TERMS:
            raise illegal(f"[terms] query takes {MAX_TERMS} values, not {len(values)}")
        return self._any_of(name, values)

    def _any_of(self, name: str, values: list[object]) -> Query:
        if None in values:
            raise illegal("value cannot be null")
        kind = self._type(name)
        if kind is None:
            return Query(lambda _document: False)
        with self._comparing(name):
            ranges = [kind.term(value) for value in values]
        single = {one.low for one in ranges if one.low == one.high}
        wide = [one for one in ranges if one.low != one.high]

        def matches(document: Document) -> bool:
            found = document.fields.get(name, ())
            return any(value in single or any(_within(value, one.low, one.high) for one in wide) for value in found)

        return Query(matches)

    def _range(self, body: dict[str, Any], _depth: int) -> Query:
        name, ends = _field(body, "range")
        ends = as_object(ends, f"[range] of [{name}]")
        only(ends, {"gte", "gt", "lte", "lt"}, "[range]")
        for low, other in (("gte", "gt"), ("lte", "lt")):
            if low in ends and other in ends:
                raise illegal(f"[range] of [{name}] has both [{low}] and [{other}]: give one")
        kind = self._type(name)
        if kind is None:
            return Query(lambda _document: False)
        # What a date leaves out is taken late where the range goes on after it, early where it begins with it.
        with self._comparing(name):
            tests = [
                _ENDS[end](kind.bound(value, up=end in {"gt", "lte"}))
                for end, value in ends.items()
                if value is not None
            ]
        return Query(
            lambda document: any(all(test(value) for test in tests) for value in document.fields.get(name, ()))
        )

    def _bool(self, body: dict[str, Any], depth: int) -> Query:
        only(body, {"must", "filter", "must_not", "should", "minimum_should_match"}, "[bool]")
        must, required, forbidden, should = (
            [self.query(part, depth + 1) for part in _list(body.get(name, []))]
            for name in ("must", "filter", "must_not", "should")
        )
        # Where nothing else must hold, Lucene wants one alternative to, even if none is asked for.
        least = 0 if must or required or not should else 1
        needed = body.get("minimum_should_match", least)
        if not isinstance(needed, int) or isinstance(needed, bool) or needed < least:
            raise illegal(f"[minimum_should_match] must be a whole number from {least} on in this stand-in")
        all_should = len(should) == needed

        def matches(document: Document) -> bool:
            return (
                all(part.matches(document) for part in (*must, *required))
                and not any(part.matches(document) for part in forbidden)
                and (not needed or sum(part.matches(document) for part in should) >= needed)
            )

        return Query(matches, any(part.graded for part in (*must, *should)) or not all_should)

    def _type(self, name: str) -> FieldType | None:
        """The type of a field. OpenSearch finds nothing in a field that does not exist, and calls it no mistake."""
        if name.startswith("_") or "*" in name:
            raise Refused("parsing_exception", f"This stand-in cannot ask for [{name}]: name a field of the mapping")
        return self._index.mapping.fields.get(name)

    @contextmanager
    def _comparing(self, name: str) -> Iterator[None]:
        """Within it, a value that does not fit the field refuses the query."""
        try:
            yield
        except ValueError as error:
            raise ShardRefused(
                "query_shard_exception",
                f"failed to create query: {error}",
                index=self._index.name,
                index_uuid=self._index.uuid,
                caused_by={"type": "illegal_argument_exception", "reason": f"[{name}]: {error}"},
            ) from error


_ENDS: Mapping[str, Callable[[Any], Callable[[Any], bool]]] = {
    "gte": lambda end: lambda value: value >= end,
    "gt": lambda end: lambda value: value > end,
    "lte": lambda end: lambda value: value <= end,
    "lt": lambda end: lambda value: value < end,
}


def _within(value: Any, low: Any, high: Any) -> bool:
    return bool(low <= value <= high)


def _field(body: dict[str, Any], what: str) -> tuple[str, Any]:
    if len(body) != 1:
        raise Refused("parsing_exception", f"[{what}] query takes one field in this stand-in, not {sorted(body)}")
    [(name, value)] = body.items()
    return name, value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]

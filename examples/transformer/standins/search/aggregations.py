"""Aggregations: figures over what a query has found, and buckets of it."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformer.standins.search.fields import Boolean, FieldType, Keyword, Value
from transformer.standins.search.indices import Document
from transformer.standins.search.refusal import Refused, ShardRefused, as_object, illegal, only

MAX_DEPTH = 5
MAX_BUCKETS = 65_535
DEFAULT_BUCKETS = 10
METRICS = {"stats", "min", "max", "avg", "sum", "value_count"}

Fields = Mapping[str, FieldType]
Compute = Callable[[Sequence[Document]], dict[str, Any]]


@dataclass(frozen=True)
class Order:
    """How buckets are ordered: by ``_count``, by ``_key``, or by a figure of theirs."""

    by: str
    figure: str
    descending: bool


def read(body: object, fields: Fields, depth: int = 0) -> Mapping[str, Compute]:
    """Reads aggregations by name.

    Raises:
        Refused: The stand-in does not know a part of it, or the field's type cannot do it.
    """
    if depth > MAX_DEPTH:
        raise illegal(f"This stand-in takes aggregations {MAX_DEPTH} deep")
    return {name: _aggregation(name, one, fields, depth) for name, one in as_object(body, "[aggs]").items()}


def _aggregation(name: str, body: object, fields: Fields, depth: int) -> Compute:
    found = dict(as_object(body, f"aggregation [{name}]"))
    if "aggs" in found and "aggregations" in found:
        raise Refused("parsing_exception", f"[{name}] has both [aggs] and [aggregations]")
    below = found.pop("aggs", found.pop("aggregations", {}))
    if len(found) != 1:
        raise Refused("parsing_exception", f"aggregation [{name}] must hold one kind, not {sorted(found)}")
    [(kind, arguments)] = found.items()
    arguments = as_object(arguments, f"[{kind}]")
    if kind == "terms":
        return _terms(name, arguments, fields, read(below, fields, depth + 1))
    if kind not in METRICS:
        known = sorted([*METRICS, "terms"])
        raise Refused("parsing_exception", f"Unknown aggregation type [{kind}]: this stand-in knows {known}")
    if below:
        reason = f"Aggregator [{name}] of type [{kind}] cannot accept sub-aggregations"
        raise Refused("aggregation_initialization_exception", reason)
    only(arguments, {"field"}, f"[{kind}]")
    return _metric(kind, _name_of_field(arguments, kind), fields)


def _name_of_field(arguments: dict[str, Any], kind: str) -> str:
    name = arguments.get("field")
    if not isinstance(name, str) or name.startswith("_"):
        raise illegal(f"[{kind}] needs a [field] of the mapping, not [{name}]")
    return name


def _metric(kind: str, name: str, fields: Fields) -> Compute:
    of = fields.get(name)
    if kind == "value_count":
        return lambda documents: {"value": sum(len(document.fields.get(name, ())) for document in documents)}
    if isinstance(of, Keyword | Boolean):
        reason = f"Field [{name}] of type [{of.name}] is not supported for aggregation [{kind}]"
        if isinstance(of, Boolean):
            reason += " in this stand-in"
        raise ShardRefused("illegal_argument_exception", reason)

    def compute(documents: Sequence[Document]) -> dict[str, Any]:
        figures = _figures([float(value) for document in documents for value in document.fields.get(name, ())])
        if kind != "stats":
            return _with_text({"value": figures[kind]}, of)
        return _with_text(figures, of)

    return compute


def _figures(values: Sequence[float]) -> dict[str, Any]:
    total = math.fsum(values)
    if not values:
        return {"count": 0, "min": None, "max": None, "avg": None, "sum": 0.0}
    return {
        "count": len(values), "min": min(values), "max": max(values), "avg": total / len(values), "sum": total,
    }  # fmt: skip


def _with_text(figures: dict[str, Any], of: FieldType | None) -> dict[str, Any]:
    texts = {
        f"{name}_as_string": text
        for name, value in figures.items()
        if of is not None and name != "count" and value is not None and (text := of.text(value)) is not None
    }
    return figures | texts


def _terms(name: str, arguments: dict[str, Any], fields: Fields, below: Mapping[str, Compute]) -> Compute:
    only(arguments, {"field", "size", "order"}, "[terms]")
    field, size = _name_of_field(arguments, "terms"), arguments.get("size", DEFAULT_BUCKETS)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_BUCKETS:
        raise illegal(f"[size] must be a whole number from 1 to {MAX_BUCKETS}. Found [{size}] in [{name}]")
    orders = _orders(name, arguments.get("order", {"_count": "desc"}), below)
    of = fields.get(field)

    def compute(documents: Sequence[Document]) -> dict[str, Any]:
        groups: dict[Value, list[Document]] = defaultdict(list)
        for document in documents:
            for value in set(document.fields.get(field, ())):
                groups[value].append(document)
        buckets = [(key, group, {sub: figure(group) for sub, figure in below.items()}) for key, group in groups.items()]
        buckets.sort(key=lambda bucket: bucket[0])
        for order in reversed(orders):
            buckets.sort(key=lambda bucket, order=order: _rank(bucket, order))  # type: ignore[misc] # bound at once
        shown = [_bucket(key, group, figures, of) for key, group, figures in buckets[:size]]
        others = sum(len(group) for _, group, _ in buckets[size:])
        return {"doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": shown}

    return compute


def _orders(name: str, body: object, below: Mapping[str, Compute]) -> list[Order]:
    found = []
    for part in body if isinstance(body, list) else [body]:
        for by, direction in as_object(part, "[order]").items():
            first, _, figure = by.partition(".")
            if by not in {"_count", "_key"} and first not in below:
                raise illegal(f"Invalid aggregation order path [{by}] in [{name}]: no such aggregation")
            if direction not in {"asc", "desc"}:
                raise illegal(f"Unknown order direction [{direction}] in [{name}]: [asc] or [desc]")
            found.append(Order(first, figure or "value", descending=direction == "desc"))
    return found


Bucket = tuple[Any, list[Document], dict[str, dict[str, Any]]]


def _rank(bucket: Bucket, order: Order) -> Any:
    key, group, figures = bucket
    value: Any
    if order.by == "_count":
        value = len(group)
    elif order.by == "_key":
        return _Reversed(key) if order.descending else key
    else:
        figure = figures[order.by]
        if order.figure not in figure or isinstance(figure[order.figure], list):
            raise illegal(f"Invalid aggregation order path [{order.by}.{order.figure}]: no such figure")
        value = figure[order.figure]
    # A bucket without a figure comes last, whichever way.
    return (value is None, 0 if value is None else -value if order.descending else value)


class _Reversed:
    """A key that is ordered the other way round."""

    def __init__(self, key: Any) -> None:
        self._key = key

    def __lt__(self, other: "_Reversed") -> bool:
        return bool(other._key < self._key)


def _bucket(key: Value, group: list[Document], figures: dict[str, Any], of: FieldType | None) -> dict[str, Any]:
    text = of.text(key) if of is not None and not isinstance(key, str) else None
    return {"key": key} | ({} if text is None else {"key_as_string": text}) | {"doc_count": len(group)} | figures

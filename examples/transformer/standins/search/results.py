"""Searches: which of the documents found are shown, in which order, and how much of each."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformer.standins.search import aggregations, query
from transformer.standins.search.fields import FieldType, Value
from transformer.standins.search.indices import Document, Index
from transformer.standins.search.refusal import Refused, ShardRefused, as_object, illegal, only

MAX_WINDOW = 10_000
"""How deep a search can page, and how far it counts hits unless it is told to count all."""
DEFAULT_SIZE = 10
KNOWN = {"query", "sort", "from", "size", "_source", "aggs", "aggregations", "track_total_hits"}


@dataclass(frozen=True)
class Sort:
    """One field that hits are ordered by; ``_doc`` is the order in which they were written."""

    field: str
    descending: bool


@dataclass(frozen=True)
class Hit:
    """A document that was found, and where."""

    index: Index
    document: Document


def search(indices: Sequence[Index], body: dict[str, Any]) -> dict[str, Any]:
    """Searches indices: the answer but for the time it took.

    Raises:
        Refused: The stand-in does not know a part of the request, or the indices' fields cannot do it.
    """
    only(body, KNOWN, "[search]")
    start, size = _window(body)
    sorts = _sorts(body.get("sort", []))
    includes, excludes = _source_filter(body.get("_source", True))
    fields = _fields(indices)
    figures = aggregations.read(body.get("aggs", body.get("aggregations", {})), fields)
    hits, graded = find(indices, body.get("query", {"match_all": {}}))
    if graded and not sorts and size:
        reason = "This stand-in computes no relevance: [bool] with [should] needs a [sort], or [size] 0"
        raise illegal(reason)
    for sort in reversed(sorts):
        _order(hits, sort, indices)
    shown = []
    for hit in hits[start : start + size]:
        found: dict[str, Any] = {"_index": hit.index.name, "_id": hit.document.document_id, "_score": None}
        if includes is not None:
            found["_source"] = _filtered(hit.document.source, includes, excludes)
        if sorts:
            found["sort"] = [_key(hit, sort) for sort in sorts]
        shown.append(found)
    answer = {"hits": _total(len(hits), body.get("track_total_hits")) | {"max_score": None, "hits": shown}}
    if figures:
        documents = [hit.document for hit in hits]
        answer["aggregations"] = {name: compute(documents) for name, compute in figures.items()}
    return answer


def find(indices: Sequence[Index], body: object) -> tuple[list[Hit], bool]:
    """What a query finds, in the order in which it was written, and whether that differs in relevance.

    Raises:
        Refused: The stand-in does not know a part of the query, or an index's fields cannot do it.
    """
    hits, graded = list[Hit](), False
    for index in indices:
        asked = query.read(body, index)
        graded = graded or asked.graded
        hits += [Hit(index, document) for document in index.searchable() if asked.matches(document)]
    return hits, graded


def _fields(indices: Sequence[Index]) -> Mapping[str, FieldType]:
    found: dict[str, FieldType] = {}
    for index in indices:
        for name, kind in index.mapping.fields.items():
            if found.setdefault(name, kind) != kind:
                raise illegal(f"[{name}] has different types in the indices: ask them one by one in this stand-in")
    return found


def _window(body: dict[str, Any]) -> tuple[int, int]:
    start, size = body.get("from", 0), body.get("size", DEFAULT_SIZE)
    for name, value in (("from", start), ("size", size)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise illegal(f"[{name}] parameter cannot be negative or no whole number, found [{value}]")
    if start + size > MAX_WINDOW:
        reason = f"Result window is too large, from + size must be less than or equal to: [{MAX_WINDOW}]"
        raise ShardRefused("illegal_argument_exception", f"{reason} but was [{start + size}].")
    return start, size


def _total(count: int, tracked: object) -> dict[str, Any]:
    if tracked is False:
        return {}
    limit = count if tracked is True else MAX_WINDOW if tracked is None else tracked
    if not isinstance(limit, int) or limit < 0:
        raise illegal(f"[track_total_hits] parameter must be a boolean or positive, found [{tracked}]")
    return {"total": {"value": min(count, limit), "relation": "eq" if count <= limit else "gte"}}


def _sorts(body: object) -> list[Sort]:
    found = []
    for part in body if isinstance(body, list) else [body]:
        for name, order in ({part: "asc"} if isinstance(part, str) else as_object(part, "[sort]")).items():
            if isinstance(order, dict):
                only(order, {"order"}, f"[sort] by [{name}]")
                order = order.get("order", "asc")  # noqa: PLW2901 - both forms mean the same
            if order not in {"asc", "desc"}:
                raise illegal(f"Unknown sort order [{order}] of [{name}]: [asc] or [desc]")
            if name.startswith("_") and name != "_doc":
                raise illegal(f"This stand-in cannot sort on [{name}]: name a field of the mapping, or [_doc]")
            found.append(Sort(name, descending=order == "desc"))
    return found


def _order(hits: list[Hit], sort: Sort, indices: Sequence[Index]) -> None:
    if sort.field == "_doc":
        if sort.descending:
            hits.sort(key=lambda hit: -hit.document.seq_no)
        else:
            hits.sort(key=lambda hit: hit.document.seq_no)
        return
    for index in indices:
        if sort.field not in index.mapping.fields:
            reason = f"No mapping found for [{sort.field}] in order to sort on"
            raise ShardRefused("query_shard_exception", reason, index=index.name, index_uuid=index.uuid)

    def without(hit: Hit) -> bool:
        return not hit.document.fields.get(sort.field)

    having = [hit for hit in hits if not without(hit)]
    having.sort(key=lambda hit: _chosen(hit, sort), reverse=sort.descending)
    hits[:] = [*having, *(hit for hit in hits if without(hit))]


def _chosen(hit: Hit, sort: Sort) -> Any:
    """Of several values the smallest counts upwards, the largest downwards."""
    values = hit.document.fields[sort.field]
    return max(values) if sort.descending else min(values)


def _key(hit: Hit, sort: Sort) -> Value | None:
    if sort.field == "_doc":
        return hit.document.seq_no
    kind = hit.index.mapping.fields[sort.field]
    if not hit.document.fields.get(sort.field):
        return kind.missing[sort.descending]
    return kind.sort_key(_chosen(hit, sort))


def _source_filter(asked: object) -> tuple[list[str] | None, list[str]]:
    """Patterns of what is shown and of what is not; None for no source at all."""
    if isinstance(asked, bool):
        return ([] if asked else None), []
    if isinstance(asked, dict):
        only(asked, {"includes", "excludes"}, "[_source]")
        return _patterns(asked.get("includes", [])), _patterns(asked.get("excludes", []))
    return _patterns(asked), []


def _patterns(asked: object) -> list[str]:
    found = []
    for one in asked if isinstance(asked, list) else [asked]:
        if not isinstance(one, str):
            raise Refused("parsing_exception", f"[_source] takes names of fields, not [{one}]")
        found.append(one.replace("[", "[[]").replace("?", "[?]"))
    return found


def _filtered(source: Mapping[str, Any], includes: list[str], excludes: list[str]) -> dict[str, Any]:
    def any_of(name: str, patterns: list[str]) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

    return {
        name: value
        for name, value in source.items()
        if (not includes or any_of(name, includes)) and not any_of(name, excludes)
    }

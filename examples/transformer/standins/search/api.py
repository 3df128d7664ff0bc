"""The REST calls of the stand-in for OpenSearch. Everything else is refused, by the name of what is not known."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from transformer.standins.search import bulk, results
from transformer.standins.search.indices import Index, Indices, Settings
from transformer.standins.search.mapping import Mapping as FieldMapping
from transformer.standins.search.refusal import Refused, as_object, illegal, only, read_object
from transformer.standins.web import Reply, Request

NUMBER = "2.19.0"
"""The version whose protocol this follows."""
# They change how long a server waits, or how its answer is printed: here there is nothing to wait for.
_HARMLESS = {
    "pretty", "human", "error_trace", "timeout", "master_timeout", "cluster_manager_timeout", "wait_for_active_shards",
}  # fmt: skip
_CONTENT_TYPES = {"", "application/json", "application/x-ndjson"}


@dataclass(frozen=True)
class _Route:
    """One call: its methods, its path with places for names, its parameters, and what answers."""

    methods: tuple[str, ...]
    path: tuple[str, ...]
    parameters: frozenset[str]
    answer: Callable[[Request, dict[str, str]], Reply]

    def names(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The names in a path that is this one's; None when it is another's."""
        if len(segments) != len(self.path):
            return None
        found = {}
        for part, segment in zip(self.path, segments, strict=True):
            if part.startswith("{"):
                if segment.startswith("_") and segment != "_all" and part == "{index}":
                    return None
                found[part.strip("{}")] = segment
            elif part != segment:
                return None
        return found


class Search:
    """A server without any documents yet.

    Args:
        clock: Seconds, for the refresh that comes by itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._indices = Indices(clock)
        self._lock = threading.Lock()
        many = "ignore_unavailable"
        paging = {"from", "size", "_source", "_source_includes", "_source_excludes", "track_total_hits", many}
        self._routes = (
            _route("GET HEAD", "", set(), self._info),
            _route("POST PUT", "_bulk", {"refresh"}, self._bulk),
            _route("POST PUT", "{index}/_bulk", {"refresh"}, self._bulk),
            _route("GET POST", "_search", paging, self._search),
            _route("GET POST", "{index}/_search", paging, self._search),
            _route("GET POST", "_count", {many}, self._count),
            _route("GET POST", "{index}/_count", {many}, self._count),
            _route("GET POST", "_refresh", {many}, self._refresh),
            _route("GET POST", "{index}/_refresh", {many}, self._refresh),
            _route("GET", "_mapping", {many}, self._get_mapping),
            _route("GET", "{index}/_mapping", {many}, self._get_mapping),
            _route("GET", "_cat/indices", {"format"}, self._cat),
            _route("GET", "_cat/indices/{index}", {"format"}, self._cat),
            _route("PUT POST", "{index}/_doc/{id}", {"refresh", "op_type"}, self._put),
            _route("POST", "{index}/_doc", {"refresh", "op_type"}, self._put),
            _route("PUT POST", "{index}/_create/{id}", {"refresh"}, self._create_document),
            _route("GET HEAD", "{index}/_doc/{id}", set(), self._get),
            _route("DELETE", "{index}/_doc/{id}", {"refresh"}, self._delete),
            _route("PUT", "{index}", set(), self._create_index),
            _route("HEAD", "{index}", {many}, self._exists),
            _route("DELETE", "{index}", {many}, self._delete_index),
        )

    def __call__(self, request: Request) -> Reply:
        """Answers one request; one at a time."""
        try:
            route, names = self._route(request)
            _check(request, route)
            with self._lock:
                return route.answer(request, names)
        except Refused as refused:
            return refused.reply

    def _route(self, request: Request) -> tuple[_Route, dict[str, str]]:
        fitting = [(route, names) for route in self._routes if (names := route.names(request.segments)) is not None]
        for route, names in fitting:
            if request.method in route.methods:
                return route, names
        what = f"uri [{request.path}] and method [{request.method}]"
        if not fitting:
            raise illegal(f"no handler found for {what} in this stand-in")
        allowed = sorted({method for route, _ in fitting for method in route.methods})
        reason = f"Incorrect HTTP method for {what}, allowed in this stand-in: {allowed}"
        raise Refused("method_not_allowed", reason, HTTPStatus.METHOD_NOT_ALLOWED)

    def _info(self, _request: Request, _names: dict[str, str]) -> Reply:
        version = {"distribution": "opensearch", "number": NUMBER, "build_type": "stand-in"}
        tagline = "A stand-in for OpenSearch: a part of its protocol, in memory, for this machine only"
        return Reply({"name": "stand-in", "cluster_name": "stand-in", "version": version, "tagline": tagline})

    def _bulk(self, request: Request, names: dict[str, str]) -> Reply:
        begun, refresh = time.monotonic(), _refreshes(request)
        done = [bulk.perform(item, self._indices) for item in bulk.items(request.body, names.get("index"))]
        if refresh:
            for index in {index.name: index for _, index in done if index}.values():
                index.refresh()
        answers = [answer for answer, _ in done]
        errors = any("error" in outcome for answer in answers for outcome in answer.values())
        return Reply({"took": _took(begun), "errors": errors, "items": answers})

    def _search(self, request: Request, names: dict[str, str]) -> Reply:
        begun = time.monotonic()
        indices = self._many(request, names)
        body = read_object(request.body, "The search") | _of_search(request.parameters)
        found = results.search(indices, body)
        return Reply({"took": _took(begun), "timed_out": False, "_shards": _shards(indices, skipped=0)} | found)

    def _count(self, request: Request, names: dict[str, str]) -> Reply:
        indices, body = self._many(request, names), read_object(request.body, "The count")
        only(body, {"query"}, "[count]")
        hits, _ = results.find(indices, body.get("query", {"match_all": {}}))
        return Reply({"count": len(hits), "_shards": _shards(indices, skipped=0)})

    def _refresh(self, request: Request, names: dict[str, str]) -> Reply:
        indices = self._many(request, names)
        for index in indices:
            index.refresh()
        return Reply({"_shards": _shards(indices)})

    def _get_mapping(self, request: Request, names: dict[str, str]) -> Reply:
        return Reply({index.name: {"mappings": index.mapping.definition} for index in self._many(request, names)})

    def _cat(self, request: Request, names: dict[str, str]) -> Reply:
        if request.parameters.get("format") != "json":
            raise illegal("This stand-in writes no tables: ask [_cat/indices] for [format=json]")
        return Reply([_line(index) for index in self._many(request, names)])

    def _put(self, request: Request, names: dict[str, str]) -> Reply:
        kind = request.parameters.get("op_type", "index" if "id" in names else "create")
        if kind not in {"index", "create"}:
            raise illegal(f"opType must be 'create' or 'index', found: [{kind}]")
        return self._write(bulk.Item(kind, names["index"], names.get("id"), request.body), request)

    def _create_document(self, request: Request, names: dict[str, str]) -> Reply:
        return self._write(bulk.Item("create", names["index"], names["id"], request.body), request)

    def _delete(self, request: Request, names: dict[str, str]) -> Reply:
        return self._write(bulk.Item("delete", names["index"], names["id"], b""), request)

    def _write(self, item: bulk.Item, request: Request) -> Reply:
        refresh = _refreshes(request)
        index, written = bulk.write(item, self._indices)
        if refresh:
            index.refresh()
        return Reply(bulk.outcome(index, written), bulk.STATUS[written.result])

    def _get(self, _request: Request, names: dict[str, str]) -> Reply:
        index, document_id = self._indices.one(names["index"]), names["id"]
        found: dict[str, Any] = {"_index": index.name, "_id": document_id}
        if (document := index.get(document_id)) is None:
            return Reply(found | {"found": False}, HTTPStatus.NOT_FOUND)
        found |= {"_version": document.version, "_seq_no": document.seq_no, "_primary_term": 1}
        return Reply(found | {"found": True, "_source": document.source})

    def _create_index(self, request: Request, names: dict[str, str]) -> Reply:
        body = read_object(request.body, "The index")
        only(body, {"mappings", "settings"}, "[create index]")
        mapping = FieldMapping.read(as_object(body.get("mappings", {}), "[mappings]"))
        settings = Settings.read(as_object(body.get("settings", {}), "[settings]"))
        index = self._indices.create(names["index"], mapping, settings)
        return Reply({"acknowledged": True, "shards_acknowledged": True, "index": index.name})

    def _exists(self, request: Request, names: dict[str, str]) -> Reply:
        return Reply({}, HTTPStatus.OK if self._many(request, names) else HTTPStatus.NOT_FOUND)

    def _delete_index(self, request: Request, names: dict[str, str]) -> Reply:
        for index in self._many(request, names):
            self._indices.delete(index)
        return Reply({"acknowledged": True})

    def _many(self, request: Request, names: dict[str, str]) -> list[Index]:
        missing_is_fine = _flag(request, "ignore_unavailable")
        return self._indices.named(names.get("index", "_all"), missing_is_fine=missing_is_fine)


def _check(request: Request, route: _Route) -> None:
    if unknown := sorted(request.parameters.keys() - route.parameters - _HARMLESS):
        raise illegal(f"request [{request.path}] contains unrecognized parameter: [{unknown[0]}]")
    if request.body and request.content_type not in _CONTENT_TYPES:
        reason = f"Content-Type header [{request.content_type}] is not supported"
        raise Refused("media_type_header_exception", reason, HTTPStatus.NOT_ACCEPTABLE)


def _route(methods: str, path: str, parameters: set[str], answer: Callable[[Request, dict[str, str]], Reply]) -> _Route:
    return _Route(
        tuple(methods.split()), tuple(part for part in path.split("/") if part), frozenset(parameters), answer
    )


def _flag(request: Request, name: str) -> bool:
    value = request.parameters.get(name, "false")
    if value not in {"true", "false", ""}:
        raise illegal(f"Failed to parse value [{value}] of [{name}] as only [true] or [false] are allowed.")
    return value != "false"


def _refreshes(request: Request) -> bool:
    value = request.parameters.get("refresh", "false")
    if value not in {"true", "false", "wait_for", ""}:
        raise illegal(f"Unknown value for refresh: [{value}].")
    return value != "false"


def _of_search(parameters: Mapping[str, str]) -> dict[str, Any]:
    """What a search says in its query string, in the form of its body."""
    found: dict[str, Any] = {}
    for name in ("from", "size"):
        if name in parameters:
            if not parameters[name].isdecimal():
                raise illegal(f"Failed to parse int parameter [{name}] with value [{parameters[name]}]")
            found[name] = int(parameters[name])
    if "track_total_hits" in parameters:
        value = parameters["track_total_hits"]
        if not value.isdecimal() and value not in _FLAGS:
            raise illegal(f"Failed to parse value [{value}] of [track_total_hits]")
        found["track_total_hits"] = int(value) if value.isdecimal() else _FLAGS[value]
    source = parameters.get("_source")
    if source is not None:
        found["_source"] = _FLAGS.get(source, source.split(","))
    lists = {name: parameters[f"_source_{name}"].split(",") for name in _LISTS if f"_source_{name}" in parameters}
    if lists and source is not None:
        raise illegal("Give [_source], or [_source_includes] and [_source_excludes], to this stand-in")
    return found | ({"_source": lists} if lists else {})


_LISTS = ("includes", "excludes")
_FLAGS: Mapping[str, bool] = {"true": True, "false": False}


def _shards(indices: list[Index], **more: int) -> dict[str, int]:
    total = sum(index.settings.shards for index in indices)
    return {"total": total, "successful": total, **more, "failed": 0}


def _line(index: Index) -> dict[str, str]:
    return {
        "health": "green", "status": "open", "index": index.name, "uuid": index.uuid,
        "pri": str(index.settings.shards), "rep": str(index.settings.replicas),
        "docs.count": str(len(list(index.searchable()))),
    }  # fmt: skip


def _took(begun: float) -> int:
    """Milliseconds."""
    return int((time.monotonic() - begun) * 1000)

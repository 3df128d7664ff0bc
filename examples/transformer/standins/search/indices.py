"""The indices and their documents, in memory, with OpenSearch's rule that a search sees what was refreshed."""

import fnmatch
import math
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from transformer.standins.search.mapping import Fields, Mapping
from transformer.standins.search.refusal import Refused, as_object, illegal, no_such_index, only

REFRESH_SECONDS = 1.0
"""OpenSearch's default."""
MAX_SHARDS = 1024
MAX_ID_BYTES = 512
MAX_NAME_BYTES = 255
_INTERVAL = re.compile(r"-1|(?P<number>\d{1,6})(?P<unit>ms|s)")
_NOT_IN_A_NAME = set('\\/*?"<>| ,#:')


@dataclass(frozen=True)
class Document:
    """A document as it was last written."""

    document_id: str
    source: dict[str, Any]
    fields: Fields
    version: int
    seq_no: int


@dataclass(frozen=True)
class Written:
    """What became of a write: ``created``, ``updated``, ``deleted`` or ``not_found``."""

    result: str
    document_id: str
    version: int
    seq_no: int


@dataclass(frozen=True)
class Settings:
    """What an index is told beside its mapping.

    Attributes:
        shards: How many it claims to have.
        replicas: How many of each.
        refresh_seconds: After so long a search sees a document without having been told to.
    """

    shards: int = 1
    replicas: int = 1
    refresh_seconds: float = REFRESH_SECONDS

    @classmethod
    def read(cls, body: dict[str, Any]) -> "Settings":
        """Reads ``settings``, in any of the forms in which they can be written.

        Raises:
            Refused: There is one that the stand-in does not know, or a value is none.
        """
        given = dict(body)
        given |= as_object(given.pop("index", {}), "[settings.index]")
        given = {name.removeprefix("index."): value for name, value in given.items()}
        only(given, {"number_of_shards", "number_of_replicas", "refresh_interval"}, "[settings]")
        for name, least in (("number_of_shards", 1), ("number_of_replicas", 0)):
            value = str(given.get(name, 1))
            if not value.isdecimal() or not least <= int(value) <= MAX_SHARDS:
                raise illegal(f"Failed to parse value [{value}] for setting [index.{name}]")
        interval = str(given.get("refresh_interval", "1s"))
        if not (found := _INTERVAL.fullmatch(interval)):
            raise illegal(f"Failed to parse value [{interval}] for setting [index.refresh_interval]: in [s] or [ms]")
        seconds = math.inf if interval == "-1" else int(found["number"]) / (1000 if found["unit"] == "ms" else 1)
        return cls(int(given.get("number_of_shards", 1)), int(given.get("number_of_replicas", 1)), seconds)


@dataclass
class Index:
    """One index."""

    name: str
    mapping: Mapping
    settings: Settings
    clock: Callable[[], float] = time.monotonic
    uuid: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    _documents: dict[str, Document] = field(default_factory=dict)
    _versions: dict[str, int] = field(default_factory=dict)
    _searchable: dict[str, Document] = field(default_factory=dict)
    _pending: dict[str, Document | None] = field(default_factory=dict)
    _refreshed: float = 0.0
    _writes: int = 0

    def put(self, document_id: str | None, source: dict[str, Any], *, create: bool) -> Written:
        """Writes a document whole; without an id it gets one.

        Raises:
            Refused: It does not fit the mapping, or ``create`` finds one there.
        """
        if document_id is None:
            document_id = secrets.token_urlsafe(15)
        _check_id(document_id)
        there = self._documents.get(document_id)
        if create and there:
            reason = f"[{document_id}]: version conflict, document already exists (current version [{there.version}])"
            raise self._error("version_conflict_engine_exception", reason, 409)
        fields = self.mapping.values(document_id, source)
        document = Document(document_id, source, fields, *self._next(document_id))
        self._documents[document_id] = self._pending[document_id] = document
        return Written("updated" if there else "created", document_id, document.version, document.seq_no)

    def delete(self, document_id: str) -> Written:
        """Removes a document."""
        there = self._documents.pop(document_id, None)
        version, seq_no = self._next(document_id)
        if there is None:
            # OpenSearch forgets the number of one that never was, in time; here, at once.
            del self._versions[document_id]
            return Written("not_found", document_id, version, seq_no)
        self._pending[document_id] = None
        return Written("deleted", document_id, version, seq_no)

    def get(self, document_id: str) -> Document | None:
        """A document as it was last written, refreshed or not."""
        return self._documents.get(document_id)

    def refresh(self) -> None:
        """Lets searches see what was written until now."""
        for document_id, document in self._pending.items():
            # What is written anew goes to the end, as it does in Lucene.
            self._searchable.pop(document_id, None)
            if document:
                self._searchable[document_id] = document
        self._pending.clear()
        self._refreshed = self.clock()

    def searchable(self) -> Iterable[Document]:
        """What a search sees, in the order in which it was written."""
        if self._pending and self.clock() - self._refreshed >= self.settings.refresh_seconds:
            self.refresh()
        return self._searchable.values()

    def _next(self, document_id: str) -> tuple[int, int]:
        version = self._versions[document_id] = self._versions.get(document_id, 0) + 1
        self._writes += 1
        return version, self._writes - 1

    def _error(self, kind: str, reason: str, status: int) -> Refused:
        return Refused(kind, reason, status, index=self.name, shard="0", index_uuid=self.uuid)


class Indices:
    """All indices, by name.

    Args:
        clock: Seconds, for the refresh that comes by itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all: dict[str, Index] = {}

    def create(self, name: str, mapping: Mapping, settings: Settings) -> Index:
        """Makes an index.

        Raises:
            Refused: The name cannot be one, or is taken.
        """
        _check_name(name)
        if there := self._all.get(name):
            reason = f"index [{name}/{there.uuid}] already exists"
            raise Refused("resource_already_exists_exception", reason, index=name, index_uuid=there.uuid)
        self._all[name] = Index(name, mapping, settings, self._clock)
        return self._all[name]

    def delete(self, index: Index) -> None:
        """Removes an index and its documents."""
        del self._all[index.name]

    def one(self, name: str) -> Index:
        """The index of that name.

        Raises:
            Refused: There is none.
        """
        if name not in self._all:
            raise no_such_index(name)
        return self._all[name]

    def named(self, expression: str, *, missing_is_fine: bool = False) -> list[Index]:
        """The indices of names with commas and stars; a name with a star may stand for none.

        Raises:
            Refused: A name without a star is that of no index.
        """
        found: dict[str, Index] = {}
        for part in expression.split(","):
            if part.startswith("-"):
                raise illegal(f"This stand-in does not know how to leave out an index: [{part}]")
            if "*" in part or part == "_all":
                pattern = "*" if part == "_all" else part.replace("[", "[[]").replace("?", "[?]")
                found |= {name: self._all[name] for name in sorted(self._all) if fnmatch.fnmatchcase(name, pattern)}
            elif part in self._all or not missing_is_fine:
                found[part] = self.one(part)
        return list(found.values())


def _check_id(document_id: str) -> None:
    size = len(document_id.encode("utf-8", "surrogatepass"))
    if size > MAX_ID_BYTES:
        reason = f"id is too long, must be no longer than {MAX_ID_BYTES} bytes but was: {size}"
        raise Refused("action_request_validation_exception", f"Validation Failed: 1: {reason};")
    if not document_id:
        raise illegal("if _id is specified it must not be empty")


def _check_name(name: str) -> None:
    reason = ""
    if name in {".", ".."}:
        reason = "must not be '.' or '..'"
    elif name[:1] in {"_", "-", "+", ""}:
        reason = "must not start with '_', '-', or '+'"
    elif name != name.lower():
        reason = "must be lowercase"
    elif bad := sorted(_NOT_IN_A_NAME & set(name)):
        reason = f"must not contain the following characters {bad}"
    elif len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        reason = f"index name is too long, ({len(name.encode())} > {MAX_NAME_BYTES})"
    if reason:
        raise Refused("invalid_index_name_exception", f"Invalid index name [{name}], {reason}", index=name)

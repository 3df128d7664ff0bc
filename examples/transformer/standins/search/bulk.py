"""Bulk requests: lines of actions and documents, each done or refused for itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from transformer.standins.search.indices import Index, Indices, Written
from transformer.standins.search.refusal import Refused, illegal, read_json

MAX_ITEMS = 100_000
ACTIONS = {"index", "create", "delete"}
STATUS: Mapping[str, HTTPStatus] = {
    "created": HTTPStatus.CREATED,
    "updated": HTTPStatus.OK,
    "deleted": HTTPStatus.OK,
    "not_found": HTTPStatus.NOT_FOUND,
}


@dataclass(frozen=True)
class Item:
    """One action of a bulk request."""

    action: str
    index: str
    document_id: str | None
    source: bytes


def items(body: bytes, default_index: str | None) -> list[Item]:
    """Reads a whole bulk request, before anything of it is done.

    Raises:
        Refused: Its lines are no bulk request, or it has an action or a parameter that the stand-in does not know.
    """
    if not body.strip():
        raise _invalid("no requests added")
    if not body.endswith(b"\n"):
        raise illegal("The bulk request must be terminated by a newline [\\n]")
    found = list(_read(body, default_index))
    if not found:
        raise _invalid("no requests added")
    if len(found) > MAX_ITEMS:
        raise illegal(f"This stand-in takes {MAX_ITEMS} items in one bulk request, not {len(found)}")
    return found


def perform(item: Item, indices: Indices) -> tuple[dict[str, Any], Index | None]:
    """Does what one item says: what the answer says of it, and the index that it has changed."""
    try:
        index, written = write(item, indices)
    except Refused as error:
        refused = {"_index": item.index, "_id": item.document_id, "status": error.status, "error": error.error}
        return {item.action: refused}, None
    return {item.action: outcome(index, written) | {"status": int(STATUS[written.result])}}, index


def write(item: Item, indices: Indices) -> tuple[Index, Written]:
    """Does what one item says.

    Raises:
        Refused: It is not done: there is no such index, or the document does not fit it.
    """
    try:
        index = indices.one(item.index)
    except Refused as error:
        if item.action == "delete":
            raise
        # As a server answers that must not make indices by itself: the types would be its guess.
        reason = f"{error.reason} and [action.auto_create_index] is [false]"
        raise Refused(error.kind, reason, error.status, **error.details) from error
    if item.action != "delete":
        return index, index.put(item.document_id, read_source(item.source), create=item.action == "create")
    if item.document_id is None:
        raise illegal("id is missing")
    return index, index.delete(item.document_id)


def outcome(index: Index, written: Written) -> dict[str, Any]:
    """What the answer says of a write."""
    return {
        "_index": index.name,
        "_id": written.document_id,
        "_version": written.version,
        "result": written.result,
        "_shards": {"total": index.settings.replicas + 1, "successful": 1, "failed": 0},
        "_seq_no": written.seq_no,
        "_primary_term": 1,
    }


def read_source(text: bytes) -> dict[str, Any]:
    """Reads a document.

    Raises:
        Refused: It is not a JSON object.
    """
    try:
        source = read_json(text, "The document")
    except Refused as error:
        raise Refused("mapper_parsing_exception", "failed to parse", caused_by=error.error) from error
    if not isinstance(source, dict):
        reason = "Malformed content, must start with an object"
        raise Refused("mapper_parsing_exception", "failed to parse", caused_by={"type": "parse", "reason": reason})
    return source


def _read(body: bytes, default_index: str | None) -> Iterator[Item]:
    lines = enumerate(body.removesuffix(b"\n").split(b"\n"), 1)
    for number, line in lines:
        if not line.strip():
            raise illegal(f"Malformed action/metadata line [{number}], expected START_OBJECT but found an empty line")
        action, meta = _action(read_json(line, f"Action/metadata line [{number}]"), number)
        index = meta.get("_index", default_index)
        if index is None:
            raise _invalid("index is missing")
        if action == "delete":
            source = b""
        elif (following := next(lines, None)) is None:
            raise illegal("The bulk request must hold a document after each action that writes one")
        else:
            source = following[1]
        yield Item(action, index, meta.get("_id"), source)


def _action(found: object, number: int) -> tuple[str, dict[str, str]]:
    if not isinstance(found, dict) or len(found) != 1:
        raise illegal(f"Malformed action/metadata line [{number}], expected an object with one action")
    [(action, meta)] = found.items()
    if action not in ACTIONS:
        known = ", ".join(f"[{name}]" for name in sorted(ACTIONS))
        raise illegal(f"Action/metadata line [{number}] has [{action}]: this stand-in knows {known}")
    if not isinstance(meta, dict):
        raise illegal(f"Malformed action/metadata line [{number}], expected an object in [{action}]")
    for name, value in meta.items():
        if name not in {"_index", "_id"}:
            raise illegal(
                f"Action/metadata line [{number}] contains a parameter that this stand-in does not know: [{name}]"
            )
        if not isinstance(value, str):
            # OpenSearch would take a number's text.
            raise illegal(f"Action/metadata line [{number}]: [{name}] must be a string in this stand-in")
    return action, meta


def _invalid(reason: str) -> Refused:
    return Refused("action_request_validation_exception", f"Validation Failed: 1: {reason};")

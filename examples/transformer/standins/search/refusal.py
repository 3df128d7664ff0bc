"""How OpenSearch says no: a status, the name of an exception, a reason that names the thing, and where it came from."""

import json
from http import HTTPStatus
from typing import Any

from transformer.standins.web import Reply


class Refused(Exception):
    """A request, or one item of a bulk request, that is refused.

    Args:
        kind: The name of OpenSearch's exception, such as ``mapper_parsing_exception``.
        reason: What is wrong, with names.
        status: The status of HTTP.
        details: What else the error holds.
    """

    def __init__(self, kind: str, reason: str, status: int = HTTPStatus.BAD_REQUEST, **details: Any) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.status = int(status)
        self.details = details

    @property
    def error(self) -> dict[str, Any]:
        """The error as an item of a bulk answer holds it."""
        return {"type": self.kind, "reason": self.reason, **self.details}

    @property
    def reply(self) -> Reply:
        """The error as the answer to a whole request."""
        cause = {key: value for key, value in self.error.items() if key != "caused_by"}
        return Reply({"error": {"root_cause": [cause], **self.error}, "status": self.status}, self.status)


class ShardRefused(Refused):
    """A search that can be read but not be done by the index, because of what its fields are."""

    @property
    def reply(self) -> Reply:
        """The error, wrapped as the one that every shard gave."""
        failed = {"shard": 0, "index": self.details.get("index"), "node": "stand-in", "reason": self.error}
        error = {
            "root_cause": [self.error],
            "type": "search_phase_execution_exception",
            "reason": "all shards failed",
            "phase": "query",
            "grouped": True,
            "failed_shards": [failed],
        }
        return Reply({"error": error, "status": self.status}, self.status)


def illegal(reason: str) -> Refused:
    """An argument that is not accepted."""
    return Refused("illegal_argument_exception", reason)


def no_such_index(name: str) -> Refused:
    """An index that is named and not there."""
    details = {"index": name, "resource.id": name, "resource.type": "index_or_alias", "index_uuid": "_na_"}
    return Refused("index_not_found_exception", f"no such index [{name}]", HTTPStatus.NOT_FOUND, **details)


def read_json(text: bytes, what: str) -> Any:
    """Reads JSON as strictly as OpenSearch: no key twice, no NaN.

    Raises:
        Refused: It is not JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused("json_parse_exception", f"{what} is not JSON: {error}") from error


def read_object(text: bytes, what: str) -> dict[str, Any]:
    """Reads a JSON object; nothing at all is an empty one.

    Raises:
        Refused: It is not a JSON object.
    """
    return as_object(read_json(text, what), what) if text.strip() else {}


def as_object(value: object, what: str) -> dict[str, Any]:
    """The value, which must be a JSON object.

    Raises:
        Refused: It is none.
    """
    if not isinstance(value, dict):
        raise Refused("parsing_exception", f"{what} must be an object, not {json.dumps(value)}")
    return value


def only(found: dict[str, Any], known: set[str], what: str) -> None:
    """Refuses keys that the stand-in does not know, rather than to answer as if they were not there.

    Raises:
        Refused: There are some; the first is named.
    """
    for key in sorted(found.keys() - known):
        raise Refused("parsing_exception", f"{what} does not support [{key}] in this stand-in")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"Duplicate field '{next(name for name in names if names.count(name) > 1)}'")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"Non-standard token '{name}'")

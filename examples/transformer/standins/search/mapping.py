"""The mapping of an index: which fields there are, and what a document has in them."""

import json
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from typing import Any

from transformer.standins.search.fields import FieldType, Value, field_type
from transformer.standins.search.refusal import Refused, as_object

Fields = AnyMapping[str, tuple[Value, ...]]
"""The values of a document by its fields; a field has several when the document holds a list."""

MAX_PREVIEW = 100
_OF_THE_SERVER = {"_id", "_index", "_source", "_routing", "_seq_no", "_primary_term", "_version", "_field_names"}
_DYNAMIC = {"true", "false", "strict"}


@dataclass(frozen=True)
class Mapping:
    """What ``mappings`` said when the index was created.

    Attributes:
        definition: As it was said.
        fields: The type of each field.
        dynamic: What becomes of a field that has no type: ``strict`` refuses the document, ``false`` keeps the value
            but cannot search it, ``true``, the default, would have OpenSearch choose a type: this stand-in does not.
    """

    definition: AnyMapping[str, Any]
    fields: AnyMapping[str, FieldType]
    dynamic: str

    @classmethod
    def read(cls, definition: dict[str, Any]) -> "Mapping":
        """Reads ``mappings``.

        Raises:
            Refused: It has a type or an option that the stand-in does not know.
        """
        if unknown := sorted(definition.keys() - {"properties", "dynamic"}):
            raise _unusable(f"Root mapping definition has parameters that this stand-in does not know: {unknown}")
        dynamic = str(definition.get("dynamic", "true")).lower()
        if dynamic not in _DYNAMIC:
            raise _unusable(f"[dynamic] is [{dynamic}]: this stand-in knows {sorted(_DYNAMIC)}")
        fields = {}
        for name, of_field in as_object(definition.get("properties", {}), "[properties]").items():
            if not name or "." in name or name in _OF_THE_SERVER:
                raise _unusable(f"[{name}] cannot be the name of a field in this stand-in")
            try:
                fields[name] = field_type(name, as_object(of_field, f"[{name}]"))
            except ValueError as error:
                raise _unusable(str(error)) from error
        shown = definition | ({"dynamic": dynamic} if "dynamic" in definition else {})
        return cls(shown, fields, dynamic)

    def values(self, document_id: str, source: AnyMapping[str, Any]) -> Fields:
        """What a document has in each of its fields.

        Raises:
            Refused: A value does not fit its field's type, or there is no such field.
        """
        found = {}
        for name, value in source.items():
            if name in _OF_THE_SERVER:
                raise Refused(
                    "mapper_parsing_exception",
                    f"Field [{name}] is a metadata field and cannot be added inside a document. "
                    "Use the index API request parameters.",
                )
            if kind := self.fields.get(name):
                found[name] = _read(kind, name, document_id, value)
            elif self.dynamic != "false":
                raise self._unmapped(name)
        return found

    def _unmapped(self, name: str) -> Refused:
        if self.dynamic == "strict":
            reason = f"mapping set to strict, dynamic introduction of [{name}] within [_doc] is not allowed"
            return Refused("strict_dynamic_mapping_exception", reason)
        reason = f"This stand-in chooses no types: map [{name}], or set [dynamic] to [false] or [strict]"
        return Refused("illegal_argument_exception", reason)


def _read(kind: FieldType, name: str, document_id: str, value: object) -> tuple[Value, ...]:
    found = []
    for one in _flat(value):
        try:
            read = kind.read(one)
        except ValueError as error:
            preview = one if isinstance(one, str) else json.dumps(one)
            raise Refused(
                "mapper_parsing_exception",
                f"failed to parse field [{name}] of type [{kind.name}] in document with id '{document_id}'. "
                f"Preview of field's value: '{preview[:MAX_PREVIEW]}'",
                caused_by={"type": "illegal_argument_exception", "reason": str(error)},
            ) from error
        if read is not None:
            found.append(read)
    return tuple(found)


def _flat(value: object) -> list[object]:
    """Lists in lists are one list to OpenSearch, and null is no value."""
    if isinstance(value, list):
        return [one for part in value for one in _flat(part)]
    return [] if value is None else [value]


def _unusable(reason: str) -> Refused:
    return Refused(
        "mapper_parsing_exception",
        f"Failed to parse mapping [_doc]: {reason}",
        caused_by={"type": "mapper_parsing_exception", "reason": reason},
    )

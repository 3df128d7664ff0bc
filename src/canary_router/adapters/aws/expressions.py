"""Translates conditional writes into DynamoDB's language. Names and values always travel as placeholders."""

import re
from collections.abc import Mapping
from typing import Any

from canary_router import settings
from canary_router.core.conditions import Clause, Item, Op, Value, Write

_WHOLE = re.compile(r"-?\d{1,38}")
"""DynamoDB's numbers have 38 digits."""


def encode(value: Value) -> dict[str, str]:
    """Text as S, a whole number as N."""
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


def encode_item(item: Item) -> dict[str, Any]:
    """A whole item."""
    return {name: encode(value) for name, value in item.items()}


def decode_item(item: Mapping[str, Any]) -> dict[str, Value]:
    """A stored item; attributes that the project does not write, such as fractions, are left out."""
    decoded: dict[str, Value] = {}
    for name, typed in item.items():
        if "S" in typed:
            decoded[name] = str(typed["S"])
        elif "N" in typed and _WHOLE.fullmatch(typed["N"]):
            decoded[name] = int(typed["N"])
    return decoded


def request_of(table: str, write: Write) -> tuple[str, dict[str, Any]]:
    """The request of one write, and whether it is a ``Put`` or an ``Update``. Both forms serve in a transaction."""
    expression = _Expression()
    request: dict[str, Any] = {"TableName": table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    key = {settings.PARTITION_KEY: write.key.partition, settings.SORT_KEY: write.key.sort}
    if write.clauses:
        request["ConditionExpression"] = " AND ".join(expression.clause(clause) for clause in write.clauses)
    if write.put is not None:
        kind = "Put"
        request["Item"] = encode_item({**write.put, **key})
    else:
        kind = "Update"
        request["Key"] = encode_item(key)
        request["UpdateExpression"] = expression.update(write)
    if expression.names:
        request["ExpressionAttributeNames"] = expression.names
    if expression.values:
        request["ExpressionAttributeValues"] = expression.values
    return kind, request


class _Expression:
    """Collects placeholders while expressions are written."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, dict[str, str]] = {}

    def name(self, field: str) -> str:
        placeholder = f"#{field}"
        self.names[placeholder] = field
        return placeholder

    def value(self, value: object) -> str:
        if not isinstance(value, str | int):
            raise TypeError(f"{value!r} is neither text nor a whole number")
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = encode(value)
        return placeholder

    def clause(self, clause: Clause) -> str:
        field = self.name(clause.field)
        match clause.op:
            case Op.ABSENT:
                return f"attribute_not_exists({field})"
            case Op.PRESENT:
                return f"attribute_exists({field})"
            case Op.EQUALS:
                return f"{field} = {self.value(clause.operand)}"
            case Op.ONE_OF:
                options = clause.operand if isinstance(clause.operand, tuple) else (clause.operand,)
                return f"{field} IN ({', '.join(self.value(option) for option in options)})"
            case Op.BELOW:
                return f"{field} < {self.value(clause.operand)}"
            case Op.BELOW_OR_ABSENT:
                return f"(attribute_not_exists({field}) OR {field} < {self.value(clause.operand)})"
            case Op.BELOW_FIELD:
                return f"{field} < {self.name(str(clause.operand))}"

    def update(self, write: Write) -> str:
        parts: list[str] = []
        if write.assign:
            assigned = (f"{self.name(field)} = {self.value(value)}" for field, value in write.assign.items())
            parts.append("SET " + ", ".join(assigned))
        if write.add:
            added = (f"{self.name(field)} {self.value(amount)}" for field, amount in write.add.items())
            parts.append("ADD " + ", ".join(added))
        if write.remove:
            parts.append("REMOVE " + ", ".join(self.name(field) for field in write.remove))
        return " ".join(parts)

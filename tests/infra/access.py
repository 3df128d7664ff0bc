"""What a resource's own policy says to a request: enough of IAM's logic for the policies of delivery, and no more.

An operator or a key that it does not know fails the test rather than being passed over.
"""

import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from tests.infra.templates import as_list, shown

OWNER = "111111111111"
"""The account that the stack is in."""


@dataclass(frozen=True)
class Request:
    """Who asks for what; ``context`` has the condition keys that the request carries."""

    principal: str
    action: str
    resource: str
    context: dict[str, str] = field(default_factory=dict)

    def value(self, key: str) -> str | None:
        return self.context.get(key, self.principal if key == "aws:PrincipalArn" else None)


def answer(policy: dict[str, Any], request: Request) -> str:
    """``Deny`` beats ``Allow``; without either, nothing is said."""
    effects = {it["Effect"] for it in policy["Statement"] if _applies(it, request)}
    return "Deny" if "Deny" in effects else "Allow" if effects else "nothing"


def _applies(statement: dict[str, Any], request: Request) -> bool:
    assert statement.keys() <= {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    return (
        any(fnmatchcase(request.action, action) for action in as_list(statement["Action"]))
        and any(fnmatchcase(request.resource, shown(it)) for it in as_list(statement["Resource"]))
        and any(
            _is_principal(shown(it).replace("<AWS::AccountId>", OWNER), request.principal)
            for it in as_list(statement["Principal"]["AWS"])
        )
        and all(
            _holds(operator, shown(wanted), request.value(key))
            for operator, conditions in statement.get("Condition", {}).items()
            for key, wanted in conditions.items()
        )
    )


def _is_principal(named: str, principal: str) -> bool:
    account = re.fullmatch(r"arn:<AWS::Partition>:iam::(.+):root", named)
    return named in ("*", principal) or (account is not None and principal.split(":")[4] == account[1])


def _holds(operator: str, wanted: str, value: str | None) -> bool:
    match operator:
        case "ArnEquals" | "StringEquals":
            return value == wanted
        case "ArnNotEquals":
            return value != wanted
        case "Bool":
            return value == wanted
        case "NumericLessThan":
            return value is not None and float(value) < float(wanted)
        case _:
            raise AssertionError(f"an operator that this does not know: {operator}")

"""Policies that are a little weaker, or a little stricter, than those that were written: each must be noticed."""

import copy
from collections.abc import Iterator
from typing import Any

from tests.infra.templates import as_list

Mutant = tuple[str, dict[str, Any]]


def of(document: dict[str, Any]) -> Iterator[Mutant]:
    """Mutants of one policy, each with what was done to it."""
    for at, statement in enumerate(document["Statement"]):
        label = f"{at} {statement.get('Sid') or ', '.join(as_list(statement['Action']))}"
        for what, parts in _of_statement(statement):
            mutant = copy.deepcopy(document)
            mutant["Statement"][at : at + 1] = parts
            if mutant["Statement"]:
                yield f"{label}: {what}", mutant


def _of_statement(statement: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield "dropped", []
    for operator, conditions in statement.get("Condition", {}).items():
        for key in conditions:
            yield f"without the condition on {key}", [_without_condition(statement, operator, key)]
    actions = as_list(statement["Action"])
    for action in actions if len(actions) > 1 else ():
        yield f"without {action}", [statement | {"Action": [it for it in actions if it != action]}]
    if statement["Effect"] == "Deny":
        return
    services = sorted({f"{action.split(':')[0]}:*" for action in actions})
    if services != actions:
        yield f"with {', '.join(services)}", [statement | {"Action": services}]
    for resource in as_list(statement.get("Resource", [])):
        others = [it for it in as_list(statement["Resource"]) if it != resource]
        for wider in _wider(resource):
            yield f"{wider} for {resource}", [statement | {"Resource": [*others, wider]}]
    principal = statement.get("Principal")
    # A condition on the role's whole ARN, if there is one, says the same as the principal does, and more.
    named = any("aws:PrincipalArn" in conditions for conditions in statement.get("Condition", {}).values())
    if principal is not None and not named and "Service" not in principal:
        yield "for everybody", [statement | {"Principal": {"AWS": "*"}}]


def _without_condition(statement: dict[str, Any], operator: str, key: str) -> dict[str, Any]:
    conditions = copy.deepcopy(statement["Condition"])
    del conditions[operator][key]
    kept = {name: it for name, it in conditions.items() if it}
    rest = {name: it for name, it in statement.items() if name != "Condition"}
    return rest | ({"Condition": kept} if kept else {})


def _wider(resource: str) -> Iterator[str]:
    if resource == "*":
        return
    if resource.endswith("/*"):
        yield resource.removesuffix("/*") + "*"
        yield resource.removesuffix("/*").rpartition("/")[0] + "/*"
    yield "*"

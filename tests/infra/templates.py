"""Synthesised templates, made easy to read in a test."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HASH = re.compile(r"[0-9A-F]{8}$")


@dataclass(frozen=True)
class Template:
    """The template of one stack."""

    document: dict[str, Any]

    @classmethod
    def read(cls, assembly: Path, stack: str) -> "Template":
        return cls(json.loads((assembly / f"{stack}.template.json").read_text()))

    @property
    def text(self) -> str:
        return json.dumps(self.document)

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of all resources of a type, by logical id."""
        found = self.document["Resources"].items()
        return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}

    def all(self, kind: str) -> list[dict[str, Any]]:
        return list(self.named(kind).values())

    def one(self, kind: str) -> dict[str, Any]:
        (properties,) = self.all(kind)
        return properties

    def by(self, kind: str, key: str) -> dict[str, dict[str, Any]]:
        """Properties of all resources of a type, by one of their properties."""
        return {shown(properties[key]): properties for properties in self.all(kind)}

    def resource(self, logical_id: str) -> dict[str, Any]:
        return dict(self.document["Resources"][logical_id])

    def grants(self, role: str) -> dict[str, set[str]]:
        """What the policies of a role allow: resources, by action. Role: logical id."""
        granted: dict[str, set[str]] = {}
        for policy in self.all("AWS::IAM::Policy"):
            if {"Ref": role} not in policy["Roles"]:
                continue
            for statement in policy["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Allow"
                for action in as_list(statement["Action"]):
                    granted.setdefault(action, set()).update(shown(arn) for arn in as_list(statement["Resource"]))
        return granted

    def role_of(self, function_name: str) -> str:
        """Logical id of a function's role."""
        function = self.by("AWS::Lambda::Function", "FunctionName")[function_name]
        return str(function["Role"]["Fn::GetAtt"][0])


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def shown(value: Any) -> str:
    """A property as one line: intrinsic functions in angle brackets, without the hashes of logical ids."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{_HASH.sub('', name)}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{_HASH.sub('', name)}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(shown(part) for part in parts)
        case {"Fn::Sub": str(text)}:
            return text.replace("${", "<").replace("}", ">")
        case _:
            return json.dumps(value)

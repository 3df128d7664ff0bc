"""Tells cdk-nag why some resources that a role may touch are named with a wildcard."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import Construct


def acknowledge_wildcards(scope: Construct, reasons: Mapping[str, str]) -> None:
    """Says of each such resource why nothing narrower can be named. Whoever uses no cdk-nag loses nothing by it.

    Args:
        scope: The construct in which they are allowed: a role, a policy, or something around them.
        reasons: Why, by the resource as the policy has it.
    """
    stack = Stack.of(scope)
    Validations.of(scope).acknowledge(
        *(
            Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{_quoted(stack.resolve(resource))}]", reason=reason)
            for resource, reason in reasons.items()
        )
    )


def _quoted(resolved: Any) -> str:
    """A value as cdk-nag quotes it: what is known at deployment only, in angle brackets."""
    match resolved:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_quoted(part) for part in parts)
        case _:
            return str(resolved)

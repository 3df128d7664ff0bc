"""Keys of KMS's that another account uses: the emulator knows only those of the caller's own account.

A signature is verified by the key in its own account, once both sides allow it: the policy of the key, and those of
the role that asks.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from tests.delivery.accounts import Account
from tests.delivery.served import Refused

_BINARY = ("Message", "Signature")


class SharedKeys:
    """Answers ``kms:Verify`` for roles of other accounts. Whoever takes on a role is made known first."""

    def __init__(self, owner: Account) -> None:
        self._owner = owner
        self._callers: dict[str, tuple[Account, str]] = {}

    def know(self, access_key: str, account: Account, role: str) -> None:
        self._callers[access_key] = (account, role)

    def answer(self, operation: str, request: Mapping[str, Any], access_key: str) -> Mapping[str, Any]:
        account, role = self._callers[access_key]
        key = str(request["KeyId"])
        action = f"kms:{operation}"
        policy = json.loads(self._kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        if operation != "Verify" or not (account.may(role, action, key) and key_allows(policy, role, action)):
            raise Refused("AccessDeniedException", f"{role} may not {action} with {key}")
        values = {name: base64.b64decode(value) if name in _BINARY else value for name, value in request.items()}
        try:
            answer = self._kms.verify(**values)
        except ClientError as error:
            raise Refused(error.response["Error"]["Code"], str(error)) from error
        return {name: answer[name] for name in ("KeyId", "SignatureValid", "SigningAlgorithm")}

    @property
    def _kms(self) -> Any:
        return self._owner.client("kms")


def key_allows(policy: Mapping[str, Any], role: str, action: str) -> bool:
    """Whether a key's policy lets a role of another account do something; a condition it does not know is no."""
    account = role.split(":")[4]
    found = [it for it in policy["Statement"] if action in _list(it["Action"]) or it["Action"] == "kms:*"]
    allowed = [it for it in found if it["Effect"] == "Allow" and _is(it["Principal"], account)]
    denied = [it for it in found if it["Effect"] == "Deny"]
    return any(_asks_for(it.get("Condition", {}), role) for it in allowed) and not denied


def _asks_for(condition: Mapping[str, Any], role: str) -> bool:
    match condition:
        case {"ArnEquals": {"aws:PrincipalArn": roles, **others}, **operators} if not others and not operators:
            return role in _list(roles)
    return not condition


def _is(principal: Any, account: str) -> bool:
    names = _list(principal["AWS"]) if isinstance(principal, dict) else [principal]
    return f"arn:aws:iam::{account}:root" in names


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

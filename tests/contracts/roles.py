"""Roles that services may assume; ministack asks for them, and holds them to their policies."""

import json
from functools import cache

from tests.contracts.backends import BOTO3, Backend


def role_for(backend: Backend, principal: str) -> str:
    """ARN of the one role that a service assumes; it allows nothing."""
    return _role_for(backend.over(BOTO3), principal)


@cache
def _role_for(backend: Backend, principal: str) -> str:
    trust = {"Effect": "Allow", "Principal": {"Service": f"{principal}.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = backend.client("iam").create_role(
        RoleName=f"contract-{principal}",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    arn: str = made["Role"]["Arn"]
    return arn

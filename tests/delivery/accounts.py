"""Three AWS accounts on one emulator: an access key of twelve digits is that account's root.

What differs from AWS, and is played here:

- The emulator is spoken to without TLS, so the statements that ask for TLS are taken out of the policies of buckets.
- ``aws:PrincipalArn`` is the ARN of the session there, and on AWS that of its role: where a policy of a bucket or a key
  asks for a role, the role's sessions are let in besides. Of another account's caller a bucket there knows the account
  alone: where a policy lets in a role of one, that account's root is let in besides. Which role of it, is asked of the
  policies of the role, and offline (``tests/infra``).
- A service takes on a role here by the account's root, which the role's trust policy is made to let in for that. Before
  that the trust policy is read: it must let in the service, for the very resource that it works for.
- ``ssm:GetParameters`` is asked for no resource in particular there (``canary_router.local.concessions``).
- API Gateway knows the account of a call only from its signature (``routers.py``).
"""

import json
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from tests.e2e.deployed import run

from canary_router.local.home import tools_home
from canary_router.local.record import Emulator
from canary_router.local.toolchain import Toolchain, node_environment

BOOTSTRAP_BUCKET = "cdk-hnb659fds-assets-{account}-{region}"
_ROLE = re.compile(r"arn:aws:iam::(?P<account>\d{12}):role/(?:.*/)?(?P<name>[^/]+)")
_TLS = {"aws:SecureTransport", "s3:TlsVersion"}


@dataclass(frozen=True)
class Credentials:
    """Of a role that somebody has taken on."""

    role: str
    access_key: str
    secret_key: str
    token: str

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
        }


class Account:
    """One account, as its administrator has it.

    Attributes:
        number: Twelve digits.
        emulator: The emulator, seen from this account.
    """

    def __init__(self, emulator: Emulator, number: str) -> None:
        self.number = number
        self.emulator = replace(emulator, account=number, access_key_id=number)
        self._clients: dict[str, Any] = {}
        # What is played for functions asks from threads of its own, and boto3's sessions are for one at a time.
        self._lock = threading.Lock()

    def client(self, name: str) -> Any:
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._session.client(name, endpoint_url=self.emulator.endpoint_url)  # type: ignore[call-overload]
        return self._clients[name]

    @cached_property
    def _session(self) -> boto3.Session:
        emulator = self.emulator
        return boto3.Session(emulator.access_key_id, emulator.secret_access_key, region_name=emulator.region)

    # --- deployments

    def bootstrap(self) -> None:
        self._cdk(["bootstrap", f"aws://{self.number}/{self.emulator.region}"])
        self.concede_bucket(BOOTSTRAP_BUCKET.format(account=self.number, region=self.emulator.region))

    def deploy(self, assembly: Path, *stacks: str) -> None:
        command = ["deploy", "--app", str(assembly), "--require-approval", "never", "--exclusively"]
        self._cdk([*command, "--concurrency", "2", *stacks])

    def _cdk(self, arguments: list[str]) -> None:
        cdk = Toolchain(tools_home()).cdk()
        env = self.emulator.environment_over(os.environ) | node_environment()
        run([*cdk, *arguments, "--no-color", "--no-notices"], env, Path(self.emulator.state_dir))

    def stacks(self) -> dict[str, dict[str, Any]]:
        """Stacks that are there, by their names."""
        pages = self.client("cloudformation").get_paginator("describe_stacks").paginate()
        return {stack["StackName"]: stack for page in pages for stack in page["Stacks"]}

    def outputs(self, stack: str) -> dict[str, str]:
        return {it["OutputKey"]: it["OutputValue"] for it in self.stacks()[stack]["Outputs"]}

    def concede_bucket(self, bucket: str) -> None:
        """Puts a bucket's policy down as the emulator understands it."""
        s3 = self.client("s3")
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
        kept = [it for it in policy["Statement"] if not _TLS & _keys(it.get("Condition", {}))]
        assert len(kept) < len(policy["Statement"]), f"{bucket} does not ask for TLS"
        if kept:
            s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_with_sessions({**policy, "Statement": kept})))
        else:
            s3.delete_bucket_policy(Bucket=bucket)

    def concede_key(self, key: str) -> None:
        """The same for a key."""
        kms = self.client("kms")
        policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(_with_sessions(policy)))

    def concede_parameters(self, role: str) -> None:
        """Lets a role read parameters that may read some."""
        allowed = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        name = role.rpartition("/")[2]
        self.client("iam").put_role_policy(RoleName=name, PolicyName="emulator", PolicyDocument=document)

    # --- roles

    def taken_on(self, role: str, service: str, source: str) -> Credentials:
        """What a service of AWS has when it works for a resource with a role, both by their ARNs."""
        name = role.rpartition("/")[2]
        iam = self.client("iam")
        trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        assert any(self._lets_in(statement, service, source) for statement in trust["Statement"]), (role, trust)
        with self._also_trusting(name, trust, f"arn:aws:iam::{self.number}:root"):
            return self.session_of(role, self.client("sts"))

    def session_of(self, role: str, sts: Any) -> Credentials:
        given = sts.assume_role(RoleArn=role, RoleSessionName="played")["Credentials"]
        return Credentials(role, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def client_with(self, credentials: Credentials, name: str) -> Any:
        """A client of whoever has these credentials."""
        make: Any = boto3.Session(
            credentials.access_key, credentials.secret_key, credentials.token, self.emulator.region
        ).client
        return make(name, endpoint_url=self.emulator.endpoint_url)

    def may(self, role: str, action: str, resource: str) -> bool:
        """What the policies of a role say, where the emulator does not have the service that would ask."""
        answer = self.client("iam").simulate_principal_policy(
            PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource]
        )
        return bool(answer["EvaluationResults"][0]["EvalDecision"] == "allowed")

    def _lets_in(self, statement: Mapping[str, Any], service: str, source: str) -> bool:
        wanted = {"aws:SourceAccount": self.number, "aws:SourceArn": source}
        asked = {key: value for keys in statement.get("Condition", {}).values() for key, value in keys.items()}
        return (
            statement["Effect"] == "Allow"
            and statement["Action"] == "sts:AssumeRole"
            and statement["Principal"].get("Service") == f"{service}.amazonaws.com"
            and all(wanted.get(key) == value for key, value in asked.items())
        )

    @contextmanager
    def _also_trusting(self, role: str, trust: Mapping[str, Any], principal: str) -> Iterator[None]:
        allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": principal}}
        more = {**trust, "Statement": [*trust["Statement"], allowed]}
        update = self.client("iam").update_assume_role_policy
        update(RoleName=role, PolicyDocument=json.dumps(more))
        try:
            yield
        finally:
            update(RoleName=role, PolicyDocument=json.dumps(trust))


def _keys(condition: Mapping[str, Mapping[str, object]]) -> set[str]:
    return {key for keys in condition.values() for key in keys}


def _with_sessions(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Names what the emulator takes a role for where a condition names the role."""

    def named(role: str, *, allowed: bool) -> list[str]:
        match = _ROLE.fullmatch(role)
        assert match, role
        account = match["account"]
        session = f"arn:aws:sts::{account}:assumed-role/{match['name']}/*"
        return [role, session, *([f"arn:aws:iam::{account}:root"] if allowed else [])]

    statements = []
    for statement in policy["Statement"]:
        condition = {operator: dict(keys) for operator, keys in statement.get("Condition", {}).items()}
        for keys in condition.values():
            if roles := keys.get("aws:PrincipalArn"):
                allowed = statement["Effect"] == "Allow"
                each = roles if isinstance(roles, list) else [roles]
                keys["aws:PrincipalArn"] = [name for role in each for name in named(role, allowed=allowed)]
        statements.append({**statement, **({"Condition": condition} if condition else {})})
    return {**policy, "Statement": statements}

"""The synthesised policies in force: roles of three accounts really call S3 and STS, on the emulator.

What it does otherwise than AWS, and what is done about it here:

- It is spoken to without TLS: the statements that ask for TLS are left out, but for one test, which they fail.
- ``aws:PrincipalArn`` is a session's ARN, and for another account's caller that account's root: conditions that name a
  role name these instead. That another role of the same account is refused is therefore asked offline only.
- An account's root is above the policies of its buckets, so nothing is asked as root.
- Services take on no roles, and a trust in a service without a condition lets in everybody of the account: a role's
  session is begun by the account's root, whom the trust lets in for that moment. Trust in services is asked offline.
- Policies of keys across accounts are wrong there: they are asked offline only.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.infra import stacks
from tests.infra.iam import cast
from tests.infra.iam.deployed import Deployed
from tests.infra.templates import Template, as_list

from canary_router.local.record import Emulator

SESSION = "tests"
TLS = ("aws:SecureTransport", "s3:TlsVersion")
BUCKET = stacks.STAGING_OPTIONS.bucket
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
STAGING, PRODUCTION = (f"{stage}/transformer/v1.0.0/a.zip" for stage in stacks.READERS)
EVIL, FOREIGN = "staging/transformer-evil/v1.0.0/a.zip", "staging/x/v1.0.0/a.zip"

MAY = {
    "staging build": {("put", STAGING)},
    "production build": {("put", PRODUCTION)},
    "pull-request build": set(),
    "administrator": {
        ("get", STAGING),
        ("get", PRODUCTION),
        ("get", EVIL),
        ("get", FOREIGN),
        ("list", ""),
        ("about", ""),
    },
    "staging source": {("get", STAGING), ("about", "")},
    "production source": {("get", PRODUCTION), ("about", "")},
    "staging deploy": set(),
    "staging pipeline": set(),
    "a stranger": set(),
}


class Accounts:
    """The accounts on the emulator, with the roles and the bucket of the templates."""

    def __init__(self, emulator: Emulator, deployed: dict[str, Deployed]) -> None:
        self._url, self._region = emulator.endpoint_url, emulator.region
        self.deployed = deployed
        dev, staging, production = deployed["dev"], deployed["staging"], deployed["production"]
        self.roles = {
            "staging build": dev.made("DeliveryStagingTagRole"),
            "production build": dev.made("DeliveryProductionTagRole"),
            "pull-request build": dev.made("DeliveryPullRequestRole"),
            "staging source": staging.made("StageRolesSource"),
            "production source": production.made("StageRolesSource"),
            "staging deploy": staging.made("StageRolesDeploy"),
            "staging pipeline": staging.made("StageRolesPipeline"),
            "administrator": f"arn:aws:iam::{cast.DEV}:role/admin",
            "a stranger": f"arn:aws:iam::{cast.STRANGER}:role/admin",
        }
        self._sessions: dict[str, dict[str, str]] = {}
        policies = {**dev.policies, **staging.policies, **production.policies}
        for arn in self.roles.values():
            self._make_role(arn, policies.get(f"trust {arn}"), policies.get(f"identity {arn}", EVERYTHING))
        self.policy = policies[f"policy arn:aws:s3:::{BUCKET}"]
        self.s3 = self.root("s3", cast.DEV)
        self.s3.create_bucket(Bucket=BUCKET)
        for key in (STAGING, PRODUCTION, EVIL, FOREIGN):
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=b"an artifact")

    def _make_role(self, arn: str, trust: dict[str, Any] | None, identity: dict[str, Any]) -> None:
        _, _, account, name = arn.replace(":role/", ":").rsplit(":", 3)
        principal = {"AWS": f"arn:aws:iam::{account}:root"}
        own = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
        iam = self.root("iam", account)
        written = trust or {"Version": "2012-10-17", **own}
        opened = {**written, "Statement": [*written["Statement"], *own["Statement"]]}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(opened))
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(identity))
        given = self.root("sts", account).assume_role(RoleArn=arn, RoleSessionName=SESSION)["Credentials"]
        self._sessions[arn] = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(written))

    def put_policy(self, statements: list[dict[str, Any]]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.s3.put_bucket_policy(Bucket=BUCKET, Policy=document)

    def root(self, service: str, account: str) -> Any:
        return self._client(service, aws_access_key_id=account, aws_secret_access_key="test")

    def session(self, service: str, who: str) -> Any:
        return self._client(service, **self._sessions[self.roles[who]])

    def _client(self, service: str, **credentials: str) -> Any:
        make: Any = boto3.client
        return make(service, endpoint_url=self._url, region_name=self._region, **credentials)


def as_here(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement with the names that principals have on the emulator."""
    conditions = json.loads(json.dumps(statement.get("Condition", {})))
    for by_key in conditions.values():
        for key in {"aws:PrincipalArn"} & by_key.keys():
            by_key[key] = [_here(arn) for arn in as_list(by_key[key])]
    return {**statement, **({"Condition": conditions} if conditions else {})}


def _here(role: str) -> str:
    account = role.split(":")[4]
    if account != cast.DEV:
        return f"arn:aws:iam::{account}:root"
    return f"arn:aws:sts::{account}:assumed-role/{role.rpartition('/')[2]}/{SESSION}"


def _asks_for_tls(statement: dict[str, Any]) -> bool:
    return any(key in conditions for conditions in statement.get("Condition", {}).values() for key in TLS)


@pytest.fixture(scope="module")
def accounts(emulator: Emulator, delivery: Template, stages: dict[str, Template]) -> Iterator[Accounts]:
    deployed = {stage: Deployed(it, stacks.READERS[stage].split(":")[4]) for stage, it in stages.items()}
    made = Accounts(emulator, {"dev": cast.development(delivery), **deployed})
    yield made
    made.s3.delete_bucket_policy(Bucket=BUCKET)


def allowed(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("AccessDenied", "403"):
            raise
        return False
    return True


def calls(s3: Any) -> dict[tuple[str, str], Callable[[], object]]:
    found: dict[tuple[str, str], Callable[[], object]] = {
        ("list", ""): lambda: s3.list_objects_v2(Bucket=BUCKET),
        ("about", ""): lambda: s3.get_bucket_versioning(Bucket=BUCKET),
        ("open", ""): lambda: s3.put_bucket_policy(Bucket=BUCKET, Policy="{}"),
    }
    for key in (STAGING, PRODUCTION, EVIL, FOREIGN):
        found["get", key] = lambda key=key: s3.get_object(Bucket=BUCKET, Key=key)  # type: ignore[misc] # bound now
        found["put", key] = lambda key=key: s3.put_object(Bucket=BUCKET, Key=key, Body=b"")  # type: ignore[misc] # as above
        found["delete", key] = lambda key=key: s3.delete_object(Bucket=BUCKET, Key=key)  # type: ignore[misc] # as above
    return found


@pytest.mark.parametrize("who", MAY)
def test_each_role_can_call_what_it_may_and_nothing_else(accounts: Accounts, who: str) -> None:
    accounts.put_policy([as_here(it) for it in accounts.policy["Statement"] if not _asks_for_tls(it)])
    asked = calls(accounts.session("s3", who))
    if who == "administrator":
        del asked["open", ""]  # an administrator may change the policy, and this would
    assert {name for name, call in asked.items() if allowed(call)} == MAY[who]


@pytest.mark.parametrize("who", ["production build", "administrator", "staging source"])
def test_without_tls_nobody_can_call_anything(accounts: Accounts, who: str) -> None:
    accounts.put_policy([as_here(it) for it in accounts.policy["Statement"]])
    asked = calls(accounts.session("s3", who))
    assert {name for name, call in asked.items() if allowed(call)} == set()


def test_without_the_denials_an_administrator_could_write_and_delete(accounts: Accounts) -> None:
    """The check of the check: what the table refuses is refused by these statements."""
    statements = [as_here(it) for it in accounts.policy["Statement"] if it["Effect"] == "Allow"]
    accounts.put_policy(statements)
    asked = calls(accounts.session("s3", "administrator"))
    assert allowed(asked["put", STAGING])
    assert allowed(asked["delete", EVIL])
    accounts.s3.put_object(Bucket=BUCKET, Key=EVIL, Body=b"an artifact")


@pytest.mark.parametrize(
    ("who", "role", "may"),
    [
        ("staging pipeline", "staging source", True),
        ("staging deploy", "staging source", False),
        ("staging pipeline", "production source", False),
        ("staging pipeline", "production build", False),
        ("staging pipeline", "staging deploy", False),
        ("administrator", "production build", False),
        ("administrator", "pull-request build", False),
        ("administrator", "staging source", False),
        ("a stranger", "staging source", False),
        ("pull-request build", "production build", False),
    ],
)
def test_only_the_pipeline_takes_on_a_role_and_that_is_its_sources(
    accounts: Accounts, who: str, role: str, *, may: bool
) -> None:
    sts = accounts.session("sts", who)
    given = allowed(lambda: sts.assume_role(RoleArn=accounts.roles[role], RoleSessionName=SESSION))
    assert given is may

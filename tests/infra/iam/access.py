"""Who may do what: every principal is asked for every action at every place in every way, and a table says the rest."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

from tests.infra.iam.deployed import REGION
from tests.infra.iam.simulator import ANONYMOUS, Documents, Mutant, Question, ask

EVERYTHING = "identity of an administrator"
Keys = dict[str, str | list[str]]
"""Condition keys that a request carries."""
Fact = tuple[str, str, str, str]
"""Who, action, place, way."""
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

_SECURE: Keys = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
_S3_WAYS: dict[str, Keys] = {
    "TLS": _SECURE,
    "old TLS": _SECURE | {"s3:TlsVersion": "1.1"},
    "in clear": {"aws:SecureTransport": "false"},
}
_KEY_WAYS: dict[str, Keys] = {
    "directly": {},
    "through S3": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"},
    "through S3 elsewhere": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
    "through Secrets Manager": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"},
}
_KEY_ADMINISTRATION = "kms:CreateGrant kms:PutKeyPolicy kms:ScheduleKeyDeletion kms:DisableKey kms:DescribeKey"


@dataclass(frozen=True)
class Kind:
    """What is asked of a kind of place."""

    actions: str
    ways: dict[str, Keys] = field(default_factory=lambda: {"-": {}})


_OBJECT = (
    "s3:GetObject s3:GetObjectVersion s3:GetObjectAcl s3:GetObjectTagging s3:PutObject s3:PutObjectAcl "
    "s3:PutObjectTagging s3:DeleteObject s3:DeleteObjectVersion s3:ReplicateObject s3:ReplicateDelete "
    "s3:AbortMultipartUpload s3:BypassGovernanceRetention s3:RestoreObject"
)
KINDS = {
    "object": Kind(_OBJECT, _S3_WAYS),
    "object elsewhere": Kind(_OBJECT, {"TLS": _SECURE}),
    "bucket": Kind(
        "s3:ListBucket s3:ListBucketVersions s3:GetBucketVersioning s3:GetBucketAcl s3:GetBucketLocation "
        "s3:GetBucketPolicy s3:PutBucketPolicy s3:DeleteBucket s3:PutBucketVersioning s3:PutLifecycleConfiguration",
        _S3_WAYS,
    ),
    "data key": Kind(
        f"kms:Decrypt kms:Encrypt kms:GenerateDataKey kms:ReEncryptFrom {_KEY_ADMINISTRATION}",
        _KEY_WAYS,
    ),
    "own object": Kind("s3:GetObject s3:GetObjectVersion s3:GetObjectAcl s3:PutObject", {"TLS": _SECURE}),
    "signing key": Kind(f"kms:Sign kms:Verify kms:GetPublicKey {_KEY_ADMINISTRATION}", _KEY_WAYS),
    "role": Kind("sts:AssumeRole sts:AssumeRoleWithWebIdentity iam:PassRole iam:PutRolePolicy"),
    "project": Kind("codebuild:StartBuild codebuild:UpdateProject codebuild:BatchGetBuilds"),
    "log": Kind("logs:CreateLogStream logs:PutLogEvents logs:GetLogEvents logs:DeleteLogStream"),
    "bus": Kind(
        "events:PutEvents",
        {
            "of new objects": {"events:source": ["aws.s3"], "events:detail-type": "Object Created"},
            "of deleted objects": {"events:source": ["aws.s3"], "events:detail-type": "Object Deleted"},
            "of somebody else": {"events:source": ["canary-router"], "events:detail-type": "Object Created"},
            "of new objects and somebody else": {
                "events:source": ["aws.s3", "canary-router"],
                "events:detail-type": "Object Created",
            },
            "of no source": {"events:detail-type": "Object Created"},
        },
    ),
    "bus itself": Kind("events:DescribeEventBus events:DeleteEventBus"),
    "pipeline": Kind(
        "codepipeline:StartPipelineExecution codepipeline:GetPipelineState codepipeline:ListActionExecutions "
        "codepipeline:UpdatePipeline codepipeline:DeletePipeline"
    ),
    "question": Kind("codepipeline:PutApprovalResult"),
    "parameter": Kind(
        "ssm:GetParameters ssm:GetParameter ssm:GetParameterHistory ssm:PutParameter ssm:DeleteParameter"
    ),
    "table": Kind(
        "dynamodb:GetItem dynamodb:Query dynamodb:Scan dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem"
    ),
}


@dataclass(frozen=True)
class Principal:
    """Somebody who asks; ``context`` are keys that each request carries."""

    name: str
    arn: str
    identity: tuple[str, ...] = ()
    context: Keys = field(default_factory=dict)

    @classmethod
    def role(cls, name: str, arn: str, *identity: str) -> "Principal":
        """A role; without policies of its own it has those of an administrator, so that others must refuse it."""
        keys: Keys = {"aws:PrincipalArn": arn, "aws:PrincipalAccount": arn.split(":")[4]}
        return cls(name, arn, identity or (EVERYTHING,), keys)

    @classmethod
    def service(cls, name: str, service: str, source: str) -> "Principal":
        """A service of AWS that acts for a resource."""
        return cls(name, service, context={"aws:SourceArn": source, "aws:SourceAccount": source.split(":")[4]})


@dataclass(frozen=True)
class Place:
    """Something that has an ARN, and perhaps a policy."""

    name: str
    kind: str
    arn: str
    account: str
    policy: str | None = None


@dataclass(frozen=True)
class World:
    """Everybody, and everything that they could ask for."""

    principals: Sequence[Principal]
    places: Sequence[Place]
    documents: Documents

    def evaluated(self, mutants: Sequence[Mutant] = ()) -> tuple[set[Fact], list[Fact | None]]:
        """What is allowed; and for each policy in another's place a fact that it would change, or none."""
        asked = list(self._asked())
        documents = {**self.documents, EVERYTHING: _EVERYTHING}
        answers = ask(documents, [question for _, question in asked], mutants)
        allowed = {fact for (fact, _), yes in zip(asked, answers.allowed, strict=True) if yes}
        return allowed, [None if at is None else asked[at][0] for at in answers.noticed]

    def _asked(self) -> Iterable[tuple[Fact, Question]]:
        for who, place in product(self.principals, self.places):
            kind = KINDS[place.kind]
            for action, (way, keys) in product(kind.actions.split(), kind.ways.items()):
                if place.kind == "role" and not action.startswith("sts:") and not who.identity:
                    continue  # only those who have policies of their own can call IAM
                if ":oidc-provider/" in who.arn and action != "sts:AssumeRoleWithWebIdentity":
                    continue  # that is all that a token can be used for
                policy = None if action.startswith("iam:") else place.policy
                question = Question(who.arn, action, place.arn, place.account, who.context | keys, who.identity, policy)
                yield (who.name, action, place.name, way), question


def read(table: str, world: World) -> set[Fact]:
    """The facts of a table: who | actions | places | ways.

    A column is a list with commas; ``all`` stands for all, and ``all but x, y`` for the others. A line that ends
    with a backslash goes on in the next one.
    """
    facts: set[Fact] = set()
    everybody = [it.name for it in world.principals]
    for line in filter(None, map(str.strip, table.replace("\\\n", "").splitlines())):
        who, what, where, how = (part.strip() for part in line.split("|"))
        named = set(_chosen(where, [it.name for it in world.places]))
        for place in (it for it in world.places if it.name in named):
            kind = KINDS[place.kind]
            actions = _chosen(what, kind.actions.split())
            new = set(product(_chosen(who, everybody), actions, [place.name], _chosen(how, list(kind.ways))))
            assert not new & facts, f"said twice: {sorted(new & facts)[:3]}"
            facts |= new
    return facts


def _chosen(column: str, offered: Sequence[str]) -> list[str]:
    rest = column.removeprefix("all").removeprefix(" but ") if column.split(maxsplit=1)[0] == "all" else column
    named = [it.strip() for it in rest.split(",") if it.strip()]
    unknown = set(named) - set(offered)
    assert not unknown, f"nobody and nothing is called {sorted(unknown)}: {sorted(offered)}"
    return [it for it in offered if it not in named] if rest != column else named


STRANGERS = (
    Principal("anonymous", ANONYMOUS),
    Principal.role("a stranger's administrator", "arn:aws:iam::444444444444:role/admin"),
)

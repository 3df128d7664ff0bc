"""What a stage's pipeline is told: where artifacts come from, who reads and who verifies them, and how to deploy."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_sns as sns

from canary_router.cdk import buildspecs
from canary_router.core.tags import Stage
from canary_router.errors import ConfigurationError
from canary_router.settings import NAME_PATTERN

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY = re.compile(r"arn:aws[a-z-]*:kms:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):key/[A-Za-z0-9-]+", re.ASCII)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>[0-9]{12}):role(?P<path>/(?:[!-~]+/)?)(?P<name>[\w+=,.@-]{1,64})")
_QUALIFIER = re.compile(r"[a-z0-9]{1,10}", re.ASCII)
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup")
"""The roles of ``cdk bootstrap`` that a deployment can take on."""
_LONGEST_WAIT = 60
"""Days: the quota of a manual approval."""


@dataclass(frozen=True, kw_only=True)
class StageOptions:
    """Of one service's pipeline in one stage. All ARNs are names: what they name may be made later.

    Attributes:
        stage: ``staging`` or ``production``.
        bucket: Name of the development account's bucket, ``Delivery``'s output ``BucketName``.
        data_key: ARN of the key that encrypts the bucket, its output ``DataKeyArn``.
        signing_key: ARN of the key that signs this stage's artifacts, its output ``StagingSigningKeyArn`` or
            ``ProductionSigningKeyArn``.
        reader: ARN of the role that reads artifacts, as ``DeliveryOptions.readers`` has it; it is made here.
        verifier: ARN of the role of the build that verifies and deploys, as ``DeliveryOptions.verifiers`` has it; it
            is made here.
        environment: Name of the router's environment in this account; empty is the stage's name.
        buildspec: The YAML text that verifies and deploys.
        approval: Whether a person is asked, too, after the verdict.
        wait_days: How long the pipeline waits for the verdict, 1 to 60 days. It should be longer than the policy's
            deadline, which decides every release.
        alarm_topic: Topic that is told when the function that answers the pipeline fails again and again; None shows it
            in the console only.
        bootstrap_qualifier: Of ``cdk bootstrap`` in this account.
        bootstrap_roles: Which of its roles the build may take on: ``deploy`` and ``file-publishing`` are enough for
            versions without container images and without look-ups at synthesis.

    Raises:
        ConfigurationError: One of them is not that.
    """

    stage: str
    bucket: str
    data_key: str
    signing_key: str
    reader: str
    verifier: str
    environment: str = ""
    buildspec: str = buildspecs.DEPLOY
    approval: bool = False
    wait_days: int = 7
    alarm_topic: sns.ITopic | None = None
    bootstrap_qualifier: str = "hnb659fds"
    bootstrap_roles: Sequence[str] = ("deploy", "file-publishing")

    def __post_init__(self) -> None:
        if self.stage not in tuple(Stage):
            raise ConfigurationError(f"{self.stage!r} is not a stage", advice="Give staging or production.")
        if not NAME_PATTERN.fullmatch(self.router_environment):
            advice = "Use lower-case letters, digits and dashes, as the router's stack does."
            raise ConfigurationError(f"{self.environment!r} is not the name of an environment", advice=advice)
        if not _BUCKET.fullmatch(self.bucket):
            advice = "Give its name alone, the output BucketName of the development account's stack."
            raise ConfigurationError(f"{self.bucket!r} is not the name of a bucket", advice=advice)
        self._check_keys()
        self._check_roles()
        buildspecs.check(self.buildspec)
        if not 1 <= self.wait_days <= _LONGEST_WAIT:
            advice = f"Give 1 to {_LONGEST_WAIT} days."
            raise ConfigurationError(f"CodePipeline cannot wait for {self.wait_days} days", advice=advice)
        if not _QUALIFIER.fullmatch(self.bootstrap_qualifier):
            advice = "Give what cdk bootstrap was given, up to 10 letters and digits."
            raise ConfigurationError(f"{self.bootstrap_qualifier!r} is no qualifier", advice=advice)
        if not self.bootstrap_roles or not set(self.bootstrap_roles) <= set(BOOTSTRAP_ROLES):
            advice = f"Give some of {', '.join(BOOTSTRAP_ROLES)}."
            raise ConfigurationError(f"{list(self.bootstrap_roles)} are not roles of cdk bootstrap", advice=advice)

    def _check_keys(self) -> None:
        for key in (self.data_key, self.signing_key):
            if not _KEY.fullmatch(key):
                advice = "Give its whole ARN: an alias names a key of the caller's own account."
                raise ConfigurationError(f"{key!r} is not the ARN of a key", advice=advice)
        if self.data_key == self.signing_key:
            raise ConfigurationError("One key cannot encrypt and sign", advice="Give Delivery's two outputs.")
        if _places(self.data_key) != _places(self.signing_key):
            raise ConfigurationError("The two keys are in different places", advice="Give those of one Delivery.")

    def _check_roles(self) -> None:
        for role in (self.reader, self.verifier):
            if not _ROLE.fullmatch(role):
                advice = "Give the whole ARN of one role, without a wildcard."
                raise ConfigurationError(f"{role!r} is not the ARN of a role", advice=advice)
        if self.reader == self.verifier:
            advice = "CodePipeline takes on the one and CodeBuild the other: name two."
            raise ConfigurationError(f"{self.reader!r} can only be one of the two roles", advice=advice)
        if role_of(self.reader).account != role_of(self.verifier).account:
            advice = "Both are made in the stage's account."
            raise ConfigurationError("The two roles are in different accounts", advice=advice)
        if self.account == self.artifacts_account:
            advice = "Deploy from an account of its own: who may build must not be who may deploy."
            raise ConfigurationError("The stage is in the account that builds", advice=advice)

    @property
    def router_environment(self) -> str:
        """Name of the router's environment."""
        return self.environment or self.stage

    @property
    def account(self) -> str:
        """The stage's account."""
        return role_of(self.reader).account

    @property
    def artifacts_account(self) -> str:
        """The account that builds."""
        return _places(self.data_key)[1]

    @property
    def region(self) -> str:
        """Where everything is: CodePipeline reads only from buckets in its own region."""
        return _places(self.data_key)[0]


@dataclass(frozen=True)
class RoleName:
    """A role's ARN, taken apart."""

    account: str
    path: str
    name: str


def role_of(arn: str) -> RoleName:
    """Takes the ARN of a role apart."""
    match = _ROLE.fullmatch(arn)
    if match is None:
        raise ConfigurationError(f"{arn!r} is not the ARN of a role", advice="Give the whole ARN of one role.")
    return RoleName(match["account"], match["path"], match["name"])


def _places(key: str) -> tuple[str, str]:
    match = _KEY.fullmatch(key)
    if match is None:
        raise ConfigurationError(f"{key!r} is not the ARN of a key", advice="Give its whole ARN.")
    return match["region"], match["account"]

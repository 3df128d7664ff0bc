"""What the development account has for delivery: builds of pull requests and of tags, the artifacts, and the key.

- A pull request's build may write its log, and nothing else: it runs what a stranger may have written.
- A tag's build signs artifacts and puts them into the bucket; nobody else does either, whatever their own policies say.
- Each stage's role, in its own account, reads its stage's artifacts, and verifies signatures.
- Both builds run a buildspec that stands in their project: no commit says how it is built.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import Acknowledgment, ArnFormat, CfnOutput, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from canary_router.cdk import buildspecs
from canary_router.cdk.options import check_no_slug
from canary_router.core.tags import Stage
from canary_router.errors import ConfigurationError
from canary_router.settings import NAME_PATTERN

TAGS = r"^refs/tags/v[0-9]+\.[0-9]+\.[0-9]+(-rc\.[0-9]+)?$"
"""The tags that start a build. Whether one is a release is for ``ci classify`` to say."""
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>[0-9]{12}):role/[A-Za-z0-9+=,.@_/-]+", re.ASCII)
_REPOSITORY = re.compile(r"(?P<owner>[A-Za-z0-9-]{1,39})/(?P<name>[A-Za-z0-9._-]{1,100})", re.ASCII)
_PULL_REQUEST = (
    codebuild.EventAction.PULL_REQUEST_CREATED,
    codebuild.EventAction.PULL_REQUEST_UPDATED,
    codebuild.EventAction.PULL_REQUEST_REOPENED,
)


@dataclass(frozen=True, kw_only=True)
class DeliveryOptions:
    """What a delivery is of, and for whom.

    Attributes:
        repository: ``owner/name`` on GitHub; CodeBuild must be connected with GitHub in this account and region.
        readers: The ARN of the role that reads the artifacts of each stage: ``staging`` and ``production``.
        actors: Account ids of the GitHub users whose pull requests are built.
        verifiers: The ARN of the role that verifies the artifacts of each stage, in the account of its reader; empty
            when readers verify what they have read.
        pull_request_buildspec: The YAML text that is run for pull requests.
        tag_buildspec: The YAML text that is run for tags.

    Raises:
        ConfigurationError: One of them is not that.
    """

    repository: str
    readers: Mapping[str, str]
    actors: Sequence[str]
    verifiers: Mapping[str, str] = field(default_factory=dict)
    pull_request_buildspec: str = buildspecs.PULL_REQUEST
    tag_buildspec: str = buildspecs.TAG

    def __post_init__(self) -> None:
        if not _REPOSITORY.fullmatch(self.repository):
            raise ConfigurationError(f"{self.repository!r} is no repository", advice="Give owner/name, as on GitHub.")
        _check_roles("readers", self.readers)
        if self.verifiers:
            _check_roles("verifiers", self.verifiers)
            if any(_account(role) != _account(self.readers[stage]) for stage, role in self.verifiers.items()):
                advice = "A stage has one account: its pipeline reads, its build verifies."
                raise ConfigurationError("A verifier is in another account than its reader", advice=advice)
        if not self.actors or not all(re.fullmatch(r"[0-9]{1,20}", actor) for actor in self.actors):
            advice = "Give account ids, which never change hands: https://api.github.com/users/NAME tells one."
            raise ConfigurationError(f"{list(self.actors)} are not the account ids of GitHub users", advice=advice)
        for text in (self.pull_request_buildspec, self.tag_buildspec):
            buildspecs.check(text)


def _check_roles(what: str, roles: Mapping[str, str]) -> None:
    if set(roles) != {stage.value for stage in Stage}:
        advice = "Give the ARN of a role for staging and of one for production."
        raise ConfigurationError(f"The {what} are for {sorted(roles)}", advice=advice)
    for role in roles.values():
        if not _ROLE.fullmatch(role):
            advice = "Give the whole ARN of one role, without a wildcard."
            raise ConfigurationError(f"{role!r} is not the ARN of a role", advice=advice)


class Delivery(Construct):
    """Builds, bucket and key of one service, in the development account.

    The readers need not exist yet. A reader's own policy must allow it the same as this bucket and these keys do.

    Args:
        scope: A construct in a stack.
        construct_id: Id in the scope.
        service: Name of the service.
        options: Repository, buildspecs and readers.

    Attributes:
        bucket: The bucket; artifacts lie below ``{stage}/{service}/{tag}/``.
        data_key: The key that encrypts the bucket.
        signing_key: The key that signs; its ARN is what ``ci verify --key`` is given.
        pull_requests: The project that builds pull requests.
        tags: The project that builds tags.

    Raises:
        ConfigurationError: The service's name does not have the contract's form.
    """

    def __init__(self, scope: Construct, construct_id: str, *, service: str, options: DeliveryOptions) -> None:
        super().__init__(scope, construct_id)
        if not NAME_PATTERN.fullmatch(service):
            raise ConfigurationError(f"{service!r} is not the name of a service", advice="For example 'transformer'.")
        check_no_slug(service)
        self._service = service
        self._options = options
        owner, _, name = options.repository.partition("/")
        actors = f"^({'|'.join(options.actors)})$"
        pull_requests = codebuild.FilterGroup.in_event_of(*_PULL_REQUEST).and_actor_account_is(actors)
        tags = codebuild.FilterGroup.in_event_of(codebuild.EventAction.PUSH).and_head_ref_is(TAGS)

        def source(wanted: codebuild.FilterGroup) -> codebuild.ISource:
            return codebuild.Source.git_hub(owner=owner, repo=name, webhook=True, webhook_filters=[wanted])

        self._pull_request_role = self._role("pull-request")
        self._tag_role = self._role("tag")
        self.bucket, self.data_key = self._make_bucket()
        self.signing_key = self._make_signing_key()
        self.pull_requests = self._project(
            "pull-request", self._pull_request_role, source(pull_requests), options.pull_request_buildspec
        )
        self.tags = self._project("tag", self._tag_role, source(tags), options.tag_buildspec)
        self._allow_tag_build()
        for stage, reader in sorted(options.readers.items()):
            self._allow_reader(stage, reader)
            self._forward_events(stage, reader)
        # What StageOptions asks for.
        CfnOutput(self, "BucketName", value=self.bucket.bucket_name)
        CfnOutput(self, "DataKeyArn", value=self.data_key.key_arn)
        CfnOutput(self, "SigningKeyArn", value=self.signing_key.key_arn)

    def _role(self, kind: str) -> iam.Role:
        stack = Stack.of(self)
        project = stack.format_arn(service="codebuild", resource="project", resource_name=f"{self._service}-{kind}")
        conditions = {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnEquals": {"aws:SourceArn": project}}
        principal = iam.ServicePrincipal("codebuild.amazonaws.com", conditions=conditions)
        return iam.Role(self, f"{_camel(kind)}Role", assumed_by=principal)

    def _project(self, kind: str, role: iam.Role, source: codebuild.ISource, buildspec: str) -> codebuild.Project:
        log = logs.LogGroup(self, f"{_camel(kind)}Log", retention=logs.RetentionDays.ONE_YEAR)
        log.grant_write(role)
        places = {"ARTIFACTS": self.bucket.bucket_name, "SIGNING_KEY": self.signing_key.key_arn}
        variables = buildspecs.variables(self._service, **places) if role is self._tag_role else {}
        project = codebuild.Project(
            self,
            f"{_camel(kind)}Builds",
            project_name=f"{self._service}-{kind}",
            # The CDK would let the role do more than the module's docstring says.
            role=role.without_policy_updates(),
            source=source,
            build_spec=codebuild.BuildSpec.from_object({"version": "0.2"}),
            environment=codebuild.BuildEnvironment(build_image=codebuild.LinuxBuildImage.STANDARD_7_0),
            environment_variables={
                name: codebuild.BuildEnvironmentVariable(value=value) for name, value in variables.items()
            },
            logging=codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=log)),
            timeout=Duration.hours(1),
        )
        # As YAML, and as it was given: what people see in the console is what they wrote.
        child = project.node.default_child
        if not isinstance(child, codebuild.CfnProject):
            raise TypeError("a project is a CfnProject")
        child.add_property_override("Source.BuildSpec", buildspec)
        reason = "It has no artifacts of CodeBuild's: the build signs and copies its own."
        Validations.of(project).acknowledge(Acknowledgment(id="AwsSolutions-CB4", reason=reason))
        return project

    def _make_bucket(self) -> tuple[s3.Bucket, kms.Key]:
        key = kms.Key(self, "DataKey", enable_key_rotation=True, description=f"Artifacts of {self._service}")
        bucket = s3.Bucket(
            self,
            "Artifacts",
            versioned=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
        )
        # The CDK's own way to it is a function that may change every bucket's notifications.
        events_to = "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled"
        _bucket_in(bucket).add_property_override(events_to, value=True)
        bucket.add_to_resource_policy(
            _denied("NobodyElseWrites", ["s3:PutObject"], [bucket.arn_for_objects("*")], self._tag_role)
        )
        bucket.add_to_resource_policy(
            _denied(
                "WhatWasReleasedStays", ["s3:DeleteObject", "s3:DeleteObjectVersion"], [bucket.arn_for_objects("*")]
            )
        )
        reason = "Reads by the two roles are in CloudTrail's data events, where they are wanted."
        Validations.of(bucket).acknowledge(Acknowledgment(id="AwsSolutions-S1", reason=reason))
        return bucket, key

    def _make_signing_key(self) -> kms.Key:
        key = kms.Key(
            self,
            "SigningKey",
            key_spec=kms.KeySpec.RSA_3072,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            description=f"Signs the artifacts of {self._service}",
        )
        key.add_to_resource_policy(_denied("NobodyElseSigns", ["kms:Sign"], ["*"], self._tag_role))
        return key

    def _allow_tag_build(self) -> None:
        places = [self.bucket.arn_for_objects(f"{stage}/{self._service}/*") for stage in Stage]
        for actions, resources in (
            (["kms:Sign"], [self.signing_key.key_arn]),
            (["s3:PutObject"], places),
            # An upload in parts reads what it has written.
            (["kms:GenerateDataKey", "kms:Decrypt"], [self.data_key.key_arn]),
        ):
            self._tag_role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        reason = "The object's key ends with the tag and the artifact's name, below the stage and this service."
        stack = Stack.of(self)
        bucket = stack.resolve(stack.get_logical_id(_bucket_in(self.bucket)))
        findings = [f"AwsSolutions-IAM5[Resource::<{bucket}.Arn>/{stage}/{self._service}/*]" for stage in Stage]
        Validations.of(self._tag_role).acknowledge(*(Acknowledgment(id=it, reason=reason) for it in findings))

    def _allow_reader(self, stage: str, reader: str) -> None:
        objects = self.bucket.arn_for_objects(f"{stage}/{self._service}/*")
        whole = ["s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation"]  # CodePipeline's S3 source asks
        verifier = self._options.verifiers.get(stage, reader)
        statements = (
            (self.bucket, ["s3:GetObject", "s3:GetObjectVersion"], objects, reader),
            (self.bucket, whole, self.bucket.bucket_arn, reader),
            (self.data_key, ["kms:Decrypt"], "*", reader),
            (self.signing_key, ["kms:Verify"], "*", verifier),
        )
        for resource, actions, arn, role in statements:
            # By the role's name, which holds before the role is made and after it was made anew.
            conditions: dict[str, object] = {"ArnEquals": {"aws:PrincipalArn": role}}
            if resource is self.data_key:
                conditions["StringEquals"] = {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}
            resource.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.AccountPrincipal(_account(role))],
                    actions=actions,
                    resources=[arn],
                    conditions=conditions,
                )
            )

    def _forward_events(self, stage: str, reader: str) -> None:
        """Tells a stage's account of its new artifacts; its bus must let this account put events."""
        bus = Stack.of(self).format_arn(
            account=_account(reader),
            service="events",
            resource="event-bus",
            resource_name="default",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        pattern = events.EventPattern(
            source=["aws.s3"],
            detail_type=["Object Created"],
            detail={
                "bucket": {"name": [self.bucket.bucket_name]},
                "object": {"key": [{"prefix": f"{stage}/{self._service}/"}]},
            },
        )
        rule = events.Rule(self, f"{_camel(stage)}Artifacts", event_pattern=pattern)
        rule.add_target(targets.EventBus(events.EventBus.from_event_bus_arn(self, f"{_camel(stage)}Bus", bus)))


def _denied(
    sid: str, actions: Sequence[str], resources: Sequence[str], but: iam.Role | None = None
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=list(actions),
        resources=list(resources),
        conditions={} if but is None else {"ArnNotEquals": {"aws:PrincipalArn": but.role_arn}},
    )


def _bucket_in(bucket: s3.Bucket) -> s3.CfnBucket:
    child = bucket.node.default_child
    if not isinstance(child, s3.CfnBucket):
        raise TypeError("a bucket is a CfnBucket")
    return child


def _account(role: str) -> str:
    return role.split(":")[4]


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))

"""Where the development account keeps artifacts: who may write and sign them, who reads and verifies them.

- Each stage has a key of its own and a role that signs with it and writes below the stage's prefix. Nobody else does
  either, the other stage's role included, whatever their own policies say.
- Each stage's role, in its own account, reads its stage's artifacts, and its verifier verifies by its stage's key.
- That holds of roles, not of what runs in them: who may start a build with a buildspec of their own has its role.
"""

import re
from collections.abc import Mapping, Sequence

from aws_cdk import Acknowledgment, ArnFormat, CfnOutput, RemovalPolicy, Stack, Validations
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from canary_router.core.tags import Stage
from canary_router.errors import ConfigurationError

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>[0-9]{12}):role/[A-Za-z0-9+=,.@_/-]+", re.ASCII)


class ArtifactStore:
    """Bucket and keys of one service's artifacts, and events of new ones, in the scope of another construct.

    Args:
        scope: The construct that they become part of.
        service: Name of the service.
        writers: The role that signs and writes what is for each stage; it may be one role for all.
        readers: The ARN of the role that reads the artifacts of each stage.
        verifiers: The ARN of the role that verifies the artifacts of each stage; empty when readers do.

    Attributes:
        bucket: The bucket; artifacts lie below ``{stage}/{service}/{tag}/``.
        data_key: The key that encrypts the bucket.
        signing_keys: The key that signs what is for each stage.
    """

    def __init__(
        self,
        scope: Construct,
        service: str,
        writers: Mapping[str, iam.Role],
        readers: Mapping[str, str],
        verifiers: Mapping[str, str],
    ) -> None:
        self._scope = scope
        self._service = service
        self._writers = writers
        self._verifiers = verifiers
        self.bucket, self.data_key = self._make_bucket()
        self.signing_keys = {stage: self._make_signing_key(stage) for stage in sorted(writers)}
        for stages in self._stages_of_writers():
            self._allow_writer(stages)
        for stage, reader in sorted(readers.items()):
            self._allow_reader(stage, reader)
            self._forward_events(stage, reader)
        # What StageOptions asks for.
        CfnOutput(scope, "BucketName", value=self.bucket.bucket_name)
        CfnOutput(scope, "DataKeyArn", value=self.data_key.key_arn)
        for stage, key in self.signing_keys.items():
            CfnOutput(scope, f"{stage.capitalize()}SigningKeyArn", value=key.key_arn)

    def _make_bucket(self) -> tuple[s3.Bucket, kms.Key]:
        key = kms.Key(self._scope, "DataKey", enable_key_rotation=True, description=f"Artifacts of {self._service}")
        bucket = s3.Bucket(
            self._scope,
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
        # Replication writes, too, under whatever name and version it was told.
        writing = ["s3:PutObject", "s3:ReplicateObject"]
        owners = self._stages_of_writers()
        everyone = [self._writers[stages[0]] for stages in owners]
        bucket.add_to_resource_policy(_denied("NobodyElseWrites", writing, [bucket.arn_for_objects("*")], *everyone))
        for stage in [*self._writers] if len(owners) > 1 else []:
            sid, places = f"NobodyElseWrites{stage.capitalize()}", [bucket.arn_for_objects(f"{stage}/*")]
            bucket.add_to_resource_policy(_denied(sid, writing, places, self._writers[stage]))
        bucket.add_to_resource_policy(
            _denied(
                "WhatWasReleasedStays",
                ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ReplicateDelete"],
                [bucket.arn_for_objects("*")],
            )
        )
        reason = "Reads by the two roles are in CloudTrail's data events, where they are wanted."
        Validations.of(bucket).acknowledge(Acknowledgment(id="AwsSolutions-S1", reason=reason))
        return bucket, key

    def _stages_of_writers(self) -> list[list[str]]:
        """The stages of each writer."""
        found: dict[str, list[str]] = {}
        for stage, writer in sorted(self._writers.items()):
            found.setdefault(writer.node.path, []).append(stage)
        return list(found.values())

    def _make_signing_key(self, stage: str) -> kms.Key:
        key = kms.Key(
            self._scope,
            f"{stage.capitalize()}SigningKey",
            key_spec=kms.KeySpec.RSA_3072,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            description=f"Signs the artifacts of {self._service} for {stage}",
        )
        key.add_to_resource_policy(_denied("NobodyElseSigns", ["kms:Sign"], ["*"], self._writers[stage]))
        return key

    def _allow_writer(self, stages: Sequence[str]) -> None:
        """Lets a role sign and write what is for its stages."""
        writer = self._writers[stages[0]]
        keys = [self.signing_keys[stage].key_arn for stage in stages]
        places = [self.bucket.arn_for_objects(f"{stage}/{self._service}/*") for stage in stages]
        through_s3 = {"StringEquals": {"kms:ViaService": f"s3.{Stack.of(self._scope).region}.amazonaws.com"}}
        # An upload in parts reads what it has written.
        writes = iam.PolicyStatement(
            actions=["kms:GenerateDataKey", "kms:Decrypt"], resources=[self.data_key.key_arn], conditions=through_s3
        )
        writer.add_to_policy(iam.PolicyStatement(actions=["kms:Sign"], resources=keys))
        writer.add_to_policy(iam.PolicyStatement(actions=["s3:PutObject"], resources=places))
        writer.add_to_policy(writes)
        reason = "The object's key ends with the tag and the artifact's name, below the stage and this service."
        stack = Stack.of(self._scope)
        bucket = stack.resolve(stack.get_logical_id(_bucket_in(self.bucket)))
        findings = [f"AwsSolutions-IAM5[Resource::<{bucket}.Arn>/{stage}/{self._service}/*]" for stage in stages]
        Validations.of(writer).acknowledge(*(Acknowledgment(id=it, reason=reason) for it in findings))

    def _allow_reader(self, stage: str, reader: str) -> None:
        objects = self.bucket.arn_for_objects(f"{stage}/{self._service}/*")
        whole = ["s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation"]  # CodePipeline's S3 source asks
        verifier = self._verifiers.get(stage, reader)
        statements = (
            (self.bucket, ["s3:GetObject", "s3:GetObjectVersion"], objects, reader),
            (self.bucket, whole, self.bucket.bucket_arn, reader),
            (self.data_key, ["kms:Decrypt"], "*", reader),
            (self.signing_keys[stage], ["kms:Verify"], "*", verifier),
        )
        for resource, actions, arn, role in statements:
            # By the role's name, which holds before the role is made and after it was made anew.
            conditions: dict[str, object] = {"ArnEquals": {"aws:PrincipalArn": role}}
            if resource is self.data_key:
                conditions["StringEquals"] = {"kms:ViaService": f"s3.{Stack.of(self._scope).region}.amazonaws.com"}
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
        bus = Stack.of(self._scope).format_arn(
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
        # The role names the rule before it is there.
        name = f"{self._service}-{stage}-artifacts"
        rule = events.Rule(self._scope, f"{stage.capitalize()}Artifacts", rule_name=name, event_pattern=pattern)
        forwarded_to = events.EventBus.from_event_bus_arn(self._scope, f"{stage.capitalize()}Bus", bus)
        rule.add_target(targets.EventBus(forwarded_to, role=self._forwarding_role(stage, name)))

    def _forwarding_role(self, stage: str, rule: str) -> iam.Role:
        stack = Stack.of(self._scope)
        arn = stack.format_arn(service="events", resource="rule", resource_name=rule)
        conditions = {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnEquals": {"aws:SourceArn": arn}}
        trusted = iam.ServicePrincipal("events.amazonaws.com", conditions=conditions)
        return iam.Role(self._scope, f"{stage.capitalize()}ForwardingRole", assumed_by=trusted)


def check_readers(readers: Mapping[str, str], verifiers: Mapping[str, str]) -> None:
    """Refuses roles that would let in more than was meant.

    Raises:
        ConfigurationError: One is no role, or a stage has none, or two accounts.
    """
    _check_roles("readers", readers)
    if verifiers:
        _check_roles("verifiers", verifiers)
        if any(_account(role) != _account(readers[stage]) for stage, role in verifiers.items()):
            advice = "A stage has one account: its pipeline reads, its build verifies."
            raise ConfigurationError("A verifier is in another account than its reader", advice=advice)


def _check_roles(what: str, roles: Mapping[str, str]) -> None:
    if set(roles) != {stage.value for stage in Stage}:
        advice = "Give the ARN of a role for staging and of one for production."
        raise ConfigurationError(f"The {what} are for {sorted(roles)}", advice=advice)
    for role in roles.values():
        if not _ROLE.fullmatch(role):
            advice = "Give the whole ARN of one role, without a wildcard."
            raise ConfigurationError(f"{role!r} is not the ARN of a role", advice=advice)


def _denied(sid: str, actions: Sequence[str], resources: Sequence[str], *but: iam.Role) -> iam.PolicyStatement:
    roles = [role.role_arn for role in but]
    return iam.PolicyStatement(
        sid=sid,
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=list(actions),
        resources=list(resources),
        conditions={"ArnNotEquals": {"aws:PrincipalArn": roles if len(roles) > 1 else roles[0]}} if roles else {},
    )


def _bucket_in(bucket: s3.Bucket) -> s3.CfnBucket:
    child = bucket.node.default_child
    if not isinstance(child, s3.CfnBucket):
        raise TypeError("a bucket is a CfnBucket")
    return child


def _account(role: str) -> str:
    return role.split(":")[4]

"""Who may do what in a stage's account: what AWS documents for an action, and nothing that the CDK would add."""

from collections.abc import Mapping, Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from canary_router import settings
from canary_router.cdk.resources import Arns
from canary_router.cdk.stage_options import StageOptions, role_of
from canary_router.cdk.wildcards import acknowledge_wildcards

_ABOUT_A_BUCKET = ("s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation")
_READ = ("s3:GetObject", "s3:GetObjectVersion")
_COPIES = "CodePipeline names its copies of artifacts itself, in a bucket that has nothing else."


class StageArns:
    """ARNs of what is made here, by its names, so that roles can name it before it is there.

    Args:
        scope: A construct in the stack.
        service: Name of the service.
        options: Of the stage.
    """

    def __init__(self, scope: Construct, service: str, options: StageOptions) -> None:
        self._stack = Stack.of(scope)
        self._options = options
        self.name = settings.stage_pipeline_name(service, options.stage)
        self.project_name = f"{self.name}-deploy"
        self.pipeline = self._stack.format_arn(service="codepipeline", resource=self.name)
        question = f"{settings.VERDICT_ACTION}/{settings.VERDICT_ACTION}"
        self.question = self._stack.format_arn(service="codepipeline", resource=self.name, resource_name=question)
        self.project = self._stack.format_arn(service="codebuild", resource="project", resource_name=self.project_name)
        self.rule = self._stack.format_arn(service="events", resource="rule", resource_name=f"{self.name}-artifacts")
        self.source_bucket = f"arn:{self._stack.partition}:s3:::{options.bucket}"
        self.artifacts = f"{self.source_bucket}/{options.stage}/{service}/*"
        table = settings.table_name(options.router_environment)
        self.table = self._stack.format_arn(service="dynamodb", resource="table", resource_name=table)
        router = Arns(scope, options.router_environment, [service], [])
        self.pointers = router.parameters("current", "latest", "policy")
        self.latest = router.parameters("latest")

    def bootstrap_roles(self) -> list[str]:
        """The roles of ``cdk bootstrap`` in this account and region that a deployment takes on."""
        account, region = self._stack.account, self._stack.region
        return [
            self._stack.format_arn(
                service="iam",
                region="",
                resource="role",
                resource_name=f"cdk-{self._options.bootstrap_qualifier}-{role}-role-{account}-{region}",
                arn_format=ArnFormat.SLASH_RESOURCE_NAME,
            )
            for role in self._options.bootstrap_roles
        ]


class StageRoles(Construct):
    """The roles of pipeline, source, deployment and event. The verdict function has its own.

    Args:
        scope: Parent construct.
        arns: Of what the roles are for.
        options: Of the stage.
        store: The bucket of CodePipeline's copies.
        store_key: The key that encrypts it.

    Attributes:
        pipeline: CodePipeline's own: takes on the source's, runs the build, keeps copies.
        source: Reads its prefix of the development account's bucket.
        deploy: The build's: reads a copy, verifies it, takes on the roles of ``cdk bootstrap``.
        event: Starts this pipeline.
    """

    def __init__(
        self, scope: Construct, arns: StageArns, options: StageOptions, store: s3.Bucket, store_key: kms.Key
    ) -> None:
        super().__init__(scope, "Roles")
        self._arns = arns
        self._options = options
        self._store = store
        self._store_key = store_key
        self.pipeline = iam.Role(self, "Pipeline", assumed_by=iam.ServicePrincipal("codepipeline.amazonaws.com"))
        self.source = self._named("Source", options.reader, iam.ArnPrincipal(self.pipeline.role_arn))
        self.deploy = self._named("Deploy", options.verifier, self._service("codebuild", arns.project))
        self.event = iam.Role(self, "Event", assumed_by=self._service("events", arns.rule))
        self._allow_pipeline()
        self._allow_source()
        self._allow_deploy()
        _allow(self.event, ["codepipeline:StartPipelineExecution"], [arns.pipeline])

    def _named(self, construct_id: str, arn: str, principal: iam.IPrincipal) -> iam.Role:
        named = role_of(arn)
        return iam.Role(self, construct_id, role_name=named.name, path=named.path, assumed_by=principal)

    def _service(self, service: str, source: str) -> iam.ServicePrincipal:
        account = Stack.of(self).account
        conditions = {"StringEquals": {"aws:SourceAccount": account}, "ArnEquals": {"aws:SourceArn": source}}
        return iam.ServicePrincipal(f"{service}.amazonaws.com", conditions=conditions)

    def _allow_pipeline(self) -> None:
        _allow(self.pipeline, ["sts:AssumeRole"], [self.source.role_arn])
        _allow(self.pipeline, ["codebuild:StartBuild", "codebuild:BatchGetBuilds"], [self._arns.project])
        _allow(self.pipeline, _ABOUT_A_BUCKET, [self._store.bucket_arn])
        self._allow_copies(self.pipeline, [*_READ, "s3:PutObject"], ["kms:Decrypt", "kms:GenerateDataKey"])

    def _allow_source(self) -> None:
        _allow(self.source, _READ, [self._arns.artifacts])
        _allow(self.source, _ABOUT_A_BUCKET, [self._arns.source_bucket])
        via = {"StringEquals": {"kms:ViaService": f"s3.{Stack.of(self).region}.amazonaws.com"}}
        _allow(self.source, ["kms:Decrypt"], [self._options.data_key], via)
        # An upload in parts reads what it has written.
        self._allow_copies(self.source, ["s3:PutObject"], ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"])
        reason = "An artifact's key ends with the tag and the artifact's name, below the stage and this service."
        acknowledge_wildcards(self.source, {self._arns.artifacts: reason})

    def _allow_deploy(self) -> None:
        self._allow_copies(self.deploy, _READ, ["kms:Decrypt"])
        _allow(self.deploy, ["kms:Verify"], [self._options.signing_key])
        # What `ci verify --environment` reads: which versions were deployed, and from which commits.
        _allow(self.deploy, ["ssm:GetParameters"], self._arns.pointers)
        _allow(self.deploy, ["ssm:GetParameterHistory"], self._arns.latest)
        _allow(self.deploy, ["dynamodb:GetItem", "dynamodb:Query"], [self._arns.table])
        _allow(self.deploy, ["sts:AssumeRole"], self._arns.bootstrap_roles())

    def _allow_copies(self, role: iam.Role, actions: Sequence[str], key_actions: Sequence[str]) -> None:
        copies = self._store.arn_for_objects("*")
        _allow(role, actions, [copies])
        _allow(role, key_actions, [self._store_key.key_arn])
        acknowledge_wildcards(role, {copies: _COPIES})


def _allow(
    role: iam.Role,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, object] | None = None,
) -> None:
    role.add_to_policy(
        iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=dict(conditions or {}))
    )

"""What an account of a stage has for delivery: a pipeline that deploys artifacts of the development account.

- An artifact's event starts it, with that very object for its source; nothing polls.
- One execution at a time is in a stage of it, in the order of the tags: a verdict is about one version.
- It waits for the verdict in an approval that a function answers, so nothing runs while jobs take their hours.
"""

import json

from aws_cdk import Acknowledgment, CfnOutput, Duration, RemovalPolicy, Stack, Token, Validations
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from canary_router.cdk import buildspecs
from canary_router.cdk.options import check_no_slug
from canary_router.cdk.stage_options import StageOptions
from canary_router.cdk.stage_roles import StageArns, StageRoles
from canary_router.cdk.stage_verdict import VerdictFunction
from canary_router.errors import ConfigurationError
from canary_router.settings import NAME_PATTERN, SOURCE_ACTION, VERDICT_ACTION

_ARTIFACT = "Artifact"
_NO_TAG = "start-this-with-the-key-of-an-artifact"
"""The object that an execution looks for which nobody has given a key. There is none: it fails, and deploys nothing."""
_COPIES_DAYS = 90


class StagePipeline(Construct):
    """The pipeline of one service, in the account and region of one stage.

    Args:
        scope: A construct in a stack of the stage's account.
        construct_id: Id in the scope.
        service: Name of the service.
        options: Where artifacts come from, and how they are deployed.

    Attributes:
        pipeline: The pipeline, ``{service}-{stage}``.
        project: The build that verifies and deploys.
        verdict: The function that answers the pipeline's question.
        roles: Who may do what.
        store: The bucket of CodePipeline's copies.

    Raises:
        ConfigurationError: The service's name does not have the contract's form, or the stack is in another account or
            region than the options say.
    """

    def __init__(self, scope: Construct, construct_id: str, *, service: str, options: StageOptions) -> None:
        super().__init__(scope, construct_id)
        if not NAME_PATTERN.fullmatch(service):
            raise ConfigurationError(f"{service!r} is not the name of a service", advice="For example 'transformer'.")
        check_no_slug(service)
        self._check_place(options)
        self._service = service
        self._options = options
        self._arns = StageArns(self, service, options)
        self._store_key = kms.Key(
            self, "StoreKey", enable_key_rotation=True, description=f"Copies of artifacts in {self._arns.name}"
        )
        self.store = self._make_store()
        self.roles = StageRoles(self, self._arns, options, self.store, self._store_key)
        self.project = self._make_project()
        self.pipeline = self._make_pipeline()
        self.verdict = VerdictFunction(self, service, options, self._arns).function
        self._let_events_in()
        self._start_on_artifacts()
        CfnOutput(self, "PipelineName", value=self._arns.name)

    def _check_place(self, options: StageOptions) -> None:
        stack = Stack.of(self)
        for is_at, wanted in ((stack.account, options.account), (stack.region, options.region)):
            if not Token.is_unresolved(is_at) and is_at != wanted:
                raise ConfigurationError(
                    f"The stack is in {is_at}, and its options are for {wanted}",
                    advice="Roles are of the stage's account; bucket and keys are in the pipeline's region.",
                )

    def _make_store(self) -> s3.Bucket:
        store = s3.Bucket(
            self,
            "Store",
            versioned=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self._store_key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(_COPIES_DAYS),
                    noncurrent_version_expiration=Duration.days(1),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            removal_policy=RemovalPolicy.RETAIN,
        )
        reason = "It holds copies for a while; the artifacts are in the development account's bucket."
        Validations.of(store).acknowledge(Acknowledgment(id="AwsSolutions-S1", reason=reason))
        return store

    def _make_project(self) -> codebuild.CfnProject:
        log = logs.LogGroup(self, "Log", retention=logs.RetentionDays.ONE_YEAR)
        log.grant_write(self.roles.deploy)
        variables = buildspecs.variables(
            self._service,
            STAGE=self._options.stage,
            ENVIRONMENT=self._options.router_environment,
            SIGNING_KEY=self._options.signing_key,
        )
        project = codebuild.CfnProject(
            self,
            "Deploy",
            name=self._arns.project_name,
            description=f"Verifies artifacts of {self._service} and deploys them in {self._options.stage}",
            service_role=self.roles.deploy.role_arn,
            source=codebuild.CfnProject.SourceProperty(type="CODEPIPELINE", build_spec=self._options.buildspec),
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="CODEPIPELINE"),
            encryption_key=self._store_key.key_arn,
            environment=codebuild.CfnProject.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_SMALL",
                image="aws/codebuild/standard:7.0",
                privileged_mode=False,
                environment_variables=[
                    codebuild.CfnProject.EnvironmentVariableProperty(name=name, type="PLAINTEXT", value=value)
                    for name, value in variables.items()
                ],
            ),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=log.log_group_name
                )
            ),
            timeout_in_minutes=60,
        )
        project.node.add_dependency(self.roles.deploy)
        return project

    def _make_pipeline(self) -> codepipeline.CfnPipeline:
        stages = [
            self._stage(SOURCE_ACTION, self._source()),
            self._stage("Deploy", self._deploy()),
            self._stage(VERDICT_ACTION, self._verdict()),
        ]
        if self._options.approval:
            said = f"#{{{SOURCE_ACTION}.ObjectKey}} is deployed in {self._options.stage}, and was promoted."
            stages.append(self._stage("Approval", _approval("Approval", said)))
        pipeline = codepipeline.CfnPipeline(
            self,
            "Pipeline",
            name=self._arns.name,
            pipeline_type="V2",
            execution_mode="QUEUED",
            role_arn=self.roles.pipeline.role_arn,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3",
                location=self.store.bucket_name,
                encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(type="KMS", id=self._store_key.key_arn),
            ),
            restart_execution_on_update=False,
            stages=stages,
        )
        pipeline.node.add_dependency(self.roles.pipeline, self.roles.source, self.project)
        return pipeline

    def _stage(
        self, name: str, action: codepipeline.CfnPipeline.ActionDeclarationProperty
    ) -> codepipeline.CfnPipeline.StageDeclarationProperty:
        return codepipeline.CfnPipeline.StageDeclarationProperty(name=name, actions=[action])

    def _source(self) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        return codepipeline.CfnPipeline.ActionDeclarationProperty(
            name=SOURCE_ACTION,
            action_type_id=_type("Source", "S3"),
            namespace=SOURCE_ACTION,
            role_arn=self.roles.source.role_arn,
            configuration={
                "S3Bucket": self._options.bucket,
                "S3ObjectKey": f"{self._options.stage}/{self._service}/{_NO_TAG}",
                "AllowOverrideForS3ObjectKey": "true",
                "PollForSourceChanges": "false",
            },
            output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name=_ARTIFACT)],
        )

    def _deploy(self) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        key = {"name": "OBJECT_KEY", "type": "PLAINTEXT", "value": f"#{{{SOURCE_ACTION}.ObjectKey}}"}
        return codepipeline.CfnPipeline.ActionDeclarationProperty(
            name="Deploy",
            action_type_id=_type("Build", "CodeBuild"),
            configuration={"ProjectName": self._arns.project_name, "EnvironmentVariables": json.dumps([key])},
            input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name=_ARTIFACT)],
        )

    def _verdict(self) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        said = f"The verdict on #{{{SOURCE_ACTION}.ObjectKey}}. {self._arns.name}-verdict answers when there is one."
        return _approval(VERDICT_ACTION, said, self._options.wait_days)

    def _let_events_in(self) -> None:
        """The development account may put S3's own events of new objects on the bus, and no others."""
        stack = Stack.of(self)
        events.CfnEventBusPolicy(
            self,
            "Bus",
            statement_id=f"{self._arns.name}-artifacts",
            statement={
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{stack.partition}:iam::{self._options.artifacts_account}:root"},
                "Action": "events:PutEvents",
                "Resource": stack.format_arn(service="events", resource="event-bus", resource_name="default"),
                "Condition": {
                    # "For all values" holds of none, too.
                    "ForAllValues:StringEquals": {"events:source": "aws.s3"},
                    "Null": {"events:source": "false"},
                    "StringEquals": {"events:detail-type": "Object Created"},
                },
            },
        )

    def _start_on_artifacts(self) -> None:
        place = f"{self._options.stage}/{self._service}/"
        revisions = ",".join(
            f'{{"actionName":"{SOURCE_ACTION}","revisionType":"{kind}","revisionValue":<{name}>}}'
            for kind, name in (("S3_OBJECT_KEY", "key"), ("S3_OBJECT_VERSION_ID", "version"))
        )
        rule = events.CfnRule(
            self,
            "Artifacts",
            name=f"{self._arns.name}-artifacts",
            description=f"A new artifact of {self._service} for {self._options.stage}",
            event_pattern={
                "account": [self._options.artifacts_account],
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [self._options.bucket]}, "object": {"key": [{"prefix": place}]}},
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="Pipeline",
                    arn=self._arns.pipeline,
                    role_arn=self.roles.event.role_arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map={"key": "$.detail.object.key", "version": "$.detail.object.version-id"},
                        input_template=f'{{"sourceRevisions":[{revisions}]}}',
                    ),
                )
            ],
        )
        rule.node.add_dependency(self.pipeline, self.roles.event)


def _approval(name: str, said: str, days: int | None = None) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    return codepipeline.CfnPipeline.ActionDeclarationProperty(
        name=name,
        action_type_id=_type("Approval", "Manual"),
        configuration={"CustomData": said},
        timeout_in_minutes=None if days is None else days * 24 * 60,
    )


def _type(category: str, provider: str) -> codepipeline.CfnPipeline.ActionTypeIdProperty:
    return codepipeline.CfnPipeline.ActionTypeIdProperty(category=category, owner="AWS", provider=provider, version="1")

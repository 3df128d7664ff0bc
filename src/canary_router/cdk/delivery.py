"""What the development account has for delivery: builds of pull requests and of tags, the artifacts, and the keys.

- A pull request's build may write its log, and nothing else: it runs what a stranger may have written.
- Each stage has a project for its tags, with a role and a key of its own. A tag's build runs the commit's own tests,
  which may do what they like with its role: sign and write for its own stage. Nobody else does either there.
- Each stage's role, in its own account, reads its stage's artifacts, and its verifier verifies by its stage's key.
- A webhook's build runs the buildspec that stands in its project: no commit says how it is built. Whoever may call
  ``codebuild:StartBuild`` with a buildspec of their own, or change a project, is not held by that; the how-to has the
  policy that denies it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aws_cdk import Acknowledgment, Duration, Stack, Validations
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from canary_router.cdk import buildspecs
from canary_router.cdk.artifact_store import ArtifactStore, check_readers
from canary_router.cdk.options import check_no_slug
from canary_router.core.tags import Stage
from canary_router.errors import ConfigurationError
from canary_router.settings import NAME_PATTERN

TAGS = {
    Stage.STAGING: r"^refs/tags/v[0-9]+\.[0-9]+\.[0-9]+-rc\.[0-9]+$",
    Stage.PRODUCTION: r"^refs/tags/v[0-9]+\.[0-9]+\.[0-9]+$",
}
"""The tags that start a build of each stage. Whether one is a release is for ``ci classify`` to say."""
REPOSITORY = re.compile(r"(?P<owner>[A-Za-z0-9-]{1,39})/(?P<name>[A-Za-z0-9._-]{1,100})", re.ASCII)
"""A repository on GitHub."""
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
        if not REPOSITORY.fullmatch(self.repository):
            raise ConfigurationError(f"{self.repository!r} is no repository", advice="Give owner/name, as on GitHub.")
        check_readers(self.readers, self.verifiers)
        if not self.actors or not all(re.fullmatch(r"[0-9]{1,20}", actor) for actor in self.actors):
            advice = "Give account ids, which never change hands: https://api.github.com/users/NAME tells one."
            raise ConfigurationError(f"{list(self.actors)} are not the account ids of GitHub users", advice=advice)
        for text in (self.pull_request_buildspec, self.tag_buildspec):
            buildspecs.check(text)


class Delivery(Construct):
    """Builds, bucket and keys of one service, in the development account.

    The readers need not exist yet. A reader's own policy must allow it the same as this bucket and these keys do.

    Args:
        scope: A construct in a stack.
        construct_id: Id in the scope.
        service: Name of the service.
        options: Repository, buildspecs and readers.

    Attributes:
        bucket: The bucket; artifacts lie below ``{stage}/{service}/{tag}/``.
        data_key: The key that encrypts the bucket.
        signing_keys: The key that signs what is for each stage; its ARN is what ``ci verify --key`` is given there.
        pull_requests: The project that builds pull requests.
        tags: The project that builds the tags of each stage, ``{service}-{stage}-tag``.

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

        def source(wanted: codebuild.FilterGroup) -> codebuild.ISource:
            return codebuild.Source.git_hub(owner=owner, repo=name, webhook=True, webhook_filters=[wanted])

        stranger = self._role("pull-request")
        writers = {stage.value: self._role(f"{stage}-tag") for stage in Stage}
        store = ArtifactStore(self, service, writers, options.readers, options.verifiers)
        self.bucket, self.data_key, self.signing_keys = store.bucket, store.data_key, store.signing_keys
        self.pull_requests = self._project("pull-request", stranger, source(pull_requests), {})
        self.tags = {}
        for stage, pattern in TAGS.items():
            pushed = codebuild.FilterGroup.in_event_of(codebuild.EventAction.PUSH).and_head_ref_is(pattern)
            self.tags[stage.value] = self._project(
                f"{stage}-tag", writers[stage], source(pushed), self._variables_of(stage)
            )

    def _variables_of(self, stage: Stage) -> dict[str, str]:
        places = {"ARTIFACTS": self.bucket.bucket_name, "SIGNING_KEY": self.signing_keys[stage].key_arn}
        return buildspecs.variables(self._service, STAGE=stage.value, **places)

    def _role(self, kind: str) -> iam.Role:
        stack = Stack.of(self)
        project = stack.format_arn(service="codebuild", resource="project", resource_name=f"{self._service}-{kind}")
        conditions = {"StringEquals": {"aws:SourceAccount": stack.account}, "ArnEquals": {"aws:SourceArn": project}}
        principal = iam.ServicePrincipal("codebuild.amazonaws.com", conditions=conditions)
        return iam.Role(self, f"{_camel(kind)}Role", assumed_by=principal)

    def _project(
        self, kind: str, role: iam.Role, source: codebuild.ISource, variables: Mapping[str, str]
    ) -> codebuild.Project:
        log = logs.LogGroup(self, f"{_camel(kind)}Log", retention=logs.RetentionDays.ONE_YEAR)
        log.grant_write(role)
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
        buildspec = self._options.tag_buildspec if variables else self._options.pull_request_buildspec
        child.add_property_override("Source.BuildSpec", buildspec)
        reason = "It has no artifacts of CodeBuild's: the build signs and copies its own."
        Validations.of(project).acknowledge(Acknowledgment(id="AwsSolutions-CB4", reason=reason))
        return project


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))

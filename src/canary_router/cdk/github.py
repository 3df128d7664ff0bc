"""The development account for teams that build with GitHub Actions: a role for their workflow, in place of CodeBuild.

There is no key that lives long: GitHub signs a token that says of which repository, reference and workflow a job is,
and AWS gives a session of an hour for it. The role is taken on by

- a workflow of one repository, told by its id as well: a name that was given up can be taken by somebody else;
- for a tag, so neither for a branch nor for a pull request nor for an environment;
- from the one file on the one branch that the options name: a commit must not say how it is built, and the file that a
  tag's event starts is the tagged commit's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from canary_router.cdk.artifact_store import ArtifactStore, check_readers
from canary_router.cdk.delivery import REPOSITORY
from canary_router.cdk.options import check_no_slug
from canary_router.core.tags import Stage
from canary_router.errors import ConfigurationError
from canary_router.settings import NAME_PATTERN

ISSUER = "token.actions.githubusercontent.com"
"""Who signs the tokens of GitHub Actions."""
AUDIENCE = "sts.amazonaws.com"
"""For whom the workflow has them signed."""
_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
_WORKFLOW = re.compile(r"\.github/workflows/[A-Za-z0-9._-]+\.ya?ml@refs/heads/[A-Za-z0-9._/-]+", re.ASCII)
_PROVIDER = re.compile(rf"arn:aws[a-z-]*:iam::[0-9]{{12}}:oidc-provider/{re.escape(ISSUER)}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class GitHubOptions:
    """What a delivery by GitHub Actions is of, and for whom.

    Attributes:
        repository: ``owner/name`` on GitHub, in GitHub's own spelling.
        repository_id: Id of the repository: ``gh api repos/OWNER/NAME --jq .id``.
        owner_id: Id of its owner: ``gh api repos/OWNER/NAME --jq .owner.id``.
        readers: The ARN of the role that reads the artifacts of each stage: ``staging`` and ``production``.
        verifiers: The ARN of the role that verifies the artifacts of each stage, in the account of its reader; empty
            when readers verify what they have read.
        workflow: File and branch of the workflow that may sign. The branch should be protected: who may change it may
            sign.
        provider: ARN of the account's identity provider for GitHub. An account can have one only; empty makes it.

    Raises:
        ConfigurationError: One of them is not that.
    """

    repository: str
    repository_id: str
    owner_id: str
    readers: Mapping[str, str]
    verifiers: Mapping[str, str] = field(default_factory=dict)
    workflow: str = ".github/workflows/release.yml@refs/heads/main"
    provider: str = ""

    def __post_init__(self) -> None:
        if not REPOSITORY.fullmatch(self.repository):
            raise ConfigurationError(f"{self.repository!r} is no repository", advice="Give owner/name, as on GitHub.")
        for given in (self.repository_id, self.owner_id):
            if not _ID.fullmatch(given):
                advice = "Give the numbers that https://api.github.com/repos/OWNER/NAME has as id and as owner.id."
                raise ConfigurationError(f"{given!r} is no id of GitHub's", advice=advice)
        check_readers(self.readers, self.verifiers)
        if not _WORKFLOW.fullmatch(self.workflow):
            advice = "Give one file on one branch: .github/workflows/release.yml@refs/heads/main."
            raise ConfigurationError(f"{self.workflow!r} is not a workflow on a branch", advice=advice)
        if self.provider and not _PROVIDER.fullmatch(self.provider):
            advice = f"Give the ARN of the account's provider for {ISSUER}."
            raise ConfigurationError(f"{self.provider!r} is not GitHub's identity provider", advice=advice)

    @property
    def subjects(self) -> list[str]:
        """The subjects of tokens for tags: of names alone, and with the ids that younger repositories have in them."""
        owner, _, name = self.repository.partition("/")
        named = (self.repository, f"{owner}@{self.owner_id}/{name}@{self.repository_id}")
        return [f"repo:{it}:ref:refs/tags/v*" for it in named]


class GitHubDelivery(Construct):
    """Bucket and keys of one service, and the role with which its workflow signs and writes.

    Args:
        scope: A construct in a stack.
        construct_id: Id in the scope.
        service: Name of the service.
        options: Repository, workflow and readers.

    Attributes:
        bucket: The bucket; artifacts lie below ``{stage}/{service}/{tag}/``.
        data_key: The key that encrypts the bucket.
        signing_keys: The key that signs what is for each stage; its ARN is what ``ci verify --key`` is given there.
        role: The workflow's role.

    Raises:
        ConfigurationError: The service's name does not have the contract's form.
    """

    def __init__(self, scope: Construct, construct_id: str, *, service: str, options: GitHubOptions) -> None:
        super().__init__(scope, construct_id)
        if not NAME_PATTERN.fullmatch(service):
            raise ConfigurationError(f"{service!r} is not the name of a service", advice="For example 'transformer'.")
        check_no_slug(service)
        provider = options.provider or self._make_provider()
        conditions = {
            "StringEquals": {
                f"{ISSUER}:aud": AUDIENCE,
                f"{ISSUER}:repository_id": options.repository_id,
                f"{ISSUER}:job_workflow_ref": f"{options.repository}/{options.workflow}",
            },
            "StringLike": {f"{ISSUER}:sub": options.subjects},
        }
        trusted = iam.WebIdentityPrincipal(provider, conditions)
        self.role = iam.Role(self, "WorkflowRole", assumed_by=trusted, description=f"Signs the artifacts of {service}")
        # One role for both stages: the job that has it runs nothing of the commit.
        writers = {stage.value: self.role for stage in Stage}
        store = ArtifactStore(self, service, writers, options.readers, options.verifiers)
        self.bucket, self.data_key, self.signing_keys = store.bucket, store.data_key, store.signing_keys
        CfnOutput(self, "RoleArn", value=self.role.role_arn)

    def _make_provider(self) -> str:
        # The CDK's older construct for it is a function that may change every provider of the account.
        provider = iam.CfnOIDCProvider(self, "Provider", url=f"https://{ISSUER}", client_id_list=[AUDIENCE])
        return provider.attr_arn

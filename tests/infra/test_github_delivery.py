"""The role of a GitHub workflow: for which tokens AWS gives it, and what it may do then."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from tests.infra import pages, stacks
from tests.infra.iam import cast, mutants
from tests.infra.iam.access import Keys, Place, Principal, World, read
from tests.infra.iam.deployed import Deployed
from tests.infra.templates import Template

from canary_router.cdk import GitHubDelivery
from canary_router.cdk.github import ISSUER
from canary_router.errors import ConfigurationError
from github_actions import app

PROVIDER = f"arn:aws:iam::{cast.DEV}:oidc-provider/{ISSUER}"
WORKFLOW = ".github/workflows/release.yml@refs/heads/main"
TAG: dict[str, str] = {
    "aud": "sts.amazonaws.com",
    "sub": "repo:example/transformer:ref:refs/tags/v1.2.0",
    "repository_id": "1296269",
    "job_workflow_ref": f"example/transformer/{WORKFLOW}",
}
GIVEN = {
    "a release": {},
    "a candidate": {"sub": "repo:example/transformer:ref:refs/tags/v1.2.0-rc.1"},
    "a younger repository": {"sub": "repo:example@583231/transformer@1296269:ref:refs/tags/v1.2.0"},
}
REFUSED = {
    "the main branch": {"sub": "repo:example/transformer:ref:refs/heads/main"},
    "a branch called like a tag": {"sub": "repo:example/transformer:ref:refs/heads/refs/tags/v1.2.0"},
    "another tag": {"sub": "repo:example/transformer:ref:refs/tags/nightly"},
    "a pull request": {"sub": "repo:example/transformer:pull_request"},
    "an environment": {"sub": "repo:example/transformer:environment:production"},
    "an environment called like a tag": {"sub": "repo:example/transformer:environment:ref:refs/tags/v1.2.0"},
    "a fork": {"sub": "repo:somebody/transformer:ref:refs/tags/v1.2.0", "repository_id": "77"},
    "another repository": {"sub": "repo:example/other:ref:refs/tags/v1.2.0", "repository_id": "78"},
    "a longer name": {"sub": "repo:example/transformer2:ref:refs/tags/v1.2.0", "repository_id": "79"},
    "another owner's with our name in it": {"sub": "repo:evil/repo:example/transformer:ref:refs/tags/v1.2.0"},
    "a name that was taken over": {"repository_id": "80"},
    "a younger one with another id": {"sub": "repo:example@583231/transformer@80:ref:refs/tags/v1.2.0"},
    "the tagged commit's own file": {
        "job_workflow_ref": "example/transformer/.github/workflows/tag.yml@refs/tags/v1.2.0"
    },
    "the right file of the tagged commit": {
        "job_workflow_ref": "example/transformer/.github/workflows/release.yml@refs/tags/v1.2.0"
    },
    "another file of the branch": {"job_workflow_ref": "example/transformer/.github/workflows/x.yml@refs/heads/main"},
    "the workflow of a fork": {"job_workflow_ref": f"somebody/transformer/{WORKFLOW}"},
    "another audience": {"aud": "https://github.com/example"},
    "another issuer": {},
}
EQUIVALENT = (
    # A bucket's policy is asked about that bucket only.
    f" {cast.ABOUT_A_BUCKET}: * for arn:aws:s3:::{stacks.STAGING_OPTIONS.bucket}",
    # Nothing else can be done with a token.
    " sts:AssumeRoleWithWebIdentity: with sts:*",
)
"""Mutants that allow and refuse the same."""
MAY = r"""
{given}                | sts:AssumeRoleWithWebIdentity | role | all
workflow               | s3:PutObject             | staging/transformer, production/transformer | TLS
workflow               | kms:GenerateDataKey, kms:Decrypt | data key | through S3
workflow               | kms:Sign                 | staging signing key, production signing key | all
staging source         | s3:GetObject, s3:GetObjectVersion | staging/transformer | TLS
production source      | s3:GetObject, s3:GetObjectVersion | production/transformer | TLS
staging source, production source | {about}       | artifacts | TLS
staging source, production source | kms:Decrypt   | data key | through S3
staging deploy         | kms:Verify               | staging signing key | all
production deploy      | kms:Verify               | production signing key | all
administrator          | all                      | artifacts | TLS
administrator          | all                      | data key, another data key | all
administrator          | all                      | another staging signing key, another production signing key | all
administrator          | all but kms:Sign         | staging signing key, production signing key | all
administrator          | all but sts:AssumeRole, sts:AssumeRoleWithWebIdentity | role | all
administrator          | all but s3:PutObject, s3:ReplicateObject, s3:DeleteObject, s3:DeleteObjectVersion, \
                         s3:ReplicateDelete       | {objects} | TLS
"""


def token(name: str, claims: dict[str, str]) -> Principal:
    keys: Keys = {f"{ISSUER}:{claim}": value for claim, value in {**TAG, **claims}.items()}
    issuer = PROVIDER.replace(ISSUER, "gitlab.com") if name == "another issuer" else PROVIDER
    return Principal(name, issuer, context=keys)


@pytest.fixture(scope="module")
def world(assembled: Path) -> World:
    deployed = cast.development(Template.read(assembled, stacks.GITHUB))
    role = deployed.made("DeliveryWorkflowRole")
    principals = [token(name, claims) for name, claims in {**GIVEN, **REFUSED}.items()]
    principals += [Principal.role("workflow", role, f"identity {role}")]
    principals += [Principal.role("administrator", f"arn:aws:iam::{cast.DEV}:role/admin")]
    for what, roles in (("source", stacks.READERS), ("deploy", stacks.VERIFIERS)):
        principals += [Principal.role(f"{stage} {what}", arn) for stage, arn in roles.items()]
    for stage, arn in stacks.READERS.items():
        account = arn.partition(":role/")[0]
        principals += [Principal.role(f"{stage} administrator", f"{account}:role/admin")]
    places = [*cast.of_store(deployed), Place("role", "role", role, cast.DEV, f"trust {role}")]
    policies = {name: it for name, it in deployed.policies.items() if "ForwardingRole" not in name}
    return World(principals, places, {**policies, **cast.of_another_key()})


def test_the_role_is_given_for_tags_by_the_main_branchs_workflow_and_signs_and_writes(world: World) -> None:
    written = [(name, it) for name, it in world.documents.items() if not name.startswith(cast.NOT_WRITTEN)]
    changed = [(f"{name}: {what}", (name, it)) for name, policy in written for what, it in mutants.of(policy)]
    allowed, noticed = world.evaluated([it for _, it in changed])
    objects = ", ".join((*cast.OWN, *cast.LOOKALIKES))
    expected = read(MAY.format(given=", ".join(GIVEN), about=cast.ABOUT_A_BUCKET, objects=objects), world)
    assert (sorted(allowed - expected), sorted(expected - allowed)) == ([], [])
    survivors = [what for (what, _), fact in zip(changed, noticed, strict=True) if fact is None]
    assert [what for what in survivors if not what.endswith(EQUIVALENT)] == []
    assert len(survivors) == 3


def test_the_example_of_the_how_to_makes_one() -> None:
    names: dict[str, object] = {}
    exec(pages.example("docs/how-to/build-with-github-actions.md", "github"), names)  # noqa: S102 - the project's own text
    stack = names["stack"]
    assert isinstance(stack, cdk.Stack)
    assertions.Template.from_stack(stack).resource_count_is("AWS::IAM::OIDCProvider", 1)
    assert names["options"] == app.OPTIONS


def test_the_example_app_makes_one() -> None:
    assertions.Template.from_stack(app.build(cdk.App())).resource_count_is("AWS::IAM::OIDCProvider", 1)


def test_a_provider_that_the_account_has_is_used() -> None:
    stack = cdk.Stack(cdk.App(), "x")
    options = replace(stacks.GITHUB_OPTIONS, provider=PROVIDER)
    GitHubDelivery(stack, "Delivery", service="transformer", options=options)
    template = Template(dict(assertions.Template.from_stack(stack).to_json()))
    assert template.all("AWS::IAM::OIDCProvider") == []
    (trusts,) = (
        trust
        for name, trust in Deployed(template, cast.DEV).policies.items()
        if name.startswith("trust") and "Workflow" in name
    )
    assert trusts["Statement"][0]["Principal"] == {"Federated": PROVIDER}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"repository": "example/*"}, "is no repository"),
        ({"repository_id": ""}, "is no id"),
        ({"repository_id": "*"}, "is no id"),
        ({"owner_id": "example"}, "is no id"),
        ({"workflow": ".github/workflows/*@refs/heads/main"}, "not a workflow on a branch"),
        ({"workflow": ".github/workflows/release.yml"}, "not a workflow on a branch"),
        ({"workflow": ".github/workflows/release.yml@refs/tags/v1.0.0"}, "not a workflow on a branch"),
        ({"provider": "arn:aws:iam::111111111111:oidc-provider/example.com"}, "not GitHub's identity provider"),
        ({"readers": {"staging": stacks.READERS["staging"]}}, "readers are for"),
    ],
    ids=str,
)
def test_what_would_let_in_more_than_was_meant_is_refused_at_synthesis(part: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(stacks.GITHUB_OPTIONS, **part)


def test_a_service_whose_name_cannot_be_one_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is not the name of a service"):
        GitHubDelivery(cdk.Stack(cdk.App(), "x"), "Delivery", service="X", options=stacks.GITHUB_OPTIONS)

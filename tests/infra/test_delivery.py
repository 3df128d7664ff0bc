"""The development account's side of delivery: who may do what with artifacts and keys, and what starts a build."""

from dataclasses import replace
from itertools import product
from typing import Any

import aws_cdk as cdk
import pytest
import yaml
from aws_cdk import assertions
from tests.infra import pages, stacks
from tests.infra.access import OWNER, Request, answer
from tests.infra.templates import Template, shown

from canary_router import __version__
from canary_router.cdk import Delivery, DeliveryOptions, buildspecs
from canary_router.errors import ConfigurationError

BUILDER = "<DeliveryTagRole.Arn>"
STAGING, PRODUCTION = stacks.READERS["staging"], stacks.READERS["production"]
BUCKET = "<DeliveryArtifacts.Arn>"
S3 = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
VIA_S3 = {"kms:ViaService": "s3.<AWS::Region>.amazonaws.com"}
OTHERS = [
    stacks.VERIFIERS["staging"],
    stacks.VERIFIERS["production"],
    "arn:aws:iam::222222222222:role/staging-pipeline-2",
    "arn:aws:iam::222222222222:role/admin",
    "arn:aws:iam::333333333333:user/somebody",
    "arn:aws:iam::444444444444:role/staging-pipeline",
    f"arn:aws:iam::{OWNER}:role/admin",
    f"arn:aws:iam::{OWNER}:role/pull-request",
]
EVERYBODY = [BUILDER_ARN := f"arn:aws:iam::{OWNER}:role/builder", STAGING, PRODUCTION, *OTHERS]
READS = ("s3:GetObject", "s3:GetObjectVersion")
ABOUT = ("s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation")
OTHER_ACTIONS = ("s3:ListBucket", "s3:PutBucketPolicy", "s3:GetObjectAcl", "s3:PutObjectAcl", "s3:DeleteBucket")
PREFIXES = [f"{stage}/{service}" for stage in ("staging", "production", "other") for service in ("transformer", "x")]


@pytest.fixture
def bucket(delivery: Template) -> dict[str, Any]:
    return dict(delivery.one("AWS::S3::BucketPolicy")["PolicyDocument"])


def keys(delivery: Template) -> tuple[dict[str, Any], dict[str, Any]]:
    """The policies of the key that encrypts and of the one that signs."""
    found = {key.get("KeyUsage", "ENCRYPT_DECRYPT"): key["KeyPolicy"] for key in delivery.all("AWS::KMS::Key")}
    return found["ENCRYPT_DECRYPT"], found["SIGN_VERIFY"]


def test_each_stages_role_reads_its_own_prefix_and_nobody_else_reads_anything(bucket: dict[str, Any]) -> None:
    allowed = {
        (who, action, prefix)
        for who, action, prefix in product([STAGING, PRODUCTION, *OTHERS[:6]], (*READS, *OTHER_ACTIONS), PREFIXES)
        if answer(bucket, Request(who, action, f"{BUCKET}/{prefix}/v1.0.0/a.zip", S3)) == "Allow"
    }
    assert allowed == {
        (who, action, f"{stage}/transformer")
        for who, stage in ((STAGING, "staging"), (PRODUCTION, "production"))
        for action in READS
    }


def test_of_the_bucket_itself_they_learn_what_codepipeline_asks(bucket: dict[str, Any]) -> None:
    allowed = {
        (who, action)
        for who, action in product([STAGING, PRODUCTION, *OTHERS[:6]], (*ABOUT, *READS, *OTHER_ACTIONS))
        if answer(bucket, Request(who, action, BUCKET, S3)) == "Allow"
    }
    assert allowed == set(product((STAGING, PRODUCTION), ABOUT))


def test_only_the_build_of_tags_may_write_and_nobody_deletes(bucket: dict[str, Any]) -> None:
    place = f"{BUCKET}/production/transformer/v1.0.0/a.zip"
    said = {who: answer(bucket, _request(who, "s3:PutObject", place)) for who in EVERYBODY}
    assert {who for who, effect in said.items() if effect != "Deny"} == {BUILDER_ARN}
    for who, action in product(EVERYBODY, ("s3:DeleteObject", "s3:DeleteObjectVersion")):
        assert answer(bucket, _request(who, action, place)) == "Deny"


def _request(who: str, action: str, resource: str) -> Request:
    """The role's ARN is known at deployment only: its place in the template stands for it."""
    if who != BUILDER_ARN:
        return Request(who, action, resource, S3)
    return Request(BUILDER_ARN, action, resource, S3 | {"aws:PrincipalArn": BUILDER})


@pytest.mark.parametrize("context", [{"aws:SecureTransport": "false"}, S3 | {"s3:TlsVersion": "1.1"}], ids=str)
def test_nobody_reads_in_clear_or_over_an_old_tls(bucket: dict[str, Any], context: dict[str, str]) -> None:
    for who, stage in ((STAGING, "staging"), (PRODUCTION, "production")):
        request = Request(who, "s3:GetObject", f"{BUCKET}/{stage}/transformer/v1.0.0/a.zip", context)
        assert answer(bucket, request) == "Deny"


def test_the_roles_decrypt_through_s3_and_verify_and_nobody_but_the_build_signs(delivery: Template) -> None:
    encrypting, signing = keys(delivery)
    actions = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:Sign", "kms:Verify", "kms:PutKeyPolicy")
    readers, verifiers = {STAGING, PRODUCTION}, set(stacks.VERIFIERS.values())
    for policy, context, wanted in (
        (encrypting, VIA_S3, {(who, "kms:Decrypt") for who in readers}),
        (encrypting, {}, set()),
        (signing, {}, {(who, "kms:Verify") for who in verifiers}),
    ):
        asked = product([STAGING, PRODUCTION, *OTHERS[:6]], actions)
        found = {it for it in asked if answer(policy, Request(*it, "*", context)) == "Allow"}
        assert found == wanted
    admin = OTHERS[6]
    assert answer(signing, Request(admin, "kms:Sign", "*")) == "Deny"
    assert answer(signing, Request(admin, "kms:PutKeyPolicy", "*")) == "Allow"
    assert answer(signing, _request(BUILDER_ARN, "kms:Sign", "*")) == "Allow"


def test_without_verifiers_of_their_own_readers_verify() -> None:
    stack = cdk.Stack(cdk.App(), "x")
    options = replace(stacks.DELIVERY_OPTIONS, verifiers={})
    Delivery(stack, "Delivery", service="transformer", options=options)
    _, signing = keys(Template(dict(assertions.Template.from_stack(stack).to_json())))
    said = {who: answer(signing, Request(who, "kms:Verify", "*")) for who in EVERYBODY}
    admin = f"arn:aws:iam::{OWNER}:role/admin"
    assert {who for who, effect in said.items() if effect == "Allow"} >= {STAGING, PRODUCTION, admin}
    assert said[stacks.VERIFIERS["staging"]] == "nothing"


def test_the_build_of_a_pull_request_may_write_its_log_and_nothing_else(delivery: Template) -> None:
    log = {"<DeliveryPullRequestLog.Arn>"}
    assert _grants(delivery, "PullRequest") == {"logs:CreateLogStream": log, "logs:PutLogEvents": log}
    project = _project(delivery, "transformer-pull-request")
    assert "EnvironmentVariables" not in project["Environment"]
    assert project["Environment"]["PrivilegedMode"] is False


def test_the_build_of_a_tag_may_sign_and_put_and_nothing_else(delivery: Template) -> None:
    log, data = {"<DeliveryTagLog.Arn>"}, {"<DeliveryDataKey.Arn>"}
    assert _grants(delivery, "Tag") == {
        "logs:CreateLogStream": log,
        "logs:PutLogEvents": log,
        "kms:Sign": {"<DeliverySigningKey.Arn>"},
        "s3:PutObject": {f"{BUCKET}/{stage}/transformer/*" for stage in ("staging", "production")},
        "kms:GenerateDataKey": data,
        "kms:Decrypt": data,
    }
    variables = _project(delivery, "transformer-tag")["Environment"]["EnvironmentVariables"]
    assert {it["Name"]: shown(it["Value"]) for it in variables} == {
        "SERVICE": "transformer",
        "CANARY_ROUTER_VERSION": __version__,
        "ARTIFACTS": "<DeliveryArtifacts>",
        "SIGNING_KEY": "<DeliverySigningKey.Arn>",
    }


def test_a_role_is_codebuilds_for_its_own_project_in_this_account(delivery: Template) -> None:
    for kind, role in (("pull-request", "PullRequest"), ("tag", "Tag")):
        (name,) = (it for it in delivery.named("AWS::IAM::Role") if it.startswith(f"Delivery{role}Role"))
        (statement,) = delivery.resource(name)["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "codebuild.amazonaws.com"}
        assert shown(statement["Condition"]["StringEquals"]["aws:SourceAccount"]) == "<AWS::AccountId>"
        project = shown(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
        assert project.endswith(f":<AWS::AccountId>:project/transformer-{kind}")


def test_pull_requests_of_the_allowed_people_and_tags_start_a_build_and_nothing_else_does(delivery: Template) -> None:
    pull_requests, tags = (_project(delivery, f"transformer-{kind}") for kind in ("pull-request", "tag"))
    assert pull_requests["Triggers"] == {
        "Webhook": True,
        "FilterGroups": [
            [
                {"Type": "EVENT", "Pattern": "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED, PULL_REQUEST_REOPENED"},
                {"Type": "ACTOR_ACCOUNT_ID", "Pattern": "^(583231|9919)$"},
            ]
        ],
    }
    tag = r"^refs/tags/v[0-9]+\.[0-9]+\.[0-9]+(-rc\.[0-9]+)?$"
    groups = [[{"Type": "EVENT", "Pattern": "PUSH"}, {"Type": "HEAD_REF", "Pattern": tag}]]
    assert tags["Triggers"] == {"Webhook": True, "FilterGroups": groups}


def test_a_build_runs_the_yaml_of_its_project_on_all_of_the_history(delivery: Template) -> None:
    for kind, text in (
        ("pull-request", stacks.DELIVERY_OPTIONS.pull_request_buildspec),
        ("tag", stacks.DELIVERY_OPTIONS.tag_buildspec),
    ):
        source = _project(delivery, f"transformer-{kind}")["Source"]
        assert source["BuildSpec"] == text
        assert source["Location"] == "https://github.com/example/transformer.git"
        assert source.get("GitCloneDepth", 0) == 0


def test_each_account_is_told_of_its_own_artifacts(delivery: Template) -> None:
    told = {}
    for rule in delivery.all("AWS::Events::Rule"):
        (target,) = rule["Targets"]
        pattern = rule["EventPattern"]
        assert (pattern["source"], pattern["detail-type"]) == (["aws.s3"], ["Object Created"])
        assert shown(pattern["detail"]["bucket"]["name"][0]) == "<DeliveryArtifacts>"
        told[shown(target["Arn"])] = pattern["detail"]["object"]["key"]
    assert told == {
        f"arn:<AWS::Partition>:events:<AWS::Region>:{account}:event-bus/default": [{"prefix": f"{stage}/transformer/"}]
        for account, stage in (("222222222222", "staging"), ("333333333333", "production"))
    }
    assert delivery.one("AWS::S3::Bucket")["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }


def test_the_bucket_keeps_what_was_written_and_is_nobodys_but_the_accounts(delivery: Template) -> None:
    bucket = delivery.one("AWS::S3::Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (name,) = delivery.named("AWS::S3::Bucket")
    assert delivery.resource(name)["DeletionPolicy"] == "Retain"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"repository": "transformer"}, "is no repository"),
        ({"repository": "https://github.com/a/b"}, "is no repository"),
        ({"readers": {"staging": STAGING}}, "readers are for"),
        ({"readers": {"staging": STAGING, "production": "*"}}, "not the ARN of a role"),
        ({"readers": {"staging": STAGING, "production": "arn:aws:iam::333333333333:root"}}, "not the ARN of a role"),
        ({"readers": {"staging": STAGING, "production": "arn:aws:iam::333333333333:role/*"}}, "not the ARN of a role"),
        ({"verifiers": {"staging": STAGING}}, "verifiers are for"),
        ({"verifiers": {"staging": PRODUCTION, "production": PRODUCTION}}, "in another account"),
        ({"verifiers": {"staging": STAGING, "production": "*"}}, "not the ARN of a role"),
        ({"actors": []}, "not the account ids"),
        ({"actors": ["somebody"]}, "not the account ids"),
        ({"actors": [".*"]}, "not the account ids"),
        ({"tag_buildspec": "buildspec.yml"}, "has no version"),
        ({"pull_request_buildspec": ""}, "has no version"),
    ],
    ids=str,
)
def test_what_would_let_in_more_than_was_meant_is_refused_at_synthesis(part: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(stacks.DELIVERY_OPTIONS, **part)


@pytest.mark.parametrize("service", ["Transformer", "etl-v1-0-0"])
def test_a_service_whose_name_cannot_be_one_is_refused(service: str) -> None:
    options: DeliveryOptions = stacks.DELIVERY_OPTIONS
    with pytest.raises(ConfigurationError, match="is not the name of a service"):
        Delivery(cdk.Stack(cdk.App(), "x"), "Delivery", service=service, options=options)


def test_the_example_of_the_how_to_makes_one() -> None:
    names: dict[str, object] = {}
    exec(pages.example("docs/how-to/from-a-tag-to-a-version.md", "delivery"), names)  # noqa: S102 - the project's own text
    stack = names["stack"]
    assert isinstance(stack, cdk.Stack)
    template = Template(dict(assertions.Template.from_stack(stack).to_json()))
    texts = {it["Name"]: it["Source"]["BuildSpec"] for it in template.all("AWS::CodeBuild::Project")}
    assert texts == {"transformer-tag": buildspecs.TAG, "transformer-pull-request": buildspecs.PULL_REQUEST}


@pytest.mark.parametrize("text", [buildspecs.PULL_REQUEST, buildspecs.TAG, buildspecs.DEPLOY])
def test_a_buildspec_that_the_package_brings_is_one(text: str) -> None:
    document = yaml.safe_load(text)
    assert document.keys() == {"version", "phases"}
    assert document["version"] == 0.2
    assert set(document["phases"]) <= {"install", "pre_build", "build", "post_build"}
    for phase in document["phases"].values():
        assert phase.keys() <= {"commands", "runtime-versions"}
        assert all(isinstance(command, str) and command for command in phase.get("commands", []))


def _project(delivery: Template, name: str) -> dict[str, Any]:
    return delivery.by("AWS::CodeBuild::Project", "Name")[name]


def _grants(delivery: Template, role: str) -> dict[str, set[str]]:
    (name,) = (it for it in delivery.named("AWS::IAM::Role") if it.startswith(f"Delivery{role}Role"))
    return delivery.grants(name)

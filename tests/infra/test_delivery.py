"""The development account's side of delivery: what is in it, and what starts a build."""

from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest
import yaml
from aws_cdk import assertions
from tests.infra import pages, stacks
from tests.infra.templates import Template, shown

from canary_router import __version__
from canary_router.cdk import Delivery, DeliveryOptions, buildspecs
from canary_router.errors import ConfigurationError

STAGING, PRODUCTION = stacks.READERS["staging"], stacks.READERS["production"]
BUCKET = "<DeliveryArtifacts.Arn>"


def test_without_verifiers_of_their_own_readers_verify() -> None:
    stack = cdk.Stack(cdk.App(), "x")
    options = replace(stacks.DELIVERY_OPTIONS, verifiers={})
    Delivery(stack, "Delivery", service="transformer", options=options)
    template = Template(dict(assertions.Template.from_stack(stack).to_json()))
    for stage, reader in stacks.READERS.items():
        (key,) = (it for name, it in template.named("AWS::KMS::Key").items() if f"{stage.capitalize()}Signing" in name)
        verifying = [it["Condition"] for it in key["KeyPolicy"]["Statement"] if it["Action"] == "kms:Verify"]
        assert verifying == [{"ArnEquals": {"aws:PrincipalArn": reader}}]


def test_the_build_of_a_pull_request_may_write_its_log_and_nothing_else(delivery: Template) -> None:
    log = {"<DeliveryPullRequestLog.Arn>"}
    assert _grants(delivery, "PullRequest") == {"logs:CreateLogStream": log, "logs:PutLogEvents": log}
    project = _project(delivery, "transformer-pull-request")
    assert "EnvironmentVariables" not in project["Environment"]
    assert project["Environment"]["PrivilegedMode"] is False


@pytest.mark.parametrize("stage", stacks.READERS)
def test_the_build_of_a_tag_may_sign_and_put_for_its_stage_and_nothing_else(delivery: Template, stage: str) -> None:
    name = stage.capitalize()
    log, data = {f"<Delivery{name}TagLog.Arn>"}, {"<DeliveryDataKey.Arn>"}
    assert _grants(delivery, f"{name}Tag") == {
        "logs:CreateLogStream": log,
        "logs:PutLogEvents": log,
        "kms:Sign": {f"<Delivery{name}SigningKey.Arn>"},
        "s3:PutObject": {f"{BUCKET}/{stage}/transformer/*"},
        "kms:GenerateDataKey": data,
        "kms:Decrypt": data,
    }
    variables = _project(delivery, f"transformer-{stage}-tag")["Environment"]["EnvironmentVariables"]
    assert {it["Name"]: shown(it["Value"]) for it in variables} == {
        "SERVICE": "transformer",
        "CANARY_ROUTER_VERSION": __version__,
        "ARTIFACTS": "<DeliveryArtifacts>",
        "SIGNING_KEY": f"<Delivery{name}SigningKey.Arn>",
        "STAGE": stage,
    }


def test_a_role_is_codebuilds_for_its_own_project_in_this_account(delivery: Template) -> None:
    kinds = {"pull-request": "PullRequest", "staging-tag": "StagingTag", "production-tag": "ProductionTag"}
    for kind, role in kinds.items():
        (name,) = (it for it in delivery.named("AWS::IAM::Role") if it.startswith(f"Delivery{role}Role"))
        (statement,) = delivery.resource(name)["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "codebuild.amazonaws.com"}
        assert shown(statement["Condition"]["StringEquals"]["aws:SourceAccount"]) == "<AWS::AccountId>"
        project = shown(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
        assert project.endswith(f":<AWS::AccountId>:project/transformer-{kind}")


def test_pull_requests_of_the_allowed_people_and_tags_start_a_build_and_nothing_else_does(delivery: Template) -> None:
    assert _project(delivery, "transformer-pull-request")["Triggers"] == {
        "Webhook": True,
        "FilterGroups": [
            [
                {"Type": "EVENT", "Pattern": "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED, PULL_REQUEST_REOPENED"},
                {"Type": "ACTOR_ACCOUNT_ID", "Pattern": "^(583231|9919)$"},
            ]
        ],
    }
    final = r"^refs/tags/v[0-9]+\.[0-9]+\.[0-9]+"
    for stage, tag in {"staging": rf"{final}-rc\.[0-9]+$", "production": f"{final}$"}.items():
        groups = [[{"Type": "EVENT", "Pattern": "PUSH"}, {"Type": "HEAD_REF", "Pattern": tag}]]
        assert _project(delivery, f"transformer-{stage}-tag")["Triggers"] == {"Webhook": True, "FilterGroups": groups}


def test_a_build_runs_the_yaml_of_its_project_on_all_of_the_history(delivery: Template) -> None:
    for kind, text in (
        ("pull-request", stacks.DELIVERY_OPTIONS.pull_request_buildspec),
        ("staging-tag", stacks.DELIVERY_OPTIONS.tag_buildspec),
        ("production-tag", stacks.DELIVERY_OPTIONS.tag_buildspec),
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
    tags = {f"transformer-{stage}-tag": buildspecs.TAG for stage in stacks.READERS}
    assert texts == {**tags, "transformer-pull-request": buildspecs.PULL_REQUEST}


@pytest.mark.parametrize("text", [buildspecs.PULL_REQUEST, buildspecs.TAG, buildspecs.DEPLOY])
def test_a_buildspec_that_the_package_brings_is_one(text: str) -> None:
    document = yaml.safe_load(text)
    # `ci classify` and `ci pack` ask a remote that may be private.
    asks = "ci classify" in text
    assert document.pop("env", {}) == ({"git-credential-helper": True} if asks else {})
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

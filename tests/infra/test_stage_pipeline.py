"""A stage's account: what starts its pipeline, what the pipeline does, and who may do what for it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from tests.contracts.samples import release
from tests.infra import pages, stacks
from tests.infra.templates import Template, shown

from canary_router import __version__
from canary_router.cdk import StagePipeline, buildspecs
from canary_router.core.announcement import announce
from canary_router.core.model import Basis, ReleaseState
from canary_router.core.policy import Policy

DEVELOPMENT = "111111111111"
PIPELINE = "arn:<AWS::Partition>:codepipeline:<AWS::Region>:<AWS::AccountId>:transformer-staging"
STORE, STORE_KEY = "<StageStore.Arn>", "<StageStoreKey.Arn>"
COPIES = f"{STORE}/*"
ARTIFACTS = "arn:<AWS::Partition>:s3:::artifacts-of-transformer"
TABLE = "arn:<AWS::Partition>:dynamodb:<AWS::Region>:<AWS::AccountId>:table/canary-router-staging"
PARAMETERS = "arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/canary-router/staging/transformer"


@pytest.fixture(scope="session")
def staging(assembled: Path) -> Template:
    return Template.read(assembled, stacks.STAGES["staging"])


@pytest.fixture(scope="session")
def production(assembled: Path) -> Template:
    return Template.read(assembled, stacks.STAGES["production"])


def role(template: Template, name: str) -> str:
    (found,) = (it for it in template.named("AWS::IAM::Role") if it.startswith(f"StageRoles{name}"))
    return found


def trust(template: Template, name: str) -> dict[str, Any]:
    document = template.resource(role(template, name))["Properties"]["AssumeRolePolicyDocument"]
    (statement,) = document["Statement"]
    return dict(statement)


def stages(template: Template) -> dict[str, dict[str, Any]]:
    """The one action of each stage, in their order."""
    found = template.one("AWS::CodePipeline::Pipeline")["Stages"]
    return {it["Name"]: action for it in found for (action,) in [it["Actions"]]}


def each(resource: str, *actions: str) -> dict[str, set[str]]:
    """These actions, on one resource."""
    return {action: {resource} for action in actions}


def rules(template: Template) -> dict[str, dict[str, Any]]:
    return template.by("AWS::Events::Rule", "Name")


def test_source_deployment_and_verdict_come_in_this_order_and_a_person_only_where_wanted(
    staging: Template, production: Template
) -> None:
    assert list(stages(staging)) == ["Source", "Deploy", "Verdict"]
    assert list(stages(production)) == ["Source", "Deploy", "Verdict", "Approval"]
    for name, template in (("transformer-staging", staging), ("transformer-production", production)):
        pipeline = template.one("AWS::CodePipeline::Pipeline")
        assert (pipeline["Name"], pipeline["PipelineType"], pipeline["ExecutionMode"]) == (name, "V2", "QUEUED")


def test_the_source_is_what_the_event_names_and_without_an_event_nothing(staging: Template) -> None:
    source = stages(staging)["Source"]
    assert source["Configuration"] == {
        "S3Bucket": "artifacts-of-transformer",
        "S3ObjectKey": "staging/transformer/start-this-with-the-key-of-an-artifact",
        "AllowOverrideForS3ObjectKey": "true",
        "PollForSourceChanges": "false",
    }
    assert source["RoleArn"] == {"Fn::GetAtt": [role(staging, "Source"), "Arn"]}
    assert (source["Namespace"], source["ActionTypeId"]["Provider"]) == ("Source", "S3")


def test_an_artifacts_event_starts_the_pipeline_with_that_very_object(staging: Template) -> None:
    rule = rules(staging)["transformer-staging-artifacts"]
    assert rule["EventPattern"] == {
        "account": [DEVELOPMENT],
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": ["artifacts-of-transformer"]},
            "object": {"key": [{"prefix": "staging/transformer/"}]},
        },
    }
    (target,) = rule["Targets"]
    assert shown(target["Arn"]) == PIPELINE
    assert target["RoleArn"] == {"Fn::GetAtt": [role(staging, "Event"), "Arn"]}
    transformer = target["InputTransformer"]
    assert transformer["InputPathsMap"] == {"key": "$.detail.object.key", "version": "$.detail.object.version-id"}
    text = transformer["InputTemplate"].replace("<key>", '"staging/transformer/k"').replace("<version>", '"v7"')
    assert json.loads(text) == {
        "sourceRevisions": [
            {"actionName": "Source", "revisionType": "S3_OBJECT_KEY", "revisionValue": "staging/transformer/k"},
            {"actionName": "Source", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": "v7"},
        ]
    }


def test_the_event_that_development_sends_is_the_one_that_is_waited_for(delivery: Template, staging: Template) -> None:
    sent = {it["EventPattern"]["detail"]["object"]["key"][0]["prefix"]: it for it in delivery.all("AWS::Events::Rule")}
    mine = rules(staging)["transformer-staging-artifacts"]["EventPattern"]
    theirs = sent["staging/transformer/"]["EventPattern"]
    for key in ("source", "detail-type"):
        assert mine[key] == theirs[key]
    assert mine["detail"]["object"] == theirs["detail"]["object"]


def test_the_bus_takes_s3s_events_of_new_objects_from_development_and_nothing_else(staging: Template) -> None:
    policy = staging.one("AWS::Events::EventBusPolicy")
    statement = policy["Statement"]
    assert "EventBusName" not in policy  # the default bus
    assert shown(statement["Principal"]["AWS"]) == f"arn:<AWS::Partition>:iam::{DEVELOPMENT}:root"
    assert (statement["Effect"], statement["Action"]) == ("Allow", "events:PutEvents")
    assert shown(statement["Resource"]).endswith(":<AWS::AccountId>:event-bus/default")
    assert statement["Condition"] == {
        "ForAllValues:StringEquals": {"events:source": "aws.s3"},
        "Null": {"events:source": "false"},
        "StringEquals": {"events:detail-type": "Object Created"},
    }


def test_the_build_is_told_which_object_it_has_and_runs_the_text_of_its_project(
    staging: Template, production: Template
) -> None:
    action = stages(staging)["Deploy"]
    assert action["Configuration"]["ProjectName"] == "transformer-staging-deploy"
    assert json.loads(action["Configuration"]["EnvironmentVariables"]) == [
        {"name": "OBJECT_KEY", "type": "PLAINTEXT", "value": "#{Source.ObjectKey}"}
    ]
    assert action["InputArtifacts"] == stages(staging)["Source"]["OutputArtifacts"]
    project = staging.one("AWS::CodeBuild::Project")
    assert project["Source"] == {"Type": "CODEPIPELINE", "BuildSpec": buildspecs.DEPLOY}
    assert project["Environment"]["PrivilegedMode"] is False
    variables = {it["Name"]: it["Value"] for it in project["Environment"]["EnvironmentVariables"]}
    assert variables == {
        "SERVICE": "transformer",
        "CANARY_ROUTER_VERSION": __version__,
        "STAGE": "staging",
        "ENVIRONMENT": "staging",
        "SIGNING_KEY": stacks.SIGNING_KEYS["staging"],
    }
    chosen = production.one("AWS::CodeBuild::Project")
    assert chosen["Source"]["BuildSpec"] == stacks.STAGE_OPTIONS["production"].buildspec
    assert {"Name": "ENVIRONMENT", "Type": "PLAINTEXT", "Value": "live"} in chosen["Environment"][
        "EnvironmentVariables"
    ]


def test_the_pipeline_waits_as_long_as_was_chosen_in_an_approval_that_costs_nothing(
    staging: Template, production: Template
) -> None:
    for template, days in ((staging, 7), (production, 3)):
        verdict = stages(template)["Verdict"]
        assert verdict["ActionTypeId"] == {"Category": "Approval", "Owner": "AWS", "Provider": "Manual", "Version": "1"}
        assert (verdict["Name"], verdict["TimeoutInMinutes"]) == ("Verdict", days * 24 * 60)


def test_the_function_looks_at_a_decision_at_the_beginning_of_a_wait_and_every_five_minutes(
    production: Template,
) -> None:
    found = rules(production)
    (name,) = (it for it in production.named("AWS::Lambda::Function") if it.startswith("StageVerdict"))
    for rule in ("decided", "asked", "clock"):
        (target,) = found[f"transformer-production-{rule}"]["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": [name, "Arn"]}
    assert found["transformer-production-clock"]["ScheduleExpression"] == "rate(5 minutes)"
    assert found["transformer-production-asked"]["EventPattern"] == {
        "source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Action Execution State Change"],
        "detail": {
            "pipeline": ["transformer-production"],
            "stage": ["Verdict"],
            "action": ["Verdict"],
            "state": ["STARTED"],
        },
    }
    variables = production.resource(name)["Properties"]["Environment"]["Variables"]
    assert variables == {
        "CANARY_ROUTER_ENVIRONMENT": "live",
        "CANARY_ROUTER_SERVICES": "transformer",
        "CANARY_ROUTER_STAGE": "production",
    }


def test_somebody_is_told_when_the_function_fails_again_and_again(staging: Template, production: Template) -> None:
    for template, told in ((staging, []), (production, ["<Topic>"])):
        alarm = template.one("AWS::CloudWatch::Alarm")
        assert (alarm["MetricName"], alarm["Threshold"], alarm["Period"]) == ("Errors", 3, 900)
        assert [shown(topic) for topic in alarm.get("AlarmActions", [])] == told


def test_every_announcement_that_decides_a_release_is_one_of_those_that_are_listened_to(production: Template) -> None:
    pattern = rules(production)["transformer-production-decided"]["EventPattern"]
    states = (ReleaseState.PROMOTED, ReleaseState.ABORTED, ReleaseState.SUPERSEDED)
    made = [announce("live", replace(release("transformer"), state=state, policy=Policy())) for state in states]
    made.append(announce("live", replace(release("transformer"), state=ReleaseState.PROMOTED, basis=Basis.ROLLBACK)))
    assert {it.detail_type for it in made} == set(pattern["detail-type"])
    for announcement in made:
        assert pattern["detail"]["environment"] == [announcement.detail["environment"]]
        assert pattern["detail"]["service"] == [announcement.detail["service"]]


def test_the_pipelines_role_takes_on_the_sources_runs_the_build_and_keeps_copies(staging: Template) -> None:
    about = STORE
    assert staging.grants(role(staging, "Pipeline")) == {
        "sts:AssumeRole": {"<StageRolesSource.Arn>"},
        **each(_project(), "codebuild:StartBuild", "codebuild:BatchGetBuilds"),
        **each(about, "s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation"),
        **each(COPIES, "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
        **each(STORE_KEY, "kms:Decrypt", "kms:GenerateDataKey"),
    }
    assert trust(staging, "Pipeline") == {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Service": "codepipeline.amazonaws.com"},
    }


def test_the_sources_role_reads_its_own_prefix_and_writes_copies(staging: Template) -> None:
    about = ARTIFACTS
    assert staging.grants(role(staging, "Source")) == {
        **each(f"{ARTIFACTS}/staging/transformer/*", "s3:GetObject", "s3:GetObjectVersion"),
        **each(about, "s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation"),
        "s3:PutObject": {COPIES},
        "kms:Decrypt": {stacks.DATA_KEY, STORE_KEY},
        **each(STORE_KEY, "kms:Encrypt", "kms:GenerateDataKey"),
    }
    said = trust(staging, "Source")
    assert said["Principal"] == {"AWS": {"Fn::GetAtt": [role(staging, "Pipeline"), "Arn"]}}
    (decrypt,) = (it for it in _statements(staging, "Source") if it["Resource"] == stacks.DATA_KEY)
    assert shown(decrypt["Condition"]["StringEquals"]["kms:ViaService"]) == "s3.<AWS::Region>.amazonaws.com"


def test_the_builds_role_verifies_and_takes_on_the_bootstrap_roles_of_its_own_account_and_region(
    staging: Template, production: Template
) -> None:
    place = "<AWS::AccountId>-<AWS::Region>"
    bootstrap = "arn:<AWS::Partition>:iam::<AWS::AccountId>:role/cdk-hnb659fds"
    log = "<StageLog.Arn>"
    assert staging.grants(role(staging, "Deploy")) == {
        **each(COPIES, "s3:GetObject", "s3:GetObjectVersion"),
        "kms:Decrypt": {STORE_KEY},
        "kms:Verify": {stacks.SIGNING_KEYS["staging"]},
        "ssm:GetParameters": {f"{PARAMETERS}/{leaf}" for leaf in ("current", "latest", "policy")},
        "ssm:GetParameterHistory": {f"{PARAMETERS}/latest"},
        **each(TABLE, "dynamodb:GetItem", "dynamodb:Query"),
        "sts:AssumeRole": {f"{bootstrap}-{kind}-role-{place}" for kind in ("deploy", "file-publishing")},
        **each(log, "logs:CreateLogStream", "logs:PutLogEvents"),
    }
    said = trust(staging, "Deploy")
    assert said["Principal"] == {"Service": "codebuild.amazonaws.com"}
    assert shown(said["Condition"]["StringEquals"]["aws:SourceAccount"]) == "<AWS::AccountId>"
    assert shown(said["Condition"]["ArnEquals"]["aws:SourceArn"]) == _project()
    chosen = production.grants(role(production, "Deploy"))["sts:AssumeRole"]
    assert chosen == {
        f"arn:<AWS::Partition>:iam::333333333333:role/cdk-ours-{kind}-role-333333333333-eu-west-1"
        for kind in ("deploy", "file-publishing", "image-publishing", "lookup")
    }


def test_the_events_role_starts_this_pipeline_for_this_rule(staging: Template) -> None:
    assert staging.grants(role(staging, "Event")) == {"codepipeline:StartPipelineExecution": {PIPELINE}}
    said = trust(staging, "Event")
    assert said["Principal"] == {"Service": "events.amazonaws.com"}
    assert shown(said["Condition"]["StringEquals"]["aws:SourceAccount"]) == "<AWS::AccountId>"
    rule = shown(said["Condition"]["ArnEquals"]["aws:SourceArn"])
    assert rule.endswith(":rule/transformer-staging-artifacts")


def test_the_function_may_look_and_answer_this_one_question(staging: Template) -> None:
    log = "<StageVerdictAnswersLog.Arn>"
    assert staging.grants(staging.role_of("transformer-staging-verdict")) == {
        **each(PIPELINE, "codepipeline:GetPipelineState", "codepipeline:ListActionExecutions"),
        "codepipeline:PutApprovalResult": {f"{PIPELINE}/Verdict/Verdict"},
        "ssm:GetParameters": {f"{PARAMETERS}/{leaf}" for leaf in ("current", "latest", "policy")},
        "dynamodb:Query": {TABLE},
        **each(log, "logs:CreateLogStream", "logs:PutLogEvents"),
    }


def test_the_two_roles_have_the_names_that_the_development_account_lets_in(
    delivery: Template, staging: Template, production: Template
) -> None:
    for stage, template in (("staging", staging), ("production", production)):
        for kind, arns in (("Source", stacks.READERS), ("Deploy", stacks.VERIFIERS)):
            properties = template.resource(role(template, kind))["Properties"]
            account = arns[stage].split(":")[4]
            named = f"arn:aws:iam::{account}:role{properties['Path']}{properties['RoleName']}"
            assert named == arns[stage]
            assert named in delivery.text


def test_a_role_below_a_path_is_made_there() -> None:
    options = replace(stacks.STAGING_OPTIONS, reader="arn:aws:iam::222222222222:role/delivery/etl/reader")
    stack = cdk.Stack(cdk.App(), "x")
    StagePipeline(stack, "Stage", service="transformer", options=options)
    properties = {"RoleName": "reader", "Path": "/delivery/etl/"}
    assertions.Template.from_stack(stack).has_resource_properties("AWS::IAM::Role", properties)


def test_copies_are_encrypted_kept_for_a_while_and_read_over_tls_only(staging: Template) -> None:
    bucket = staging.one("AWS::S3::Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert shown(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]) == STORE_KEY
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 90
    store = staging.one("AWS::CodePipeline::Pipeline")["ArtifactStore"]
    assert shown(store["EncryptionKey"]["Id"]) == STORE_KEY
    effects = {it["Effect"] for it in staging.one("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]}
    assert effects == {"Deny"}


def test_the_longest_names_are_short_enough_for_lambda() -> None:
    stack = cdk.Stack(cdk.App(), "x")
    options = replace(stacks.STAGE_OPTIONS["production"], environment="e" * 40)
    StagePipeline(stack, "Stage", service="s" * 40, options=options)
    template = Template(dict(assertions.Template.from_stack(stack).to_json()))
    functions = [it["FunctionName"] for it in template.all("AWS::Lambda::Function")]
    assert functions == ["s" * 40 + "-production-verdict"]
    assert max(map(len, [*functions, *rules(template)])) <= 64


@pytest.mark.parametrize(
    ("page", "delivery"), [("from-a-tag-to-a-version", "delivery"), ("build-with-github-actions", "github")]
)
def test_the_examples_of_the_how_to_are_about_the_same_roles(page: str, delivery: str) -> None:
    made = _stack_of(page, delivery)
    stage = _stack_of("from-a-tag-to-a-version", "stage")
    named = {
        kind: f"arn:aws:iam::222222222222:role/{stage.resource(role(stage, kind))['Properties']['RoleName']}"
        for kind in ("Source", "Deploy")
    }
    signing = (it for it in made.all("AWS::KMS::Key") if it.get("KeyUsage") == "SIGN_VERIFY")
    policies = [statement for key in signing for statement in key["KeyPolicy"]["Statement"]]
    verifying = str([it for it in policies if it["Action"] == "kms:Verify"])
    assert (named["Deploy"] in verifying, named["Source"] in verifying) == (True, False)
    assert named["Source"] in str(made.all("AWS::S3::BucketPolicy"))


def _stack_of(page: str, name: str) -> Template:
    names: dict[str, Any] = {}
    exec(pages.example(f"docs/how-to/{page}.md", name), names)  # noqa: S102 - the project's own text
    return Template(dict(assertions.Template.from_stack(names["stack"]).to_json()))


def test_the_deploys_cdk_is_the_one_that_the_project_pins() -> None:
    locks = pages.ROOT / "src/canary_router/local/locks/package.json"
    pinned = json.loads(locks.read_text())["dependencies"]["aws-cdk"]
    assert f"aws-cdk@{pinned}" in buildspecs.DEPLOY


def _project() -> str:
    return "arn:<AWS::Partition>:codebuild:<AWS::Region>:<AWS::AccountId>:project/transformer-staging-deploy"


def _statements(template: Template, name: str) -> list[dict[str, Any]]:
    wanted = {"Ref": role(template, name)}
    policies = (it for it in template.all("AWS::IAM::Policy") if wanted in it["Roles"])
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]

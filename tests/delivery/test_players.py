"""Those who play AWS in the story keep AWS's rules: what is not allowed there is not allowed here."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from tests.delivery.accounts import Account
from tests.delivery.builds import CodeBuild, Webhook
from tests.delivery.buses import Forwarded, lets_in, transformed
from tests.delivery.codepipeline import Pipeline
from tests.delivery.codepipeline_api import CodePipelineApi
from tests.delivery.keys import key_allows
from tests.delivery.played import prepare
from tests.delivery.served import Refused, serving

from canary_router import settings
from canary_router.adapters.aws.codepipeline import PipelineApprovals
from canary_router.core.approval import Approve
from canary_router.errors import Unavailable

TAGS = [[{"Type": "EVENT", "Pattern": "PUSH"}, {"Type": "HEAD_REF", "Pattern": "^refs/tags/v[0-9]+$"}]]
PUSHED = Webhook("PUSH", "583231", "refs/tags/v1", "tag/v1", "refs/tags/v1", "a" * 40)


@pytest.mark.parametrize(
    "other",
    [
        replace(PUSHED, event="PULL_REQUEST_CREATED"),
        replace(PUSHED, head="refs/heads/v1"),
        replace(PUSHED, head="refs/tags/v1x"),
    ],
)
def test_a_build_is_started_when_all_filters_of_one_group_match(other: Webhook) -> None:
    actors = {"Type": "ACTOR_ACCOUNT_ID", "Pattern": "^583231$"}
    assert PUSHED.matches(TAGS)
    assert not other.matches(TAGS)
    assert PUSHED.matches([[{"Type": "EVENT", "Pattern": "PULL_REQUEST_CREATED, PUSH"}, actors]])
    assert not PUSHED.matches([[*TAGS[0], {**actors, "ExcludeMatchedPattern": True}]])
    assert not PUSHED.matches([])


ROLE = "arn:aws:iam::222222222222:role/batch-deploy"
VERIFY = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
    "Action": "kms:Verify",
    "Resource": "*",
    "Condition": {"ArnEquals": {"aws:PrincipalArn": ROLE}},
}


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Action": "kms:Sign"},
        {"Principal": {"AWS": "arn:aws:iam::333333333333:root"}},
        {"Condition": {"ArnEquals": {"aws:PrincipalArn": f"{ROLE}-too"}}},
        {"Condition": {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}},
        {"Condition": {**VERIFY["Condition"], "Bool": {"aws:MultiFactorAuthPresent": "true"}}},  # type: ignore[dict-item] # a document
    ],
)
def test_a_key_lets_in_the_role_that_its_policy_names_and_no_other(change: Mapping[str, Any]) -> None:
    assert key_allows({"Statement": [VERIFY]}, ROLE, "kms:Verify")
    assert not key_allows({"Statement": [{**VERIFY, **change}]}, ROLE, "kms:Verify")


BUS = "arn:aws:events:us-east-1:222222222222:event-bus/default"
EVENT = {
    "source": "aws.s3",
    "detail-type": "Object Created",
    "account": "111111111111",
    "detail": {"object": {"key": 'a "b"', "size": 3}},
}
PUT = {
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
    "Action": "events:PutEvents",
    "Resource": BUS,
    "Condition": {"StringEquals": {"events:detail-type": "Object Created"}},
}


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Principal": {"AWS": "arn:aws:iam::333333333333:root"}},
        {"Action": "events:PutRule"},
        {"Resource": f"{BUS}-too"},
        {"Condition": {"StringEquals": {"events:source": "aws.ec2"}}},
        {"Condition": {"Null": {"events:source": "true"}}},
        {"Condition": {"StringLike": {"events:source": "*"}}},
    ],
)
def test_a_bus_takes_what_its_policy_lets_in(change: Mapping[str, Any]) -> None:
    assert lets_in({"Statement": PUT}, Forwarded(BUS, EVENT))
    assert not lets_in({"Statement": {**PUT, **change}}, Forwarded(BUS, EVENT))


def test_a_placeholder_without_quotes_stands_for_json_and_one_in_quotes_for_its_text() -> None:
    paths = {"key": "$.detail.object.key", "size": "$.detail.object.size"}
    template = '{"key": <key>, "size": <size>, "text": "<size>"}'
    target = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}
    assert transformed(target, EVENT) == {"key": 'a "b"', "size": 3, "text": "3"}


def test_a_template_without_what_is_played_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "stack.template.json").write_text(json.dumps({"Resources": {}}))
    with pytest.raises(AssertionError):
        prepare(tmp_path, "stack", "http://127.0.0.1:9")


class Nothing(Account):
    """An account with no rules, in which every role may do what ``allowed`` says."""

    def __init__(self) -> None:
        self.number = "222222222222"
        self.emulator = cast(Any, self)
        self.region = "us-east-1"
        self.allowed = True

    def client(self, name: str) -> Any:
        return self

    def list_rules(self) -> dict[str, list[str]]:
        return {"Rules": []}

    def may(self, role: str, action: str, resource: str) -> bool:
        return self.allowed


def asking(name: str) -> dict[str, Any]:
    kind = {"Category": "Approval", "Provider": "Manual"}
    return {"Name": name, "Actions": [{"Name": name, "ActionTypeId": kind, "Configuration": {"CustomData": "well?"}}]}


@pytest.fixture
def pipeline() -> Pipeline:
    properties = {
        "Name": "batch-staging",
        "PipelineType": "V2",
        "ExecutionMode": "QUEUED",
        "RoleArn": ROLE,
        "ArtifactStore": {"Location": "store"},
        "Stages": [asking("First"), asking("Second")],
    }
    return Pipeline(Nothing(), properties, cast(CodeBuild, None))


def answered(pipeline: Pipeline, number: int, name: str, status: str = "Approved") -> None:
    token = pipeline.executions[number].action(name).token
    pipeline.answer(name, name, token, {"status": status, "summary": "so"})
    pipeline.play()


def test_a_stage_holds_one_execution_and_the_next_one_waits_before_it(pipeline: Pipeline) -> None:
    first, second = pipeline.start({}), pipeline.start({})
    pipeline.play()
    assert ([it.action for it in first.actions], second.actions) == (["First"], [])
    answered(pipeline, 0, "First")
    assert [it.action for it in first.actions] == ["First", "Second"]
    assert [it.action for it in second.actions] == ["First"]
    answered(pipeline, 1, "First")
    assert [it.action for it in second.actions] == ["First"]
    answered(pipeline, 0, "Second", "Rejected")
    assert [it.action for it in second.actions] == ["First", "Second"]
    answered(pipeline, 1, "Second")
    assert [it.status for it in (first, second)] == ["Failed", "Succeeded"]


def test_a_question_is_answered_once_and_with_its_own_token(pipeline: Pipeline) -> None:
    pipeline.start({})
    pipeline.play()
    with pytest.raises(Refused, match="no action waits"):
        pipeline.answer("First", "First", "another", {"status": "Approved", "summary": ""})
    with pytest.raises(Refused, match="no action waits"):
        pipeline.answer("Second", "Second", pipeline.executions[0].action("First").token, {"status": "Approved"})
    answered(pipeline, 0, "First")
    with pytest.raises(Refused, match="answered before"):
        answered(pipeline, 0, "First", "Rejected")
    assert pipeline.executions[0].action("First").status == "Succeeded"


def test_a_key_is_overridden_only_where_the_source_allows_it(pipeline: Pipeline) -> None:
    revision = {"actionName": "First", "revisionType": "S3_OBJECT_KEY", "revisionValue": "a"}
    with pytest.raises(Refused, match="may not be overridden"):
        pipeline.start({"sourceRevisions": [revision]})
    assert pipeline.executions == []


@pytest.fixture
def approvals(pipeline: Pipeline) -> Iterator[PipelineApprovals]:
    """The adapter, as the verdict function has it."""
    pipeline.stages[1:] = [asking(settings.VERDICT_ACTION)]
    api = CodePipelineApi()
    api.know(pipeline, ROLE)
    with serving(api.answer) as url:
        session = boto3.Session("a", "b", region_name="us-east-1")
        yield PipelineApprovals(session.client("codepipeline", endpoint_url=url), pipeline.name)


def test_the_adapter_finds_the_question_that_waits_and_answers_it(
    pipeline: Pipeline, approvals: PipelineApprovals
) -> None:
    assert approvals.waiting() is None
    execution = pipeline.start({})
    pipeline.play()
    execution.action("First").action = settings.SOURCE_ACTION
    execution.action(settings.SOURCE_ACTION).outputs = {"ObjectKey": "staging/batch/v1.0.0/a.zip"}
    pipeline.answer("First", "Source", execution.actions[0].token, {"status": "Approved", "summary": ""})
    execution.stage = 1
    pipeline.play()
    waiting = approvals.waiting()
    assert waiting is not None
    assert (waiting.execution_id, waiting.object_key) == (execution.execution_id, "staging/batch/v1.0.0/a.zip")
    assert approvals.answer(waiting, Approve("well"))
    assert not approvals.answer(waiting, Approve("well"))
    pipeline.play()
    assert (execution.status, execution.action("Verdict").said) == ("Succeeded", "well")


def test_a_role_that_may_not_ask_is_refused(pipeline: Pipeline, approvals: PipelineApprovals) -> None:
    cast(Nothing, pipeline.account).allowed = False
    with pytest.raises(Unavailable, match="may not codepipeline:GetPipelineState"):
        approvals.waiting()

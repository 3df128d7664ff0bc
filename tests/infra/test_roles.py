"""Each function may do what its flow does. The lists below are complete: an action more, or a resource, fails."""

import json
import re

import pytest
from tests.infra import stacks
from tests.infra.templates import Template, as_list, shown

SSM = "arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/canary-router/staging"
LAMBDA = "arn:<AWS::Partition>:lambda:<AWS::Region>:<AWS::AccountId>:function"
EXECUTION = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution"
SERVICES = ("transformer", "indexer")
TABLE = "<RouterTable.Arn>"

POLICY_TOO = {f"{SSM}/{service}/{leaf}" for service in SERVICES for leaf in ("current", "latest", "policy")}
POINTERS = {f"{SSM}/{service}/{leaf}" for service in SERVICES for leaf in ("current", "latest")}
LATEST = {f"{SSM}/{service}/latest" for service in SERVICES}
PIPELINES = {f"{LAMBDA}:{service}-v*-pipeline{end}" for service in SERVICES for end in ("", ":*")}
EXECUTIONS = {f"{EXECUTION}:{service}-v*:*" for service in SERVICES}


def log_of(role: str) -> dict[str, set[str]]:
    log = {f"<RouterFunctions{role}Log.Arn>"}
    return {"logs:CreateLogStream": log, "logs:PutLogEvents": log}


GRANTS = {
    "request": {
        "ssm:GetParameters": POLICY_TOO,
        "dynamodb:GetItem": {TABLE},
        "dynamodb:PutItem": {TABLE},
        "dynamodb:UpdateItem": {TABLE},
        "lambda:InvokeFunction": PIPELINES,
        "states:DescribeExecution": EXECUTIONS,
        **log_of("Request"),
    },
    "outcome": {
        "ssm:GetParameters": POLICY_TOO,
        "ssm:GetParameterHistory": POINTERS,
        "ssm:PutParameter": POINTERS,
        "dynamodb:GetItem": {TABLE},
        "dynamodb:PutItem": {TABLE},
        "dynamodb:UpdateItem": {TABLE},
        "dynamodb:Query": {f"{TABLE}/index/pending", f"{TABLE}/index/by-release"},
        "lambda:InvokeFunction": PIPELINES,
        "states:DescribeExecution": EXECUTIONS,
        "events:PutEvents": {"arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default"},
        "sqs:SendMessage": {"<RouterOutcomesDeadLetters.Arn>"},
        "sqs:GetQueueAttributes": {"<RouterOutcomesDeadLetters.Arn>"},
        "sqs:GetQueueUrl": {"<RouterOutcomesDeadLetters.Arn>"},
        **log_of("Outcome"),
    },
    "release": {
        "ssm:GetParameters": POLICY_TOO,
        "ssm:GetParameterHistory": LATEST,
        "ssm:PutParameter": LATEST,
        "lambda:InvokeFunction": {f"{LAMBDA}:canary-router-staging-outcome"},
        **log_of("Release"),
    },
}


@pytest.mark.parametrize("function", GRANTS)
def test_a_function_may_do_what_its_flow_does_and_nothing_else(router: Template, function: str) -> None:
    assert router.grants(router.role_of(f"canary-router-staging-{function}")) == GRANTS[function]


def test_each_function_has_a_role_of_its_own_without_managed_policies(router: Template) -> None:
    roles = [router.role_of(f"canary-router-staging-{function}") for function in GRANTS]
    assert len(set(roles)) == len(GRANTS)
    assert [name for name in roles if "ManagedPolicyArns" in router.resource(name)["Properties"]] == []


@pytest.mark.parametrize("template", ["router", "chosen", "largest", "version"])
def test_nothing_is_allowed_on_every_resource(request: pytest.FixtureRequest, template: str) -> None:
    policies = request.getfixturevalue(template).all("AWS::IAM::Policy")
    assert policies
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert not [action for action in as_list(statement["Action"]) if "*" in action]
            assert not [arn for arn in as_list(statement["Resource"]) if shown(arn) == "*"]


def test_the_controller_tells_events_under_the_routers_name_only(router: Template) -> None:
    statements = [
        statement
        for policy in router.all("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "events:PutEvents"
    ]
    assert [statement["Condition"] for statement in statements] == [
        {"StringEqualsIfExists": {"events:source": "canary-router"}}
    ]


def test_a_pipeline_outside_the_naming_convention_is_allowed_by_its_name(chosen: Template) -> None:
    grants = chosen.grants(chosen.role_of("canary-router-local-request"))
    assert {f"{LAMBDA}:legacy-start", f"{LAMBDA}:legacy-start:*"} < grants["lambda:InvokeFunction"]
    assert f"{EXECUTION}:legacy-job:*" in grants["states:DescribeExecution"]


def test_the_largest_router_keeps_within_the_limits_of_iam_and_eventbridge(largest: Template) -> None:
    for function in ("request", "outcome", "release", "prune"):
        role = largest.role_of(f"canary-router-{'e' * 40}-{function}")
        documents = [p["PolicyDocument"] for p in largest.all("AWS::IAM::Policy") if {"Ref": role} in p["Roles"]]
        text = "".join(json.dumps(document, separators=(",", ":")) for document in documents)
        assert len(as_deployed(text)) < 10_240
    for rule in largest.all("AWS::Events::Rule"):
        pattern = json.dumps(rule.get("EventPattern", {}), separators=(",", ":"))
        assert len(as_deployed(pattern)) < 2_048


def as_deployed(text: str) -> str:
    """The text with its intrinsic functions replaced by the longest values that they can have."""
    text = re.sub(r'\{"Fn::GetAtt":\["[^"]*","Arn"\]\}', f'"{"x" * 130}"', text)
    text = re.sub(r'\{"Fn::Join":\["",\[.*?\]\]\}', lambda join: json.dumps(shown(json.loads(join[0]))), text)
    return text.replace("<AWS::Partition>", "aws-us-gov")


STACK = "arn:<AWS::Partition>:cloudformation:<AWS::Region>:<AWS::AccountId>:stack"
LOCAL = {f"{SSM.replace('staging', 'local')}/transformer/{leaf}" for leaf in ("current", "latest", "policy")}
VERSIONS = {f"{STACK}/transformer-v*/*"}
PRUNE = {
    "ssm:GetParameters": LOCAL,
    "ssm:GetParameterHistory": LOCAL,
    **{f"dynamodb:{name}": {TABLE} for name in ("GetItem", "PutItem", "UpdateItem", "Query")},
    "states:ListExecutions": {"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:transformer-v*"},
    "cloudformation:DescribeStacks": {f"{STACK}/*/*"},
    "cloudformation:ListStacks": {f"{STACK}/*/*"},
    "cloudformation:DescribeStackEvents": VERSIONS,
    "cloudformation:DeleteStack": VERSIONS,
    "iam:PassRole": {stacks.DELETER},
    **log_of("Prune"),
}


def test_who_retires_versions_may_ask_for_their_deletion_and_delete_nothing_itself(chosen: Template) -> None:
    assert chosen.grants(chosen.role_of("canary-router-local-prune")) == PRUNE


def test_only_stacks_with_the_environments_tag_may_be_deleted_and_only_cloudformation_gets_the_role(
    chosen: Template,
) -> None:
    conditions = {
        action: statement["Condition"]
        for policy in chosen.all("AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        if action in ("cloudformation:DeleteStack", "iam:PassRole")
    }
    assert conditions == {
        "cloudformation:DeleteStack": {"StringEquals": {"aws:ResourceTag/canary-router:environment": "local"}},
        "iam:PassRole": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
    }


def test_without_a_role_to_pass_none_is_passed(largest: Template) -> None:
    role = largest.role_of(f"canary-router-{'e' * 40}-prune")
    grants = largest.grants(role)
    assert "iam:PassRole" not in grants
    assert "cloudformation:DeleteStack" in grants
    overflow = [policy for policy in largest.all("AWS::IAM::ManagedPolicy") if {"Ref": role} in policy["Roles"]]
    assert overflow == [], "all of it fits into the role's own policy"


def test_versions_are_retired_on_a_schedule_by_the_rules_that_were_given(chosen: Template, largest: Template) -> None:
    function = chosen.by("AWS::Lambda::Function", "FunctionName")["canary-router-local-prune"]
    variables = function["Environment"]["Variables"]
    assert {name: variables[f"CANARY_ROUTER_{name}"] for name in ("KEEP", "DRAIN", "DELETION_ROLE")} == {
        "KEEP": "3", "DRAIN": "86400", "DELETION_ROLE": stacks.DELETER,
    }  # fmt: skip
    rules = chosen.by("AWS::Events::Rule", "Name")["canary-router-local-prune"]
    assert rules["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert rules["Targets"][0]["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    daily = largest.by("AWS::Events::Rule", "Name")[f"canary-router-{'e' * 40}-prune"]
    assert daily["ScheduleExpression"] == "rate(1 day)"


def test_nothing_is_retired_unless_it_is_asked_for(router: Template) -> None:
    assert "canary-router-staging-prune" not in router.by("AWS::Lambda::Function", "FunctionName")
    assert "canary-router-staging-prune" not in router.by("AWS::Events::Rule", "Name")
    assert "cloudformation:" not in router.text

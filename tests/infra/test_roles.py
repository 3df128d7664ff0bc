"""Each function may do what its flow does. The lists below are complete: an action more, or a resource, fails."""

import json
import re

import pytest
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
    for function in ("request", "outcome", "release"):
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

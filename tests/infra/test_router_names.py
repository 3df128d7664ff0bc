"""What the router's stack makes is found by the contract's names."""

import json
from typing import Any

import pytest
from tests.infra.templates import Template, shown

from canary_router import settings
from canary_router.core.policy import Policy, parse_policy

PARAMETER = "AWS::SSM::Parameter"


def test_the_table_has_the_keys_indexes_and_time_to_live_that_the_ledger_uses(router: Template) -> None:
    table = router.one("AWS::DynamoDB::Table")
    assert table["TableName"] == "canary-router-staging"
    assert table["KeySchema"] == keys("pk", "sk")
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table["AttributeDefinitions"]}
    assert types == {"pk": "S", "sk": "S", "release_key": "S", "pending": "S", "created_at": "N"}
    assert {index["IndexName"]: index["KeySchema"] for index in table["GlobalSecondaryIndexes"]} == {
        "by-release": keys("release_key", "created_at"),
        "pending": keys("pending", "created_at"),
    }
    assert {index["Projection"]["ProjectionType"] for index in table["GlobalSecondaryIndexes"]} == {"ALL"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def test_the_record_survives_mistakes(router: Template) -> None:
    (name,) = router.named("AWS::DynamoDB::Table")
    table = router.resource(name)
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


def test_a_throwaway_router_can_be_thrown_away(chosen: Template) -> None:
    (name,) = chosen.named("AWS::DynamoDB::Table")
    assert chosen.resource(name)["DeletionPolicy"] == "Delete"
    assert chosen.resource(name)["Properties"]["DeletionProtectionEnabled"] is False


@pytest.mark.parametrize(
    ("role", "handler", "timeout"),
    [
        ("request", settings.REQUEST_HANDLER, 28),
        ("outcome", settings.OUTCOME_HANDLER, settings.OUTCOME_TIMEOUT),
        ("release", settings.RELEASE_HANDLER, 60),
    ],
)
def test_a_function_runs_the_handler_and_has_the_timeout_that_the_settings_name(
    router: Template, role: str, handler: str, timeout: int
) -> None:
    function = router.by("AWS::Lambda::Function", "FunctionName")[settings.function_name("staging", role)]
    assert (function["Handler"], function["Timeout"]) == (handler, timeout)


def test_the_request_function_ends_before_api_gateway_gives_up_and_the_lease_outlives_the_controller(
    router: Template,
) -> None:
    timeouts = {f["FunctionName"]: f["Timeout"] for f in router.all("AWS::Lambda::Function")}
    assert timeouts["canary-router-staging-request"] < 29
    assert timeouts["canary-router-staging-outcome"] < settings.LEASE_SECONDS


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("router", settings.Settings("staging", ("transformer", "indexer"))),
        ("chosen", settings.Settings("local", ("transformer",), pointer_ttl=0, grace=1.5)),
    ],
)
def test_the_functions_read_back_the_settings_that_the_user_chose(
    request: pytest.FixtureRequest, template: str, expected: settings.Settings
) -> None:
    # Those that tell people need to know nothing but where to.
    functions = [
        it
        for it in request.getfixturevalue(template).all("AWS::Lambda::Function")
        if "-notify-" not in it["FunctionName"]
    ]
    assert len(functions) == (4 if template == "chosen" else 3)
    for function in functions:
        assert settings.Settings.from_env(function["Environment"]["Variables"]) == expected


def test_neither_current_nor_latest_is_made_by_the_stack_since_an_update_could_undo_a_release(
    router: Template, chosen: Template
) -> None:
    names = {*router.by(PARAMETER, "Name"), *chosen.by(PARAMETER, "Name")}
    assert {name for name in names if settings.published_attribute(name) is None} == {
        "/canary-router/cloud-map-service",
        "/canary-router/local/transformer/policy",
    }


def test_a_policy_is_written_as_the_router_reads_it(chosen: Template) -> None:
    parameter = chosen.by(PARAMETER, "Name")["/canary-router/local/transformer/policy"]
    assert parse_policy(parameter["Value"]) == Policy(requests=3, share=1.0)


def test_applications_find_the_router_by_environment_and_never_the_key_itself(router: Template) -> None:
    assert router.one("AWS::ServiceDiscovery::HttpNamespace")["Name"] == "canary-router"
    assert router.one("AWS::ServiceDiscovery::Service")["Name"] == "router"
    instance = router.one("AWS::ServiceDiscovery::Instance")
    assert instance["InstanceId"] == "staging"
    attributes = {name: shown(value) for name, value in instance["InstanceAttributes"].items()}
    assert attributes == {
        "environment": "staging",
        "endpoint": "https://<RouterApiRestApi>.execute-api.<AWS::Region>.<AWS::URLSuffix>/v1",
        "api_key_secret": "canary-router/staging/api-key",
    }


def test_applications_find_the_api_only_once_it_answers(router: Template) -> None:
    (instance,) = router.named("AWS::ServiceDiscovery::Instance")
    (stage,) = router.named("AWS::ApiGateway::Stage")
    assert stage in router.resource(instance)["DependsOn"]


def test_a_second_environment_joins_the_namespace_of_the_first(chosen: Template) -> None:
    assert chosen.all("AWS::ServiceDiscovery::HttpNamespace") == []
    parameters = chosen.document["Parameters"]
    read = [name for name, p in parameters.items() if p.get("Default") == "/canary-router/cloud-map-service"]
    assert [chosen.one("AWS::ServiceDiscovery::Instance")["ServiceId"]] == [{"Ref": name} for name in read]


def test_an_endpoint_of_the_users_own_is_what_applications_find(chosen: Template) -> None:
    attributes = chosen.one("AWS::ServiceDiscovery::Instance")["InstanceAttributes"]
    assert shown(attributes["endpoint"]) == "https://jobs.example.com/<RouterApiRestApi>"


def test_everything_that_takes_tags_names_its_environment(router: Template) -> None:
    tag = {"Key": settings.TAG_ENVIRONMENT, "Value": "staging"}
    for kind in ("AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::IAM::Role", "AWS::SQS::Queue"):
        assert all(tag in properties["Tags"] for properties in router.all(kind))


def test_every_log_ends_some_day(router: Template) -> None:
    assert set(router.by("AWS::Logs::LogGroup", "LogGroupName")) == {
        "/aws/apigateway/canary-router-staging",
        *(f"/aws/lambda/canary-router-staging-{role}" for role in ("request", "outcome", "release")),
    }
    assert all(group["RetentionInDays"] == 90 for group in router.all("AWS::Logs::LogGroup"))


def test_the_stack_shares_nothing_by_exports(router: Template) -> None:
    outputs: dict[str, Any] = router.document["Outputs"]
    assert not [name for name, output in outputs.items() if "Export" in output]
    assert {shown(output["Value"]) for output in outputs.values()} == {
        "https://<RouterApiRestApi>.execute-api.<AWS::Region>.<AWS::URLSuffix>/v1",
        "canary-router/staging/api-key",
    }
    assert "Fn::ImportValue" not in json.dumps(router.document)

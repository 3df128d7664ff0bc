"""The API as API Gateway sees it: what needs a key, what is limited, and how it says no by itself."""

import json
from typing import Any

import pytest
from tests.infra.templates import Template, shown

METHOD = "AWS::ApiGateway::Method"
RESPONSE = "AWS::ApiGateway::GatewayResponse"


def paths(template: Template) -> dict[str, tuple[str, dict[str, Any]]]:
    """Method and properties of every method, by its path."""
    resources = template.named("AWS::ApiGateway::Resource")

    def path_of(reference: dict[str, Any]) -> str:
        resource = resources.get(reference.get("Ref", ""))
        return "" if resource is None else f"{path_of(resource['ParentId'])}/{resource['PathPart']}"

    return {path_of(method["ResourceId"]): (method["HttpMethod"], method) for method in template.all(METHOD)}


def test_the_api_has_the_contracts_two_calls_and_no_other(router: Template) -> None:
    assert {path: verb for path, (verb, _) in paths(router).items()} == {
        "/services/{service}/transforms": "POST",
        "/services/{service}/transforms/{transform_id}": "GET",
    }


def test_every_call_needs_a_key_and_goes_to_the_request_function(router: Template) -> None:
    for method in router.all(METHOD):
        assert method["ApiKeyRequired"] is True
        assert method["Integration"]["Type"] == "AWS_PROXY"
        assert "RouterFunctionsRequestFunction" in shown(method["Integration"]["Uri"])


def test_requests_are_validated_before_they_cost_an_invocation(router: Template) -> None:
    (validator,) = router.named("AWS::ApiGateway::RequestValidator")
    for method in router.all(METHOD):
        assert method["RequestValidatorId"] == {"Ref": validator}
        assert method["RequestParameters"]["method.request.path.service"] is True


def test_the_key_is_read_from_the_secret_by_cloudformation_and_is_in_no_template(router: Template) -> None:
    assert router.one("AWS::SecretsManager::Secret")["Name"] == "canary-router/staging/api-key"
    assert router.one("AWS::SecretsManager::Secret")["GenerateSecretString"]["PasswordLength"] >= 40
    assert shown(router.one("AWS::ApiGateway::ApiKey")["Value"]) == (
        "{{resolve:secretsmanager:<RouterApiKeySecret>:SecretString:::}}"
    )


def test_the_key_belongs_to_a_usage_plan_of_the_stage_with_a_throttle(router: Template) -> None:
    plan = router.one("AWS::ApiGateway::UsagePlan")
    assert plan["Throttle"] == {"RateLimit": 50, "BurstLimit": 100}
    (stage,) = router.named("AWS::ApiGateway::Stage")
    assert [entry["Stage"] for entry in plan["ApiStages"]] == [{"Ref": stage}]
    (key,) = router.named("AWS::ApiGateway::ApiKey")
    assert router.one("AWS::ApiGateway::UsagePlanKey")["KeyId"] == {"Ref": key}


def test_the_stage_logs_who_called_but_not_what_they_sent(router: Template) -> None:
    stage = router.one("AWS::ApiGateway::Stage")
    assert stage["StageName"] == "v1"
    (settings,) = stage["MethodSettings"]
    assert (settings["LoggingLevel"], settings["DataTraceEnabled"]) == ("ERROR", False)
    written = json.loads(stage["AccessLogSetting"]["Format"])
    assert {"requestId", "apiKeyId", "status", "latency"} <= set(written)
    assert "body" not in stage["AccessLogSetting"]["Format"].lower()


def test_the_accounts_log_role_is_left_alone_where_the_user_says_so(router: Template, chosen: Template) -> None:
    (account,) = router.named("AWS::ApiGateway::Account")
    assert router.resource(account)["DeletionPolicy"] == "Retain"
    assert chosen.all("AWS::ApiGateway::Account") == []


def test_api_gateways_own_errors_are_problem_documents_with_their_own_status(router: Template) -> None:
    for response in router.all(RESPONSE):
        assert response["ResponseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        document = json.loads(response["ResponseTemplates"]["application/json"])
        assert set(document) == {"type", "title", "status", "detail"}
        assert str(document["status"]) == response["StatusCode"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("INVALID_API_KEY", "403"),
        ("MISSING_AUTHENTICATION_TOKEN", "404"),
        ("THROTTLED", "429"),
        ("QUOTA_EXCEEDED", "429"),
        ("REQUEST_TOO_LARGE", "413"),
        ("BAD_REQUEST_PARAMETERS", "400"),
        ("DEFAULT_4XX", "400"),
    ],
)
def test_what_api_gateway_refuses_has_the_contracts_status(router: Template, kind: str, status: str) -> None:
    assert router.by(RESPONSE, "ResponseType")[kind]["StatusCode"] == status


def test_whatever_may_have_come_after_the_start_of_a_job_answers_that_nothing_is_known(router: Template) -> None:
    # The contract: an error other than 504 stands for no job at all.
    unknown = {name for name, response in router.by(RESPONSE, "ResponseType").items() if response["StatusCode"] >= "5"}
    assert {"DEFAULT_5XX", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "API_CONFIGURATION_ERROR"} == unknown
    assert {router.by(RESPONSE, "ResponseType")[name]["StatusCode"] for name in unknown} == {"504"}


def test_a_deployment_has_every_answer_in_it(router: Template) -> None:
    (deployment,) = router.named("AWS::ApiGateway::Deployment")
    assert set(router.named(RESPONSE)) <= set(router.resource(deployment)["DependsOn"])

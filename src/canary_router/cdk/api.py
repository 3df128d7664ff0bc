"""The router's HTTP face: a regional REST API that asks for a key and hands everything to the request function."""

import json

from aws_cdk import Acknowledgment, RemovalPolicy, Stack, Validations
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from canary_router.cdk.options import RouterOptions
from canary_router.cdk.problems import add_problems

STAGE = "v1"
_KEY_LENGTH = 40
_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "apiKeyId": "$context.identity.apiKeyId",
    "sourceIp": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "error": "$context.error.responseType",
    "latency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
}


class RouterApi(Construct):
    """The API, its key and its usage plan.

    Args:
        scope: Parent construct.
        environment: Name of the environment.
        handler: The request function.
        options: The router's options.

    Attributes:
        rest_api: The API.
        endpoint: URL under which clients find it, without a slash at the end.
        key_secret: Secret that holds the key's value.
        key_secret_name: Its name.
    """

    def __init__(self, scope: Construct, environment: str, handler: lambda_.IFunction, options: RouterOptions) -> None:
        super().__init__(scope, "Api")
        self._environment = environment
        self._options = options
        self.rest_api = self._rest_api()
        self._add_methods(handler)
        add_problems(self.rest_api)
        self.key_secret_name = f"canary-router/{environment}/api-key"
        self.key_secret = self._key_secret()
        self._usage_plan()
        own = f"https://{self.rest_api.rest_api_id}.execute-api.{Stack.of(self).region}.{Stack.of(self).url_suffix}"
        api_id = self.rest_api.rest_api_id
        self.endpoint = options.endpoint(api_id) if options.endpoint else f"{own}/{STAGE}"

    def _rest_api(self) -> apigateway.RestApi:
        name = f"canary-router-{self._environment}"
        log = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=f"/aws/apigateway/{name}",
            retention=self._options.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        api = apigateway.RestApi(
            self,
            "RestApi",
            rest_api_name=name,
            description=f"Canary Router in {self._environment}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            cloud_watch_role=self._options.sets_api_log_role,
            # The role belongs to the account: other APIs may have come to need it.
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN if self._options.sets_api_log_role else None,
            default_method_options=apigateway.MethodOptions(api_key_required=True),
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                throttling_rate_limit=self._options.requests_per_second,
                throttling_burst_limit=self._options.burst,
                metrics_enabled=True,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                access_log_destination=apigateway.LogGroupLogDestination(log),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(_ACCESS_LOG)),
            ),
        )
        # RestApi's own output; the router has one that knows about custom domains.
        api.node.try_remove_child("Endpoint")
        _explain(
            api,
            {
                "AwsSolutions-APIG3": "Callers are a company's own applications, known by their keys; who wants a web "
                "firewall associates one with the stage.",
                "AwsSolutions-APIG4": "The contract authorises by API key, which every method requires.",
                "AwsSolutions-COG4": "The contract authorises by API key, which every method requires.",
            }
            | (
                {
                    "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
                    "AmazonAPIGatewayPushToCloudWatchLogs]": "The account's role for logs of API Gateway: AWS names "
                    "this policy for it.",
                }
                if self._options.sets_api_log_role
                else {}
            ),
        )
        return api

    def _add_methods(self, handler: lambda_.IFunction) -> None:
        integration = apigateway.LambdaIntegration(handler, allow_test_invoke=False)
        # A job's input may be any JSON, so there is no schema; the function checks what the contract asks of it.
        validator = self.rest_api.add_request_validator(
            "Validator", validate_request_body=True, validate_request_parameters=True
        )
        service = self.rest_api.root.add_resource("services").add_resource("{service}")
        transforms = service.add_resource("transforms")
        transforms.add_method(
            "POST",
            integration,
            request_validator=validator,
            request_parameters={
                "method.request.path.service": True,
                "method.request.header.Idempotency-Key": False,
            },
        )
        transforms.add_resource("{transform_id}").add_method(
            "GET",
            integration,
            request_validator=validator,
            request_parameters={
                "method.request.path.service": True,
                "method.request.path.transform_id": True,
                "method.request.querystring.execution_arn": False,
            },
        )

    def _key_secret(self) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            "KeySecret",
            secret_name=self.key_secret_name,
            description=f"Key for the API of Canary Router in {self._environment}",
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=_KEY_LENGTH
            ),
            # Without the API its key is worth nothing.
            removal_policy=RemovalPolicy.DESTROY,
        )
        _explain(
            secret,
            {
                "AwsSolutions-SMG4": "The value of an API Gateway key cannot be changed: rotation means another key "
                "beside this one, and callers to follow."
            },
        )
        return secret

    def _usage_plan(self) -> None:
        key = apigateway.ApiKey(
            self,
            "Key",
            api_key_name=f"canary-router-{self._environment}",
            # A dynamic reference: CloudFormation reads the secret itself, the template never holds it.
            value=self.key_secret.secret_value.unsafe_unwrap(),
        )
        plan = self.rest_api.add_usage_plan(
            "Plan",
            name=f"canary-router-{self._environment}",
            throttle=apigateway.ThrottleSettings(
                rate_limit=self._options.requests_per_second, burst_limit=self._options.burst
            ),
            api_stages=[apigateway.UsagePlanPerApiStage(api=self.rest_api, stage=self.rest_api.deployment_stage)],
        )
        plan.add_api_key(key)


def _explain(construct: Construct, reasons: dict[str, str]) -> None:
    Validations.of(construct).acknowledge(*(Acknowledgment(id=key, reason=text) for key, text in reasons.items()))

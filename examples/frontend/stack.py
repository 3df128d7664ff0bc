"""What the front-end application may do, as a stack: a policy for the role that it runs as, wherever that is.

It reads what the router and the shared stack have published, and publishes the policy's ARN as stack ``frontend``.
"""

from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from canary_router import settings
from canary_router.cdk import Discover, Publish, acknowledge_wildcards
from frontend.desk import SERVICE

_NOT_KNOWN_YET = "A version's tag and a job's id are not known when this is deployed"


class FrontendStack(Stack):
    """Finding the router and its key, and reading of jobs and their results: no more than the pages show.

    Args:
        scope: The app.
        environment: Name of the environment.
        service: Name of the service whose jobs it submits.
        **stack_options: What ``Stack`` takes, such as ``env`` and ``synthesizer``.
    """

    def __init__(self, scope: Construct, *, environment: str, service: str = SERVICE, **stack_options: Any) -> None:
        stack_name = f"transformer-frontend-{environment}"
        super().__init__(scope, stack_name, stack_name=stack_name, **stack_options)
        router = Discover(self, "Router", environment=environment, stack="router")
        shared = Discover(self, "Shared", environment=environment, stack="shared")
        secret = self._arn("secretsmanager", "secret", f"{router['api_key_secret']}-??????")
        executions = self._arn("states", "execution", f"{service}-v*:*")
        results = f"arn:{self.partition}:s3:::{shared['bucket']}/{shared['result_prefix']}*"
        policy = iam.ManagedPolicy(
            self,
            "Policy",
            description=f"What a front-end of {service} in {environment} may do",
            statements=[
                self._discover(environment),
                iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret]),
                iam.PolicyStatement(
                    actions=["states:DescribeExecution", "states:GetExecutionHistory"], resources=[executions]
                ),
                iam.PolicyStatement(actions=["s3:GetObject"], resources=[results]),
            ],
        )
        reasons = {
            "*": "AWS knows no narrower resource for DiscoverInstances; the condition names the namespaces",
            secret: "Secrets Manager adds six characters to a secret's name",
            executions: _NOT_KNOWN_YET,
            results: _NOT_KNOWN_YET,
        }
        acknowledge_wildcards(policy, reasons)
        Publish(
            self,
            "Published",
            environment=environment,
            stack="frontend",
            attributes={"policy_arn": policy.managed_policy_arn},
        )

    def _discover(self, environment: str) -> iam.PolicyStatement:
        namespaces = [settings.CLOUD_MAP_NAMESPACE, settings.attribute_namespace(environment)]
        return iam.PolicyStatement(
            actions=["servicediscovery:DiscoverInstances"],
            resources=["*"],
            # AWS sets the key at every call. "IfExists" is for emulators, which do not.
            conditions={"StringEqualsIfExists": {"servicediscovery:NamespaceName": namespaces}},
        )

    def _arn(self, service: str, resource: str, name: str) -> str:
        return self.format_arn(
            service=service, resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

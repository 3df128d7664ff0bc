"""Where the Spark jobs of all versions run: one application of EMR Serverless, which costs nothing while none does."""

from aws_cdk import Stack
from aws_cdk import aws_emrserverless as emrserverless
from constructs import Construct

RELEASE = "emr-7.10.0"
"""Spark 3.5 on Python 3.9."""
MINUTES_UNTIL_IT_STOPS = 5
ELSEWHERE = "local"
"""The application's id where something else than EMR Serverless runs the jobs."""


class SparkApplication(Construct):
    """An application of EMR Serverless; or, where an endpoint is given, none: then what is there runs the jobs.

    Args:
        scope: The stack.
        construct_id: Id in the stack.
        environment: Name of the environment.
        endpoint: URL of something that speaks as EMR Serverless does; None makes an application there.

    Attributes:
        id: The application's id.
        endpoint: URL under which its API is.
    """

    def __init__(self, scope: Construct, construct_id: str, *, environment: str, endpoint: str | None) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.endpoint = endpoint or f"https://emr-serverless.{stack.region}.{stack.url_suffix}"
        self.id = ELSEWHERE if endpoint else self._application(environment).attr_application_id

    def _application(self, environment: str) -> emrserverless.CfnApplication:
        return emrserverless.CfnApplication(
            self,
            "Application",
            name=f"transformer-{environment}",
            type="SPARK",
            release_label=RELEASE,
            architecture="ARM64",
            auto_start_configuration=emrserverless.CfnApplication.AutoStartConfigurationProperty(enabled=True),
            auto_stop_configuration=emrserverless.CfnApplication.AutoStopConfigurationProperty(
                enabled=True, idle_timeout_minutes=MINUTES_UNTIL_IT_STOPS
            ),
            # Some ten jobs at once; more of them wait for their turn.
            maximum_capacity=emrserverless.CfnApplication.MaximumAllowedResourcesProperty(
                cpu="20 vCPU", memory="80 GB", disk="400 GB"
            ),
        )

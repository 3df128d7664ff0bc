"""The router of one environment, as one construct."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration, Tags
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from canary_router import settings
from canary_router.cdk.alarms import RouterAlarms
from canary_router.cdk.api import RouterApi
from canary_router.cdk.attributes import publish_router
from canary_router.cdk.dashboard import RouterDashboard
from canary_router.cdk.discovery import Registration
from canary_router.cdk.functions import RouterFunctions
from canary_router.cdk.notifications import Notifications
from canary_router.cdk.options import RouterOptions, check_router
from canary_router.cdk.outcomes import OutcomeEvents
from canary_router.cdk.resources import Arns
from canary_router.cdk.table import record_table


class CanaryRouter(Construct):
    """API, record, functions, rules, discovery and alarms of one environment.

    It makes neither ``current`` nor ``latest``: deployments write the one and the controller the other, and an update
    of this stack must not undo what they wrote.

    Args:
        scope: The stack.
        construct_id: Id in the stack.
        environment: Name of the environment, for example ``staging``.
        services: The services that it serves, 1 to 10.
        options: Everything else; each default is fit for production.

    Attributes:
        table: The record.
        functions: The three functions.
        api: The API and its key.

    Raises:
        ConfigurationError: A name does not have the contract's form, or the options contradict each other.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: str,
        services: Sequence[str],
        options: RouterOptions | None = None,
    ) -> None:
        options = options or RouterOptions()
        check_router(environment, services, options)
        super().__init__(scope, construct_id)
        self.table: dynamodb.Table = record_table(self, environment, options.removal_policy)
        self.functions = RouterFunctions(self, environment, services, self.table, options)
        self.api = RouterApi(self, environment, self.functions.request.invoked, options)
        controller = self.functions.outcome.function
        arns = Arns(self, environment, services, options.extra_targets)
        events = OutcomeEvents(self, environment, controller, arns)
        attributes = {"endpoint": self.api.endpoint, "api_key_secret": self.api.key_secret_name}
        registration = Registration(self, environment, attributes, options.cloud_map_service_id)
        registration.only_after(self.api.rest_api.deployment_stage)
        publish_router(self, environment, attributes)
        alarms = RouterAlarms(self, environment, options.alarm_topic)
        alarms.watch_api(
            self.api.rest_api.metric_server_error(period=Duration.minutes(5)), self.functions.request.function
        )
        alarms.watch_controller(
            controller, events.dead_letters.metric_approximate_number_of_messages_visible(period=Duration.minutes(5))
        )
        alarms.watch_pointers(services)
        if options.notifications is not None:
            told = Notifications(self, "Notifications", environment=environment, options=options.notifications)
            alarms.watch_notifications(
                told.dead_letters.metric_approximate_number_of_messages_visible(period=Duration.minutes(5))
            )
        if options.dashboard:
            RouterDashboard(self, environment, services, alarms.all)
        for service, policy in options.policies.items():
            ssm.StringParameter(
                self,
                f"Policy-{service}",
                parameter_name=settings.parameter_name(environment, service, "policy"),
                string_value=policy.to_json(),
                description=f"Policy for releases of {service}",
            )
        Tags.of(self).add(settings.TAG_ENVIRONMENT, environment)
        CfnOutput(self, "Endpoint", value=self.api.endpoint)
        CfnOutput(self, "ApiKeySecret", value=self.api.key_secret_name)

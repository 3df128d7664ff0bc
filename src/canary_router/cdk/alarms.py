"""Alarms: what a person should look at. A release that was turned away is no alarm; that is the router at work."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from canary_router import settings

_PERIOD = Duration.minutes(5)
_AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
_BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


class RouterAlarms(Construct):
    """The router's alarms.

    Args:
        scope: Parent construct.
        environment: Name of the environment.
        topic: Topic that they tell; None shows them in the console only.

    Attributes:
        all: The alarms, in the order in which they were made.
    """

    def __init__(self, scope: Construct, environment: str, topic: sns.ITopic | None) -> None:
        super().__init__(scope, "Alarms")
        self._environment = environment
        self._topic = topic
        self.all: list[cloudwatch.Alarm] = []

    def watch_api(self, server_errors: cloudwatch.Metric, function: lambda_.IFunction) -> None:
        """Requests that failed on our side, and requests for which Lambda had no room."""
        self._alarm("api-errors", "Requests were answered with a 5xx", server_errors)
        self._alarm("request-throttles", "The request function was throttled", self._of(function, "Throttles"))

    def watch_controller(self, function: lambda_.IFunction, dead_letters: cloudwatch.Metric) -> None:
        """A controller that fails, is throttled, loses events or is not called at all."""
        self._alarm("controller-errors", "The controller failed", self._of(function, "Errors"))
        self._alarm("controller-throttles", "The controller was throttled", self._of(function, "Throttles"))
        self._alarm("dead-letters", "Events wait that the controller could not take", dead_letters)
        invocations = self._of(function, "Invocations")
        self._alarm("controller-silent", "The controller did not run for five minutes", invocations, silence=True)

    def watch_notifications(self, dead_letters: cloudwatch.Metric) -> None:
        """Releases of which somebody was not told."""
        self._alarm("untold", "People could not be told of a release", dead_letters)

    def watch_pointers(self, services: Sequence[str]) -> None:
        """Pointers with a value that is neither blank nor the ARN of a function."""
        for service in services:
            metric = cloudwatch.Metric(
                namespace=settings.METRIC_NAMESPACE,
                metric_name="InvalidPointer",
                dimensions_map={"Environment": self._environment, "Service": service},
                statistic="Sum",
                period=_PERIOD,
            )
            self._alarm(f"invalid-pointer-{service}", f"A pointer of {service} holds an invalid value", metric)

    def _of(self, function: lambda_.IFunction, metric: str) -> cloudwatch.Metric:
        return function.metric(metric, statistic="Sum", period=_PERIOD)

    def _alarm(self, name: str, description: str, metric: cloudwatch.Metric, *, silence: bool = False) -> None:
        alarm = cloudwatch.Alarm(
            self,
            "".join(part.capitalize() for part in name.split("-")),
            alarm_name=f"canary-router-{self._environment}-{name}",
            alarm_description=description,
            metric=metric,
            threshold=1,
            evaluation_periods=1,
            comparison_operator=_BELOW if silence else _AT_LEAST,
            treat_missing_data=(
                cloudwatch.TreatMissingData.BREACHING if silence else cloudwatch.TreatMissingData.NOT_BREACHING
            ),
        )
        self.all.append(alarm)
        if self._topic is not None:
            alarm.add_alarm_action(actions.SnsAction(self._topic))

"""A CloudWatch dashboard: what the router does, which versions it tries, and whether something is wrong."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from canary_router import settings
from canary_router.core.model import Route, Status

_PERIOD = Duration.minutes(5)
_WIDTH = 8
"""Of the dashboard's 24 columns, so three graphs stand in a row."""


class RouterDashboard(Construct):
    """One row for each service, below the alarms.

    Args:
        scope: Parent construct.
        environment: Name of the environment.
        services: The services that the router serves.
        alarms: What stands at the top.
    """

    def __init__(
        self, scope: Construct, environment: str, services: Sequence[str], alarms: Sequence[cloudwatch.IAlarm]
    ) -> None:
        super().__init__(scope, "Dashboard")
        self._environment = environment
        board = cloudwatch.Dashboard(self, "Board", dashboard_name=f"canary-router-{environment}")
        board.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=3))
        for service in services:
            board.add_widgets(self._requests(service), self._canary(service), self._latency(service))

    def _requests(self, service: str) -> cloudwatch.GraphWidget:
        lines = [self._metric("Requests", service, str(route), Route=str(route)) for route in Route]
        return self._graph(f"{service}: requests by route", lines)

    def _canary(self, service: str) -> cloudwatch.GraphWidget:
        jobs = [self._metric("CanaryAdmitted", service, "admitted")]
        jobs.append(self._metric("CanaryFallback", service, "fell back to current"))
        jobs += [
            self._metric("Outcome", service, str(status), Status=str(status)) for status in Status if status.is_final
        ]
        ends = [self._metric(f"Release{end}", service, end.lower()) for end in ("Promoted", "Aborted")]
        return self._graph(f"{service}: canary jobs and releases", [*jobs, *ends])

    def _latency(self, service: str) -> cloudwatch.GraphWidget:
        lines = [
            self._metric("RouterLatency", service, percentile).with_(statistic=percentile)
            for percentile in ("p50", "p99")
        ]
        return self._graph(f"{service}: latency of the router", lines)

    def _graph(self, title: str, lines: list[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
        zero = cloudwatch.YAxisProps(min=0)
        return cloudwatch.GraphWidget(title=title, left=lines, width=_WIDTH, height=6, left_y_axis=zero)

    def _metric(self, name: str, service: str, label: str, **dimensions: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=settings.METRIC_NAMESPACE,
            metric_name=name,
            dimensions_map={"Environment": self._environment, "Service": service, **dimensions},
            statistic="Sum",
            period=_PERIOD,
            label=label,
        )

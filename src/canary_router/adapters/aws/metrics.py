"""Metrics as lines of the log, in CloudWatch's embedded metric format: no call, no wait, no failure."""

import json
from collections.abc import Callable
from contextlib import suppress

from canary_router import settings
from canary_router.ports import Clock

_UNITS = {"RouterLatency": "Milliseconds"}
_SERIES_KEPT = 256
"""A router that serves any service could be asked for any number of names."""


class EmbeddedMeter:
    """Writes one line for each count; CloudWatch makes a metric of it.

    The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    def __init__(self, environment: str, clock: Clock, write: Callable[[str], object]) -> None:
        """Args: the environment's name, a clock, and what writes a line to the function's log."""
        self._environment = environment
        self._clock = clock
        self._write = write
        self._rendered: dict[tuple[str, ...], str] = {}

    def count(self, metric: str, service: str, value: float = 1, **dimensions: str) -> None:
        """Adds to a metric, by environment and service; extra dimensions give a second, finer series."""
        series = (metric, service, *dimensions, *dimensions.values())
        rest = self._rendered.get(series)
        if rest is None:
            if len(self._rendered) >= _SERIES_KEPT:
                self._rendered.clear()
            rest = self._rendered[series] = self._render(metric, service, dimensions)
        # A log that is closed or full must not cost the request that is being counted.
        with suppress(OSError, ValueError):
            self._write(f'{{"{metric}": {value!r}, "_aws": {{"Timestamp": {self._clock.now()}, {rest}')

    def _render(self, metric: str, service: str, dimensions: dict[str, str]) -> str:
        """All of a line but time and value: to render it at every request costs more than to sign one."""
        sets = [["Environment", "Service"]]
        if dimensions:
            sets.append([*sets[0], *sorted(dimensions)])
        metrics = [{"Name": metric, "Unit": _UNITS.get(metric, "Count")}]
        directive = {"Namespace": settings.METRIC_NAMESPACE, "Dimensions": sets, "Metrics": metrics}
        values = {"Environment": self._environment, "Service": service, **dimensions}
        return f'"CloudWatchMetrics": [{json.dumps(directive)}]}}, {json.dumps(values)[1:]}'

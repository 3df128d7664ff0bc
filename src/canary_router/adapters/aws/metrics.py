"""Metrics as lines of the log, in CloudWatch's embedded metric format: no call, no wait, no failure."""

import json
from collections.abc import Callable
from contextlib import suppress

from canary_router import settings
from canary_router.ports import Clock

_UNITS = {"RouterLatency": "Milliseconds"}


class EmbeddedMeter:
    """Writes one line for each count; CloudWatch makes a metric of it.

    The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    def __init__(self, environment: str, clock: Clock, write: Callable[[str], object]) -> None:
        """Args: the environment's name, a clock, and what writes a line to the function's log."""
        self._environment = environment
        self._clock = clock
        self._write = write

    def count(self, metric: str, service: str, value: float = 1, **dimensions: str) -> None:
        """Adds to a metric, by environment and service; extra dimensions give a second, finer series."""
        sets = [["Environment", "Service"]]
        if dimensions:
            sets.append([*sets[0], *sorted(dimensions)])
        document = {
            "_aws": {
                "Timestamp": self._clock.now(),
                "CloudWatchMetrics": [
                    {
                        "Namespace": settings.METRIC_NAMESPACE,
                        "Dimensions": sets,
                        "Metrics": [{"Name": metric, "Unit": _UNITS.get(metric, "Count")}],
                    }
                ],
            },
            "Environment": self._environment,
            "Service": service,
            **dimensions,
            metric: value,
        }
        # A log that is closed or full must not cost the request that is being counted.
        with suppress(OSError, ValueError):
            self._write(json.dumps(document))

"""Metrics as lines of the log, in CloudWatch's embedded metric format: no call, no wait, no failure."""

import json
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeAlias

from canary_router import settings
from canary_router.ports import Clock

_UNITS = {"RouterLatency": "Milliseconds"}
_SERIES_KEPT = 256
"""A router that serves any service could be asked for any number of names."""

Series: TypeAlias = tuple[str, ...]
"""A metric's name, and the names and values of its extra dimensions in turn."""


class EmbeddedMeter:
    """Writes one line for each count, or one for all that are made together; CloudWatch makes metrics of it.

    The format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    def __init__(self, environment: str, clock: Clock, write: Callable[[str], object]) -> None:
        """Args: the environment's name, a clock, and what writes a line to the function's log."""
        self._environment = environment
        self._clock = clock
        self._write = write
        self._rendered: dict[tuple[object, ...], list[tuple[str, list[Series]]]] = {}
        self._bundles = _Bundles()

    def count(self, metric: str, service: str, value: float = 1, **dimensions: str) -> None:
        """Adds to a metric, by environment and service; extra dimensions give a second, finer series."""
        series = (metric, *[text for pair in dimensions.items() for text in pair]) if dimensions else (metric,)
        bundle = self._bundles.open
        if bundle is None:
            self._tell(service, {series: value})
        else:
            counts = bundle.setdefault(service, {})
            counts[series] = counts.get(series, 0) + value

    def together(self) -> "_Together":
        """Gathers what this thread counts in the block, and writes it at the block's end."""
        return _Together(self._bundles, self._tell)

    def _tell(self, service: str, counts: dict[Series, float]) -> None:
        known = (service, *counts)
        lines = self._rendered.get(known)
        if lines is None:
            if len(self._rendered) >= _SERIES_KEPT:
                self._rendered.clear()
            lines = self._rendered[known] = [(self._render(service, line), line) for line in _lines(counts)]
        for rest, line in lines:
            values = "".join([f', "{series[0]}": {counts[series]!r}' for series in line])
            # A log that is closed or full must not cost the request that is being counted.
            with suppress(OSError, ValueError):
                self._write(f'{{"_aws": {{"Timestamp": {self._clock.now()}, {rest}{values}}}')

    def _render(self, service: str, line: Iterable[Series]) -> str:
        """All of a line but time and values: to render it at every request costs more than to sign one."""
        values = {"Environment": self._environment, "Service": service}
        directives: dict[tuple[str, ...], list[dict[str, str]]] = {}
        for series in line:
            values |= _dimensions(series)
            metric = {"Name": series[0], "Unit": _UNITS.get(series[0], "Count")}
            directives.setdefault(tuple(sorted(_dimensions(series))), []).append(metric)
        plain = ["Environment", "Service"]
        rendered = [
            {
                "Namespace": settings.METRIC_NAMESPACE,
                "Dimensions": [plain, [*plain, *names]] if names else [plain],
                "Metrics": metrics,
            }
            for names, metrics in directives.items()
        ]
        return f'"CloudWatchMetrics": {json.dumps(rendered)}}}, {json.dumps(values)[1:-1]}'


def _lines(counts: Iterable[Series]) -> list[list[Series]]:
    """Puts series that have to differ in a name's value on lines of their own: a line has one value for each name."""
    lines: list[tuple[dict[str, str], list[Series]]] = []
    for series in counts:
        for names, line in lines:
            if all(names.get(name, value) == value for name, value in _names(series).items()):
                names.update(_names(series))
                line.append(series)
                break
        else:
            lines.append((_names(series), [series]))
    return [line for _, line in lines]


def _names(series: Series) -> dict[str, str]:
    return {series[0]: repr(series), **_dimensions(series)}


def _dimensions(series: Series) -> dict[str, str]:
    return dict(zip(series[1::2], series[2::2], strict=True))


class _Bundles(threading.local):
    """What each thread has counted in a block that is open."""

    open: dict[str, dict[Series, float]] | None = None


class _Together:
    """An open block; one inside another belongs to it."""

    __slots__ = ("_bundles", "_inner", "_tell")

    def __init__(self, bundles: _Bundles, tell: Callable[[str, dict[Series, float]], None]) -> None:
        self._bundles = bundles
        self._tell = tell
        self._inner = bundles.open is not None

    def __enter__(self) -> None:
        if not self._inner:
            self._bundles.open = {}

    def __exit__(self, *_: object) -> None:
        if self._inner:
            return
        bundle, self._bundles.open = self._bundles.open, None
        for service, counts in (bundle or {}).items():
            self._tell(service, counts)

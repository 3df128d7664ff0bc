"""Counts: sums in memory, and lines that CloudWatch understands as metrics."""

import json
from typing import Any

import pytest

from canary_router import settings
from canary_router.adapters.aws.metrics import EmbeddedMeter
from canary_router.adapters.memory import ManualClock, MemoryMeter

NOW = 1_700_000_000_123
COUNTS: list[tuple[str, float, dict[str, str]]] = [
    ("Requests", 1, {}),
    ("Requests", 1, {"Route": "latest"}),
    ("Outcome", 1, {"Status": "TIMED_OUT"}),
    ("RouterLatency", 12.5, {}),
    ("RouterLatency", 0, {}),
    ("InvalidPointer", 3, {"Leaf": "current", "Kind": "text"}),
]
UNITS = {"Requests": "Count", "Outcome": "Count", "InvalidPointer": "Count", "RouterLatency": "Milliseconds"}


def lines_of(metric: str, value: float, dimensions: dict[str, str]) -> list[str]:
    written: list[str] = []
    EmbeddedMeter("test", ManualClock(NOW), written.append).count(metric, "transformer", value, **dimensions)
    return written


@pytest.mark.parametrize(("metric", "value", "dimensions"), COUNTS)
def test_a_count_is_one_line_in_the_embedded_metric_format(
    metric: str, value: float, dimensions: dict[str, str]
) -> None:
    (line,) = lines_of(metric, value, dimensions)
    assert "\n" not in line
    document = json.loads(line)
    assert_embedded_metric_format(document)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert document["_aws"]["Timestamp"] == NOW
    assert directive["Namespace"] == settings.METRIC_NAMESPACE
    assert directive["Metrics"] == [{"Name": metric, "Unit": UNITS[metric]}]
    assert document[metric] == value
    values = [{name: document[name] for name in names} for names in directive["Dimensions"]]
    plain = {"Environment": "test", "Service": "transformer"}
    assert values == ([plain, {**plain, **dimensions}] if dimensions else [plain])


def assert_embedded_metric_format(document: dict[str, Any]) -> None:
    """The schema's rules, and those that its text adds.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    metadata = document["_aws"]
    assert isinstance(metadata["Timestamp"], int)
    assert metadata["CloudWatchMetrics"]
    for directive in metadata["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 1024
        assert directive["Dimensions"]
        for names in directive["Dimensions"]:
            assert 1 <= len(names) <= 30
            assert len(set(names)) == len(names)
            for name in names:
                assert 1 <= len(name) <= 250
                assert isinstance(document[name], str), "the value of a dimension is text"
                assert 1 <= len(document[name]) <= 1024
        assert 1 <= len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            assert set(metric) <= {"Name", "Unit", "StorageResolution"}
            value = document[metric["Name"]]
            assert isinstance(value, int | float)
            assert not isinstance(value, bool)
            assert metric["Name"] not in {name for names in directive["Dimensions"] for name in names}


def test_memory_adds_up_by_metric_service_and_dimensions() -> None:
    meter = MemoryMeter()
    for service in ("a", "a", "b"):
        meter.count("Requests", service, Route="current")
    meter.count("Requests", "a", Route="latest")
    meter.count("RouterLatency", "a", 12)
    meter.count("RouterLatency", "a", 30)
    assert meter.sums == {
        ("Requests", "a", "Route=current"): 2,
        ("Requests", "b", "Route=current"): 1,
        ("Requests", "a", "Route=latest"): 1,
        ("RouterLatency", "a"): 42,
    }


@pytest.mark.parametrize("error", [OSError("the pipe is closed"), ValueError("I/O operation on closed file")])
def test_a_log_that_cannot_be_written_costs_no_request(error: Exception) -> None:
    def closed(line: str) -> None:
        raise error

    EmbeddedMeter("test", ManualClock(NOW), closed).count("Requests", "transformer")

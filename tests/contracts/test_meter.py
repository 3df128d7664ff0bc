"""Counts: sums in memory, and lines that CloudWatch understands as metrics."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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


def told_together(*counts: tuple[str, float, dict[str, str]], service: str = "transformer") -> list[dict[str, Any]]:
    """The lines of counts that are made together."""
    written: list[str] = []
    meter = EmbeddedMeter("test", ManualClock(NOW), written.append)
    for _ in range(2):  # the second time, from what is remembered
        written.clear()
        with meter.together():
            for metric, value, dimensions in counts:
                meter.count(metric, service, value, **dimensions)
            assert written == []
    documents = [json.loads(line) for line in written]
    for document in documents:
        assert_embedded_metric_format(document)
    return documents


def series_of(document: dict[str, Any]) -> dict[tuple[str, ...], float]:
    """What CloudWatch makes of a line: the value of each metric, by its dimensions' values."""
    return {
        (metric["Name"], *(document[name] for name in names)): document[metric["Name"]]
        for directive in document["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
        for names in directive["Dimensions"]
    }


def test_a_request_is_one_line_that_has_all_of_its_metrics() -> None:
    route = {"Route": "latest"}
    (document,) = told_together(
        ("CanaryAdmitted", 1, {}), ("CanaryFallback", 1, {}), ("Requests", 1, route), ("RouterLatency", 12, {})
    )
    plain = ("test", "transformer")
    assert series_of(document) == {
        ("CanaryAdmitted", *plain): 1,
        ("CanaryFallback", *plain): 1,
        ("Requests", *plain): 1,
        ("Requests", *plain, "latest"): 1,
        ("RouterLatency", *plain): 12,
    }


def test_the_same_count_twice_in_a_request_is_their_sum() -> None:
    refused = ("Outcome", 1, {"Status": "NOT_STARTED"})
    (document,) = told_together(refused, ("InvalidPointer", 1, {}), ("InvalidPointer", 1, {}), refused)
    assert (document["Outcome"], document["InvalidPointer"]) == (2, 2)


def test_what_one_line_cannot_say_takes_two() -> None:
    """A name has one value in a line: a metric's, as a dimension's."""
    documents = told_together(
        ("Outcome", 1, {"Status": "FAILED"}), ("Outcome", 3, {"Status": "SUCCEEDED"}), ("Requests", 2, {})
    )
    plain = ("test", "transformer")
    assert [series_of(document) for document in documents] == [
        {("Outcome", *plain): 1, ("Outcome", *plain, "FAILED"): 1, ("Requests", *plain): 2},
        {("Outcome", *plain): 3, ("Outcome", *plain, "SUCCEEDED"): 3},
    ]


def test_services_have_lines_of_their_own() -> None:
    written: list[str] = []
    meter = EmbeddedMeter("test", ManualClock(NOW), written.append)
    with meter.together():
        for service in ("a", "b"):
            meter.count("Requests", service)
    assert [json.loads(line)["Service"] for line in written] == ["a", "b"]


def test_what_was_counted_before_an_error_is_told() -> None:
    written: list[str] = []
    meter = EmbeddedMeter("test", ManualClock(NOW), written.append)
    with suppress(ZeroDivisionError), meter.together():
        meter.count("Requests", "a")
        raise ZeroDivisionError
    meter.count("Outcome", "a")
    assert len(written) == 2


def test_threads_do_not_mix_what_they_count() -> None:
    written: list[str] = []
    meter = EmbeddedMeter("test", ManualClock(NOW), written.append)

    def count(number: int) -> None:
        with meter.together():
            for _ in range(50):
                meter.count("Requests", f"service-{number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(40)))
    assert sorted(json.loads(line)["Requests"] for line in written) == [50] * 40


def test_any_number_of_services_is_counted_and_few_are_remembered() -> None:
    meter = EmbeddedMeter("test", ManualClock(NOW), lambda _line: None)
    for number in range(600):
        meter.count("Requests", f"service-{number}")
    assert len(meter._rendered) <= 256


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

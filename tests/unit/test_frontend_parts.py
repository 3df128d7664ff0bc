"""The front-end application's pure parts: forms, results, charts, and what an execution's history says."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.chart import MONTHS, NARROW, WIDE, chart, weather_bar
from frontend.execution import cause_of, working
from frontend.order import METRICS, filled_in, title
from frontend.result import Place, Result, ResultUnreadable, stack_of
from transformer.job.contract import read_order
from transformer.job.order import UNITS, Order
from transformer.job.report import report

ARN = "arn:aws:states:eu-west-1:123456789012:execution:transformer-v1-1-0:t-1"
values = st.floats(-1e9, 1e9)


def a_report() -> dict[str, Any]:
    """What the job itself writes."""
    monthly = [
        {"month": str(n), "days": "30", "lowest": f"{n - 8.5}", "mean": f"{n}", "highest": f"{n + 9}"}
        for n in range(1, 13)
    ]
    weather = [{"weather": "sun", "days": "300"}, {"weather": "rain", "days": "60"}]
    return report(Order(2014, "temp_max"), monthly, weather)


def test_a_result_is_where_the_version_says_that_it_writes_them() -> None:
    place = Place.of(ARN, "s3://shared-data-1a2b3c/results/transformer-v1-1-0/")
    assert (place.bucket, place.account) == ("shared-data-1a2b3c", "123456789012")
    assert place.key == "results/transformer-v1-1-0/t-1.json"
    assert stack_of(ARN) == "transformer-v1-1-0"


@pytest.mark.parametrize("results", ["", "shared-data", "https://shared-data/results/", "s3://shared-data/re sults/"])
def test_what_is_no_place_in_s3_leads_to_no_object(results: str) -> None:
    with pytest.raises(ResultUnreadable):
        Place.of(ARN, results)


@pytest.mark.parametrize("arn", ["", "t-1", ARN.replace("execution", "express"), f"{ARN}/../../x", f"{ARN}\n"])
def test_what_is_no_executions_arn_leads_to_no_object(arn: str) -> None:
    with pytest.raises(ResultUnreadable):
        stack_of(arn)


def test_the_form_asks_for_what_the_job_knows() -> None:
    assert set(METRICS) == set(UNITS)
    form = filled_in({"key": ["k" * 20], "year": [" 2014 "], "metric": ["wind"]}, "new")
    assert read_order(form.document) == Order(2014, "wind")
    assert title(form.document) == "Wind in 2014"
    assert title(["not", "of", "this", "form"]) == "A job"


def test_the_jobs_own_result_is_read_and_drawn() -> None:
    result = Result.parse(json.loads(json.dumps(a_report())))
    assert (result.unit, result.days, len(result.months)) == ("°C", 360, 12)
    assert result.weather == {"rain": 60, "sun": 300}
    for width in (WIDE, NARROW):
        picture = ET.fromstring(chart(result, width))  # noqa: S314 - written here
        bars = picture.findall("rect")
        assert [bar.attrib["class"] for bar in bars] == ["range"] * 12
        centres = [float(bar.attrib["x"]) + float(bar.attrib["width"]) / 2 for bar in bars]
        labels = [float(it.attrib["x"]) for it in picture.findall("text") if it.attrib["class"] == "month"]
        assert centres == pytest.approx(labels, abs=0.2)
        assert centres[-1] + 1 < width


def test_heights_on_the_chart_are_in_proportion_to_the_values() -> None:
    result = Result.parse(a_report())
    picture = ET.fromstring(chart(result, WIDE))  # noqa: S314 - written here
    lines = {it.attrib["y1"] for it in picture.findall("line")}
    ticks = {
        float((it.text or "").replace("\N{MINUS SIGN}", "-")): float(it.attrib["y"]) - 4
        for it in picture.findall("text")
        if it.attrib["class"] == "tick"
    }
    (low, bottom), (high, top) = min(ticks.items()), max(ticks.items())
    assert len(lines) == len(ticks)
    for month, bar in zip(result.months, picture.findall("rect"), strict=True):
        for value, y in (
            (month.highest, float(bar.attrib["y"])),
            (month.lowest, float(bar.attrib["y"]) + float(bar.attrib["height"])),
        ):
            assert y == pytest.approx(bottom - (value - low) / (high - low) * (bottom - top), abs=0.2)


def wrong(change: Callable[[dict[str, Any]], object]) -> Any:
    document = a_report()
    change(document)
    return document


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        wrong(lambda it: it.pop("weather")),
        wrong(lambda it: it.update(months=[])),
        wrong(lambda it: it.update(weather=[1])),
        wrong(lambda it: it.update(days="many")),
        wrong(lambda it: it["months"].append(it["months"][0])),
        wrong(lambda it: it["months"][0].update(month=13)),
        wrong(lambda it: it["months"][0].update(month="1")),
        wrong(lambda it: it["months"][0].update(mean=float("nan"))),
        wrong(lambda it: it["months"][0].update(highest=float("inf"))),
        wrong(lambda it: it["months"][0].update(highest=1e300)),
        wrong(lambda it: it["months"][0].update(lowest=99)),
        wrong(lambda it: it["months"][0].pop("mean")),
        wrong(lambda it: it["months"][0].update(mean=10**400)),
    ],
)
def test_a_result_of_another_form_is_refused_in_words(document: Any) -> None:
    with pytest.raises(ResultUnreadable, match="another form"):
        Result.parse(document)


@given(st.dictionaries(st.integers(1, 12), st.tuples(values, values, values).map(sorted), min_size=1))
def test_whatever_the_values_are_the_chart_can_be_drawn_within_its_frame(
    months: dict[int, list[float]],
) -> None:
    document = a_report()
    names = ("lowest", "mean", "highest")
    document["months"] = [{"month": n} | dict(zip(names, three, strict=True)) for n, three in months.items()]
    picture = ET.fromstring(chart(Result.parse(document), NARROW))  # noqa: S314 - written here
    assert len(picture.findall("rect")) == len(months)
    assert 2 <= len(picture.findall("line")) <= 12
    for bar in picture.findall("rect"):
        y, height = float(bar.attrib["y"]), float(bar.attrib["height"])
        assert y >= 0
        assert height >= 2
        assert y + height <= 280


def test_kinds_of_weather_that_are_not_known_are_drawn_too() -> None:
    document = a_report() | {"weather": {"sun": 1, "hail<": 3}}
    assert re.findall(r'class="(kind-\w+)"', weather_bar(Result.parse(document))) == ["kind-sun", "kind-other"]
    assert weather_bar(Result.parse(document | {"weather": {}})) == ""
    assert len(MONTHS) == 12


def entered(name: str, kind: str = "TaskState") -> dict[str, Any]:
    return {"type": f"{kind}Entered", "stateEnteredEventDetails": {"name": name}}


def exited(name: str, kind: str = "TaskState") -> dict[str, Any]:
    return {"type": f"{kind}Exited", "stateExitedEventDetails": {"name": name}}


def test_the_steps_at_work_are_those_that_were_entered_and_not_left() -> None:
    begun = [{"type": "ExecutionStarted"}, entered("Prepare"), {"type": "TaskScheduled"}, exited("Prepare")]
    parallel = [entered("Query", "ParallelState"), entered("monthly"), entered("weather"), exited("monthly")]
    waiting = [entered("Await", "WaitState"), entered("How?", "ChoiceState")]
    assert working([*begun, *parallel, *waiting]) == ("Query", "weather")
    assert working([*begun, *parallel, entered("monthly")]) == ("Query", "monthly", "weather")
    # Of a long history only the newest events are read: what was entered before them is not seen.
    assert working([exited("monthly"), exited("weather")]) == ()


@pytest.mark.parametrize(
    ("error", "cause", "said"),
    [
        ("", "", ""),
        ("States.Timeout", "", "States.Timeout"),
        ("QueryFailed", "Monthly query 1: {}", "QueryFailed: Monthly query 1: {}"),
        ("", "[" * 5000, "[" * 499 + "…"),
        ("Runtime.HandlerError", '{"errorMessage": "no", "stackTrace": ["x"]}', "Runtime.HandlerError: no"),
        ("InvalidData", '{"errorMessage": "no", "errorType": "InvalidData"}', "InvalidData: no"),
        ("E", '"text"', 'E: "text"'),
    ],
)
def test_a_cause_is_one_text_without_a_stack_trace(error: str, cause: str, said: str) -> None:
    assert cause_of(error, cause) == said

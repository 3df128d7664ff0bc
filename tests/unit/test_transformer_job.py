"""The Transformer's job code, over the real data: what is accepted, what the numbers are, how each version differs."""

import csv
import json
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from transformer.job import queries
from transformer.job.contract import read_order
from transformer.job.order import InvalidInput, Order
from transformer.job.report import InvalidData, report, rows
from transformer.versions import HERE, source_for

Row = Mapping[str, str]

DAYS = list(csv.DictReader((HERE / "data" / "seattle-weather.csv").read_text().splitlines()))


def as_athena_answers(year: int, metric: str) -> tuple[list[Row], list[Row]]:
    """The rows that the two queries must find, computed from the file without any SQL."""
    days = [day for day in DAYS if day["date"].startswith(f"{year}/")]
    months: dict[int, list[dict[str, str]]] = defaultdict(list)
    for day in days:
        months[int(day["date"].split("/")[1])].append(day)
    monthly: list[Row] = [
        {
            "month": str(month),
            "days": str(len(of_month)),
            "lowest": str(min(float(day[metric]) for day in of_month)),
            "mean": str(round(sum(float(day[metric]) for day in of_month) / len(of_month), 2)),
            "highest": str(max(float(day[metric]) for day in of_month)),
        }
        for month, of_month in sorted(months.items())
    ]
    kinds = Counter(day["weather"] for day in days)
    return monthly, [{"weather": kind, "days": str(count)} for kind, count in sorted(kinds.items())]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, Order(2014, "temp_max")),
        ({"year": 2012}, Order(2012, "temp_max")),
        ({"metric": "wind"}, Order(2014, "wind")),
        ({"year": 2015, "metric": "precipitation"}, Order(2015, "precipitation")),
    ],
)
def test_what_the_input_leaves_out_takes_its_default(document: object, expected: Order) -> None:
    assert read_order(document) == expected


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ([], "an object"),
        (None, "an object"),
        ({"yaer": 2014}, "yaer"),
        ({"year": "2014"}, "'year'"),
        ({"year": True}, "'year'"),
        ({"year": 14}, "'year'"),
        ({"year": 2014.5}, "'year'"),
        ({"metric": "humidity"}, "'humidity'"),
        ({"metric": "wind; DROP TABLE daily_weather"}, "DROP TABLE"),
        ({"metric": ["wind"]}, "'metric'"),
    ],
)
def test_a_bad_input_is_refused_by_a_message_that_names_what_is_wrong(document: object, named: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_order(document)
    assert named in str(refusal.value)


def test_the_queries_ask_for_the_year_and_the_metric_of_the_order() -> None:
    sql = queries.monthly(Order(2013, "wind"), "some_table")
    assert "avg(wind)" in sql
    assert "'2013'" in sql
    assert "FROM some_table" in sql
    sql = queries.weather(Order(2013, "wind"), "some_table")
    assert "'2013'" in sql
    assert "FROM some_table" in sql


def test_the_rows_of_a_query_are_read_by_the_names_in_athenas_header() -> None:
    cells: list[list[str | None]] = [["weather", "days"], ["fog", "3"], ["sun", None]]
    result_set = [{"Data": [{} if text is None else {"VarCharValue": text} for text in row]} for row in cells]
    assert rows(result_set) == [{"weather": "fog", "days": "3"}, {"weather": "sun", "days": ""}]


@pytest.mark.parametrize(
    ("year", "metric", "days", "weather", "first_month"),
    [
        (2014, "temp_max", 365, {"fog": 151, "rain": 3, "sun": 211}, (31, 5.6, 9.6, 14.4)),
        (2012, "wind", 366, {"drizzle": 31, "fog": 5, "rain": 191, "snow": 21, "sun": 118}, (31, 1.3, 3.9, 8.2)),
    ],
)
def test_a_report_says_of_each_month_what_the_data_says(
    year: int, metric: str, days: int, weather: dict[str, int], first_month: tuple[int, float, float, float]
) -> None:
    result = report(Order(year, metric), *as_athena_answers(year, metric))
    assert (result["days"], result["weather"]) == (days, weather)
    assert [month["month"] for month in result["months"]] == list(range(1, 13))
    january = result["months"][0]
    assert (january["days"], january["lowest"], january["mean"], january["highest"]) == first_month


def test_a_year_without_observations_is_an_error_and_not_an_empty_report() -> None:
    with pytest.raises(InvalidData, match="1999"):
        report(Order(1999, "wind"), [], [])


def test_queries_that_contradict_each_other_are_an_error() -> None:
    monthly, weather = as_athena_answers(2014, "wind")
    with pytest.raises(InvalidData, match=r"365 days.*154"):
        report(Order(2014, "wind"), monthly, weather[:-1])


def test_a_mean_outside_of_its_extremes_is_an_error() -> None:
    monthly, weather = as_athena_answers(2014, "wind")
    with pytest.raises(InvalidData, match="month 1"):
        report(Order(2014, "wind"), [{**monthly[0], "mean": "99"}, *monthly[1:]], weather)


REPORT_OF_A_TREE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from transformer.job.order import Order
from transformer.job.report import report
print(json.dumps(report(Order(2014, "temp_max"), *json.load(sys.stdin))))
"""


def report_by(tag: str, folder: Path, answers: Sequence[object]) -> "subprocess.CompletedProcess[str]":
    """Runs a version's own tree in an interpreter of its own, which sees nothing of this checkout."""
    source_for(tag, folder)
    command = [sys.executable, "-I", "-c", REPORT_OF_A_TREE, str(folder)]
    return subprocess.run(command, input=json.dumps(answers), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("tag", "keys"),
    [
        ("v1.0.0", {"month", "days", "lowest", "mean", "highest"}),
        ("v1.1.0", {"month", "days", "lowest", "mean", "highest", "spread"}),
    ],
)
def test_a_version_says_more_about_a_month_than_the_one_before(tag: str, keys: set[str], tmp_path: Path) -> None:
    ran = report_by(tag, tmp_path, as_athena_answers(2014, "temp_max"))
    assert ran.returncode == 0, ran.stderr
    march: dict[str, Any] = json.loads(ran.stdout)["months"][2]
    assert march.keys() == keys
    assert march.get("spread", 11.7) == 11.7

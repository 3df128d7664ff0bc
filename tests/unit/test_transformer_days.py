"""The Spark script's own functions, without Spark: what is written for a day, and what a version makes of February."""

import argparse
import ast
import calendar
import csv
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transformer.job import days
from transformer.job.order import UNITS
from transformer.versions import HERE

Row = Mapping[str, str]
DATA: list[Row] = list(csv.DictReader((HERE / "data" / "seattle-weather.csv").read_text().splitlines()))
YEARS = (2012, 2013, 2014, 2015)
SCRIPTS = [HERE / "job" / "days.py", *sorted((HERE / "versions").glob("*/days.py"))]


def version(tag: str) -> ModuleType:
    """The script of a version that has one of its own."""
    spec = importlib.util.spec_from_file_location(
        f"days_of_{tag.replace('.', '_')}", HERE / "versions" / tag / "days.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MENDED = version("v1.2.1")


def options(year: int, metric: str = "temp_max") -> argparse.Namespace:
    given_ones = ["--data", "in", "--out", "out", "--transform-id", "t-1", "--year", str(year), "--metric", metric]
    return days.arguments(given_ones)


def groups(script: ModuleType, rows: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(script.group_of(row), []).append(row)
    return found


def written(script: ModuleType, year: int, metric: str = "temp_max", rows: list[Row] | None = None) -> Iterator[Any]:
    """What the whole job writes, as Spark puts it together."""
    for group in groups(script, DATA if rows is None else rows).values():
        yield from script.documents(group, options(year, metric))


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("metric", sorted(UNITS))
def test_every_day_of_the_year_is_written_once_with_what_the_file_says(year: int, metric: str) -> None:
    found = {document["date"]: document for document in written(days, year, metric)}
    expected = {row["date"].replace("/", "-"): row for row in DATA if row["date"].startswith(f"{year}/")}
    assert found.keys() == expected.keys()
    assert len(list(written(days, year, metric))) == len(expected)
    for day, row in expected.items():
        assert found[day] | {"normal": 0, "departure": 0} == {
            "transform_id": "t-1", "date": day, "month": int(day[5:7]), "metric": metric,
            "value": float(row[metric]), "normal": 0, "departure": 0,
        }  # fmt: skip


def test_what_is_normal_is_the_mean_of_the_month_in_all_years() -> None:
    july = [float(row["temp_max"]) for row in DATA if row["date"][5:7] == "07"]
    assert len(july) == 4 * 31
    for document in written(days, 2013):
        if document["month"] == 7:
            assert document["normal"] == pytest.approx(sum(july) / len(july), abs=0.0051)
            assert document["departure"] == pytest.approx(document["value"] - sum(july) / len(july), abs=0.0051)


VALUES = st.floats(-60, 60).map(lambda value: round(value, 1))
JULY = st.dictionaries(st.tuples(st.sampled_from(YEARS), st.integers(1, 31)), VALUES, min_size=1, max_size=40)


def rows_of(observed: Mapping[tuple[int, int], float]) -> list[Row]:
    return [{"date": f"{year}/07/{day:02}", "wind": str(value)} for (year, day), value in observed.items()]


@given(observed=JULY, data=st.data())
def test_the_order_in_which_spark_brings_the_rows_changes_nothing(
    observed: dict[tuple[int, int], float], data: st.DataObject
) -> None:
    rows = rows_of(observed)
    shuffled = data.draw(st.permutations(rows))
    found = list(days.documents(rows, options(2013, "wind")))
    assert list(days.documents(iter(shuffled), options(2013, "wind"))) == found
    assert [document["date"] for document in found] == sorted(
        f"2013-07-{day:02}" for year, day in observed if year == 2013
    )


@given(JULY)
def test_departures_from_normal_even_out_over_all_years(observed: dict[tuple[int, int], float]) -> None:
    rows = rows_of(observed)
    every = [document for year in YEARS for document in days.documents(rows, options(year, "wind"))]
    assert len({document["normal"] for document in every}) == 1
    assert abs(sum(document["departure"] for document in every)) <= 0.0051 * len(every)


@pytest.mark.parametrize("row", [{"wind": "strong"}, {"wind": ""}, {"wind": None}, {}])
def test_a_value_that_is_no_number_is_named_with_its_day(row: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"wind of 2014/07/04 is .*, which is no number"):
        list(days.documents([{"date": "2014/07/04"} | row], options(2014, "wind")))


def test_a_year_without_observations_has_no_days() -> None:
    assert list(written(days, 1999)) == []


def test_v1_2_0_fails_on_the_29th_of_february_of_every_year_that_has_none() -> None:
    broken = version("v1.2.0")
    assert list(written(broken, 2012)) == list(written(days, 2012))
    for year in (2013, 2014, 2015):
        with pytest.raises(ValueError, match="day"):
            list(written(broken, year))
        others = [row for row in DATA if not row["date"].endswith("/02/29")]
        assert list(written(broken, year, rows=others)) == list(written(days, year, rows=others))


def test_v1_2_1_writes_what_v1_0_0_writes_where_no_day_is_missing() -> None:
    for year in YEARS:
        assert list(written(MENDED, year)) == list(written(days, year))


@given(year=st.sampled_from(YEARS), absent=st.sets(st.sampled_from([row["date"] for row in DATA]), max_size=60))
def test_v1_2_1_writes_every_day_that_another_year_has_and_without_a_value_where_it_is_missing(
    year: int, absent: set[str]
) -> None:
    rows = [row for row in DATA if row["date"] not in absent]
    found = list(written(MENDED, year, rows=rows))
    observed = {row["date"].replace("/", "-") for row in rows if row["date"].startswith(f"{year}/")}
    elsewhere = {row["date"][5:].replace("/", "-") for row in rows}
    last = {month: calendar.monthrange(year, month)[1] for month in range(1, 13)}
    exist = {f"{year}-{day}" for day in elsewhere if int(day[3:]) <= last[int(day[:2])]}
    assert sorted(document["date"] for document in found) == sorted(exist)
    for document in found:
        assert (document["value"] is None) == (document["date"] not in observed)
        assert (document["departure"] is None) == (document["value"] is None)
        assert document["month"] == date.fromisoformat(document["date"]).month


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(HERE)))
def test_the_older_python_of_emr_can_read_the_script(script: Path) -> None:
    tree = ast.parse(script.read_text(), feature_version=(3, 9))
    # `X | None` is an error there as soon as the function is defined, unless it is text.
    unions = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)]
    assert not unions
    imported = {node.names[0].name for node in tree.body if isinstance(node, ast.Import)}
    imported |= {(node.module or "").split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names, "the script travels alone"

"""The days of one year, and how far each departs from what is normal for its month: a PySpark script.

    days.py --data s3://bucket/daily-weather/ --out s3://bucket/days/transformer-v1-0-0/t-1/
            --transform-id t-1 --year 2014 --metric wind

What is normal is the mean of the same month in all years, so every year is read. A line of JSON is written for each day
of the one year. The Python of EMR is older than that of the functions, 3.9: nothing newer is used here.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

Row = Mapping[str, str]
"""A row of the file: text by the names in its header."""


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Reads the arguments of the script."""
    parser = argparse.ArgumentParser(prog="days.py")
    parser.add_argument("--data", required=True, help="folder of the CSV files")
    parser.add_argument("--out", required=True, help="folder to write to; what was there is replaced")
    parser.add_argument("--transform-id", required=True)
    parser.add_argument("--year", type=int, required=True)
    parser.add_argument("--metric", required=True, help="name of the column")
    return parser.parse_args(argv)


def group_of(row: Row) -> str:
    """The month of a row, over all years: what is normal for a day is found among these rows."""
    return row["date"].split("/")[1]


def documents(rows: Iterable[Row], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One document for each day that was observed in the year.

    Args:
        rows: All rows of one group, of every year, in any order.
        options: The arguments of the script.

    Raises:
        ValueError: A row cannot be read; the message names its day.
    """
    observed = sorted((row["date"], _value(row, options.metric)) for row in rows)
    normal = sum(value for _, value in observed) / len(observed)
    for day, value in observed:
        year, month, number = (int(part) for part in day.split("/"))
        if year == options.year:
            yield _document(options, date(year, month, number), value, normal)


def _value(row: Row, metric: str) -> float:
    try:
        return float(row[metric])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{metric} of {row['date']} is {row.get(metric)!r}, which is no number") from error


def _document(options: argparse.Namespace, day: date, value: float, normal: float) -> dict[str, Any]:
    return {
        "transform_id": options.transform_id,
        "date": day.isoformat(),
        "month": day.month,
        "metric": options.metric,
        "value": value,
        "normal": round(normal, 2),
        "departure": round(value - normal, 2),
    }


def main() -> None:
    """Runs on Spark, wherever that is."""
    from pyspark.sql import SparkSession  # noqa: PLC0415 - the functions above are of use without Spark, too

    options = arguments(sys.argv[1:])
    spark = SparkSession.builder.appName(f"days of {options.transform_id}").getOrCreate()
    rows = spark.read.csv(options.data, header=True).rdd.map(lambda row: row.asDict())
    lines = rows.groupBy(group_of).flatMap(lambda group: documents(group[1], options)).map(json.dumps)
    spark.createDataFrame(lines, "string").write.mode("overwrite").text(options.out)


if __name__ == "__main__":
    main()

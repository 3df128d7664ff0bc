"""A Spark script of the form that can also be run without Spark: the days of a year, and what is normal in their month.

The tests put it into S3 and run it from there, so it imports nothing of theirs.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Row = dict[str, str | None]


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("--data", "--out", "--transform-id", "--metric"):
        parser.add_argument(name, required=True)
    parser.add_argument("--year", type=int, required=True)
    return parser.parse_args(argv)


def group_of(row: Row) -> str:
    return str(row["date"])[5:7]


def documents(rows: Iterable[Row], arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    days = sorted((str(row["date"]), row[arguments.metric]) for row in rows)
    values = [float(value) for _, value in days if value is not None]
    normal = sum(values) / len(values)
    for date, value in days:
        if date.startswith(f"{arguments.year}/"):
            yield {
                "transform_id": arguments.transform_id,
                "date": date.replace("/", "-"),
                "metric": arguments.metric,
                "value": None if value is None else float(value),
                "normal": round(normal, 2),
            }


def main() -> None:
    from pyspark.sql import SparkSession  # noqa: PLC0415 - the functions above are used without it as well

    asked = arguments(sys.argv[1:])
    spark = SparkSession.builder.appName("warm days").getOrCreate()
    rows = spark.read.csv(asked.data, header=True).rdd.map(lambda row: row.asDict())
    days = rows.groupBy(group_of).flatMap(lambda group: documents(group[1], asked))
    days.map(json.dumps).saveAsTextFile(asked.out)


if __name__ == "__main__":
    main()

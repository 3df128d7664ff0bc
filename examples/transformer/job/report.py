"""The result of a job, put together from the rows of its two queries, and checked before anybody may rely on it."""

from collections.abc import Mapping, Sequence
from typing import Any

from transformer.job.measures import measures
from transformer.job.order import UNITS, Order

Row = Mapping[str, str]
"""A row of a query's result: Athena gives every value as text."""


class InvalidData(ValueError):
    """The data cannot be what the job was asked to summarise; the message says what does not fit."""


def report(order: Order, monthly: Sequence[Row], weather: Sequence[Row]) -> dict[str, Any]:
    """Merges the rows of both queries into the result of the job.

    Args:
        order: What the job was asked to do.
        monthly: Rows of ``queries.monthly``.
        weather: Rows of ``queries.weather``.

    Raises:
        InvalidData: There is nothing for the year, or the two queries contradict each other.
    """
    if not monthly:
        raise InvalidData(f"There are no observations for the year {order.year}")
    months = [measures(row) for row in monthly]
    kinds = {row["weather"]: int(row["days"]) for row in weather}
    days = sum(month["days"] for month in months)
    if days != sum(kinds.values()):
        raise InvalidData(f"The months have {days} days, but the kinds of weather have {sum(kinds.values())}")
    for month in months:
        if not month["lowest"] <= month["mean"] <= month["highest"]:
            raise InvalidData(f"The mean of month {month['month']} lies outside of its extremes: {month}")
    return {
        "year": order.year,
        "metric": order.metric,
        "unit": UNITS[order.metric],
        "days": days,
        "months": months,
        "weather": kinds,
    }


def rows(result_set: Sequence[dict[str, Any]]) -> list[Row]:
    """The rows that Athena found, by column name. Athena's first row is the header."""
    header, *body = result_set
    names = [cell["VarCharValue"] for cell in header["Data"]]
    return [dict(zip(names, (cell.get("VarCharValue", "") for cell in row["Data"]), strict=True)) for row in body]

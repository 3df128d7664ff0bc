"""What the result says about one month."""

from collections.abc import Mapping
from datetime import date
from typing import Any


def measures(row: Mapping[str, str]) -> dict[str, Any]:
    """Turns a row of the monthly query into a month of the result; values have the metric's unit."""
    lowest, highest = float(row["lowest"]), float(row["highest"])
    days = int(row["days"])
    span = day(row["last_day"]) - day(row["first_day"])
    return {
        "month": int(row["month"]),
        "days": days,
        "days_missing": span.days + 1 - days,
        "lowest": lowest,
        "mean": float(row["mean"]),
        "highest": highest,
        "spread": round(highest - lowest, 2),
    }


def day(text: str) -> date:
    """Reads a day as the data writes it: ``2014/01/31``."""
    return date.fromisoformat(text.replace("/", "-"))

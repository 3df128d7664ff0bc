"""What the result says about one month."""

from collections.abc import Mapping
from typing import Any


def measures(row: Mapping[str, str]) -> dict[str, Any]:
    """Turns a row of the monthly query into a month of the result; values have the metric's unit."""
    lowest, highest = float(row["lowest"]), float(row["highest"])
    return {
        "month": int(row["month"]),
        "days": int(row["days"]),
        "lowest": lowest,
        "mean": float(row["mean"]),
        "highest": highest,
        "spread": round(highest - lowest, 2),
    }

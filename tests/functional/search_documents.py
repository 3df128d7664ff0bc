"""What the tests of the search put into an index: a field of each type, and four days."""

from typing import Any

MAPPING: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "date": {"type": "date", "format": "strict_date"},
        "at": {"type": "date"},
        "metric": {"type": "keyword"},
        "month": {"type": "integer"},
        "total": {"type": "long"},
        "value": {"type": "float"},
        "exact": {"type": "double"},
        "final": {"type": "boolean"},
    },
}
DAYS: dict[str, dict[str, Any]] = {
    "a": {"date": "2014-01-30", "metric": "wind", "month": 1, "value": 12.8, "exact": 12.8, "final": True},
    "b": {"date": "2014-01-31", "metric": "wind", "month": "1", "value": "2.5", "exact": 2.5, "final": "false"},
    "c": {"date": "2014-02-01", "metric": "temp_max", "month": 2.9, "value": -1, "exact": -1, "final": False},
    "d": {"date": "2014-03-01", "metric": "temp_max", "month": 3, "value": None, "total": 2**53 + 1},
}

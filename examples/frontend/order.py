"""What a person may ask for, checked before anything is sent.

The job checks its input too. What is wrong is said here already because here it costs nothing, and next to the field
that it is wrong in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

METRICS = {
    "temp_max": "Daily high temperature",
    "temp_min": "Daily low temperature",
    "precipitation": "Precipitation",
    "wind": "Wind",
}
"""The metrics that the service knows, and what they are called here."""

_YEAR = re.compile(r"[1-9][0-9]{3}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)


@dataclass(frozen=True)
class Form:
    """The form as it was filled in.

    Attributes:
        key: Idempotency key, made with the form: sent twice, a form is one job.
        year: What stands in the field, at most a few characters of it.
        metric: What was chosen.
        errors: What is wrong, by the name of the field.
    """

    key: str
    year: str = "2014"
    metric: str = "temp_max"
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """The input of the job. Only for a form without errors."""
        return {"year": int(self.year), "metric": self.metric}


def filled_in(fields: Mapping[str, list[str]], new_key: str) -> Form:
    """Reads what a browser sent.

    Args:
        fields: The fields, as ``urllib.parse.parse_qs`` gives them.
        new_key: The key to go on with when the form has none that could be one.
    """
    key, year, metric = (_only(fields, name) for name in ("key", "year", "metric"))
    errors = {}
    if not _KEY.fullmatch(key):
        errors["key"] = "This form is incomplete. Check what it says and submit it again."
        key = new_key
    if not _YEAR.fullmatch(year):
        errors["year"] = "Give the year as four digits, for example 2014."
    if metric not in METRICS:
        errors["metric"] = f"Choose one of: {', '.join(METRICS.values())}."
        metric = "temp_max"
    return Form(key, year[:12], metric, errors)


def title(document: object) -> str:
    """What a job's input asks for, in words. Others than this form send jobs too, with inputs of their own."""
    if not isinstance(document, dict):
        return "A job"
    metric = document.get("measure", document.get("metric", "temp_max"))  # its names from v1.4.0 on, and before
    year = document.get("year", "2014")
    return f"{METRICS.get(metric, metric) if isinstance(metric, str) else 'Something'} in {year}"[:80]


def _only(fields: Mapping[str, list[str]], name: str) -> str:
    values = fields.get(name, [])
    return values[0].strip() if len(values) == 1 else ""

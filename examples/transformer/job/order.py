"""What a job is asked to do."""

from dataclasses import dataclass

UNITS = {"temp_max": "°C", "temp_min": "°C", "precipitation": "mm", "wind": "m/s"}
"""The measured columns of the data, which are the metrics that can be asked for, and their units."""


class InvalidInput(ValueError):
    """The input of the job is refused; the message names the key and what would be accepted."""


@dataclass(frozen=True)
class Order:
    """One job: summarise one metric of one year, month by month.

    Attributes:
        year: Calendar year, four digits.
        metric: A key of ``UNITS``. It becomes the name of a column in SQL, so nothing else is let through.
    """

    year: int
    metric: str

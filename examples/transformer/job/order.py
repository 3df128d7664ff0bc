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


def year_of(given: object) -> int:
    """The year of an input: a whole number of four digits, which JSON may write as 2014.0, too.

    Raises:
        InvalidInput: It is none.
    """
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    # A JSON true is an int to Python.
    if not isinstance(given, int) or isinstance(given, bool) or not 1000 <= given <= 9999:  # noqa: PLR2004 - four digits
        raise InvalidInput(f"'year' is {given!r}; give a whole number of four digits")
    return given

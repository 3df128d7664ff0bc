"""What a job is asked to do: the input of the state machine, checked before anything is started."""

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

    @classmethod
    def parse(cls, document: object) -> "Order":
        """Reads the input of a job. It names the year and the measure; v1 had defaults for both.

        Raises:
            InvalidInput: The input is not an object, or a key is missing, unknown or has a value that is not accepted.
        """
        if not isinstance(document, dict):
            raise InvalidInput(f"The input is {document!r}; give an object such as {{'year': 2014, 'measure': 'wind'}}")
        if set(document) != {"year", "measure"}:
            raise InvalidInput(f"The input has the keys {sorted(map(str, document))}; give 'year' and 'measure'")
        year, metric = document["year"], document["measure"]
        # A JSON true is an int to Python.
        if not isinstance(year, int) or isinstance(year, bool) or not 1000 <= year <= 9999:  # noqa: PLR2004 - four digits
            raise InvalidInput(f"'year' is {year!r}; give a whole number of four digits")
        if not isinstance(metric, str) or metric not in UNITS:
            raise InvalidInput(f"'measure' is {metric!r}; choose one of {sorted(UNITS)}")
        return cls(year, metric)

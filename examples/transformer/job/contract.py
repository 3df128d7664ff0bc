"""The contract of the input: what the state machine is started with, checked before anything else is."""

from transformer.job.order import UNITS, InvalidInput, Order

DEFAULT_YEAR = 2014
DEFAULT_METRIC = "temp_max"


def read_order(document: object) -> Order:
    """Reads the input of a job; a key that is left out takes its default.

    Raises:
        InvalidInput: The input is not an object, or a key is unknown or has a value that is not accepted.
    """
    if not isinstance(document, dict):
        raise InvalidInput(f"The input is {document!r}; give an object such as {{'year': 2014}}")
    unknown = sorted(str(key) for key in document.keys() - {"year", "metric"})
    if unknown:
        raise InvalidInput(f"The input has unknown keys {unknown}; 'year' and 'metric' are accepted")
    year = document.get("year", DEFAULT_YEAR)
    # A JSON true is an int to Python.
    if not isinstance(year, int) or isinstance(year, bool) or not 1000 <= year <= 9999:  # noqa: PLR2004 - four digits
        raise InvalidInput(f"'year' is {year!r}; give a whole number of four digits")
    metric = document.get("metric", DEFAULT_METRIC)
    if not isinstance(metric, str) or metric not in UNITS:
        raise InvalidInput(f"'metric' is {metric!r}; choose one of {sorted(UNITS)}")
    return Order(year, metric)

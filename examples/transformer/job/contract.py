"""The contract of the input: what the state machine is started with, checked before anything else is."""

from transformer.job.order import UNITS, InvalidInput, Order, year_of

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
    year = year_of(document.get("year", DEFAULT_YEAR))
    metric = document.get("metric", DEFAULT_METRIC)
    if not isinstance(metric, str) or metric not in UNITS:
        raise InvalidInput(f"'metric' is {metric!r}; choose one of {sorted(UNITS)}")
    return Order(year, metric)

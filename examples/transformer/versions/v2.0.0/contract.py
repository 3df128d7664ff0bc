"""The contract of the input: what the state machine is started with, checked before anything else is."""

from transformer.job.order import UNITS, InvalidInput, Order, year_of


def read_order(document: object) -> Order:
    """Reads the input of a job. It names the year and the measure; v1 had defaults for both.

    Raises:
        InvalidInput: The input is not an object, or a key is missing, unknown or has a value that is not accepted.
    """
    if not isinstance(document, dict):
        raise InvalidInput(f"The input is {document!r}; give an object such as {{'year': 2014, 'measure': 'wind'}}")
    if set(document) != {"year", "measure"}:
        raise InvalidInput(f"The input has the keys {sorted(map(str, document))}; give 'year' and 'measure'")
    year, metric = year_of(document["year"]), document["measure"]
    if not isinstance(metric, str) or metric not in UNITS:
        raise InvalidInput(f"'measure' is {metric!r}; choose one of {sorted(UNITS)}")
    return Order(year, metric)

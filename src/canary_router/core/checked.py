"""Values of a policy, held to their types and ranges: each refusal names the key, and says what would do."""

from typing import TypeGuard

from canary_router.errors import InvalidPolicy


def refused(key: str, why: str) -> InvalidPolicy:
    """The refusal of a policy for one of its keys."""
    return InvalidPolicy(f"Policy key {key!r}: {why}", advice=f"Correct {key!r} in the policy; nothing was changed.")


def whole(key: str, value: object, least: int, most: int) -> None:
    """Takes a whole number within a range, both ends included.

    Raises:
        InvalidPolicy: The value is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise refused(key, f"{value!r} is not a whole number from {least} to {most}")


def probability(key: str, value: object) -> None:
    """Takes a number above 0 and up to 1.

    Raises:
        InvalidPolicy: The value is something else.
    """
    if not is_number(value) or not 0 < value <= 1:
        raise refused(key, f"{value!r} is not a number above 0 and up to 1")


def between(key: str, value: object, least: float, most: float) -> None:
    """Takes a number between two others, which are not among those that are taken.

    Raises:
        InvalidPolicy: The value is something else.
    """
    if not is_number(value) or not least < value < most:
        raise refused(key, f"{value!r} is not a number between {least:g} and {most:g}")


def is_number(value: object) -> TypeGuard[float]:
    """Whether a decoded value is a number: JSON's true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)

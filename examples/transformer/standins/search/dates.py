"""Dates as OpenSearch reads and writes them: milliseconds since 1970 inside, a few of its formats outside."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

DEFAULT_FORMAT = "strict_date_optional_time||epoch_millis"

_DAY = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
_TIME = r"(?P<hour>\d\d)(:(?P<minute>\d\d)(:(?P<second>\d\d)([.,](?P<fraction>\d{1,9}))?)?)?"
_DATES = {
    "strict_date_optional_time": re.compile(
        r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d)" + rf"(T({_TIME}(?P<zone>Z|[+-]\d\d:?\d\d)?)?)?" + r")?)?"
    ),
    "strict_date": re.compile(_DAY),
    "yyyy-MM-dd": re.compile(_DAY),
}
_EPOCH_MILLIS = "epoch_millis"
_MILLIS = re.compile(r"-?\d{1,18}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 to 9999, which are all that Python knows."""


def formats(text: str) -> tuple[str, ...]:
    """The formats that a mapping names, in the order in which they are tried.

    Raises:
        ValueError: One of them is not known here.
    """
    found = tuple(text.split("||"))
    for name in found:
        if name not in _DATES and name != _EPOCH_MILLIS:
            raise ValueError(f"Invalid format: [{name}]: this stand-in knows {sorted([*_DATES, _EPOCH_MILLIS])}")
    return found


def read(text: str, accepted: Sequence[str], *, up: bool = False) -> int:
    """Milliseconds since 1970 of a date.

    Args:
        text: The date.
        accepted: Formats, of ``formats``.
        up: Whether what the date leaves out is taken as late as possible, as the upper ends of ranges are; months and
            days that it leaves out are the first in any case.

    Raises:
        ValueError: The text has none of the formats, or is no day of the calendar.
    """
    for name in accepted:
        if name == _EPOCH_MILLIS and _MILLIS.fullmatch(text) and _EARLIEST <= int(text) <= _LATEST:
            return int(text)
        if name in _DATES and (found := _DATES[name].fullmatch(text)):
            try:
                return _millis(found.groupdict(), up=up)
            except (ValueError, OverflowError):
                continue
    raise ValueError(f"failed to parse date field [{text}] with format [{'||'.join(accepted)}]")


def write(millis: int, accepted: Sequence[str]) -> str:
    """A date in the first of the formats."""
    first = accepted[0]
    if first == _EPOCH_MILLIS:
        return str(millis)
    moment = _EPOCH + timedelta(milliseconds=millis)
    day = f"{moment.year:04d}-{moment.month:02d}-{moment.day:02d}"
    if first != "strict_date_optional_time":
        return day
    return f"{day}T{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _millis(parts: dict[str, str | None], *, up: bool) -> int:
    def part(name: str, low: int, high: int) -> int:
        return int(value) if (value := parts.get(name)) else (high if up else low)

    millis = (parts.get("fraction") or ("999" if up else "0")).ljust(3, "0")[:3]
    moment = datetime(
        int(parts["year"] or 0), part("month", 1, 1), part("day", 1, 1),
        part("hour", 0, 23), part("minute", 0, 59), part("second", 0, 59), tzinfo=UTC,
    )  # fmt: skip
    return (moment - _offset(parts.get("zone")) - _EPOCH) // timedelta(milliseconds=1) + int(millis)


def _offset(zone: str | None) -> timedelta:
    if zone in {None, "Z"}:
        return timedelta()
    assert zone is not None  # noqa: S101 - for mypy, which cannot see it above
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    if hours > 18 or minutes > 59:  # noqa: PLR2004 - as far as Java's offsets go
        raise ValueError(f"{zone} is no offset")
    return (1 if zone[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes)

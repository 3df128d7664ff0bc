"""Moments in words, on the clock of the machine that serves the pages: the operator's own."""

from datetime import UTC, datetime

from canary_router.core.durations import duration


def iso(milliseconds: int) -> str:
    """A moment for machines."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def clock(milliseconds: int, now: int) -> str:
    """A moment for people: the time, and the day unless it is today."""
    then, today = _local(milliseconds), _local(now)
    if then.date() == today.date():
        return then.strftime("%H:%M:%S")
    return f"{then.day} {then.strftime('%b' if then.year == today.year else '%b %Y')}, {then.strftime('%H:%M')}"


def ago(milliseconds: int, now: int) -> str:
    """How long something is over."""
    return f"{duration(now - milliseconds)} ago"


def _local(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000).astimezone()

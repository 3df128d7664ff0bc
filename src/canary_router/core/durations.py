"""Lengths of time in words."""

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def duration(milliseconds: int) -> str:
    """A length of time in its two largest units, such as ``1 h 20 min``."""
    seconds, found = max(0, milliseconds) // 1000, []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            found.append(f"{count} {unit}")
    return " ".join(found[:2]) or "0 s"

"""Whose write of a pointer is it, and which does one of ours hide? A parameter's history tells, by the notes in it.

SSM has no compare-and-set, so a write of ours may come over one that its maker has not seen:

    controller   latest is v5, the release's ..... blanks it: v7 ................. v6's value again: v9
    deploy       ............................. v6 ........................... v8

The blank v7 was meant for v5 and hides v6; putting that back hides v8. Each note says what its write was meant for.
"""

from dataclasses import replace

from canary_router.core.pointers import Reading

_BLANKED = "canary-router blanked "
_PUT_BACK = "canary-router put back version "


def blank_note(release_id: str) -> str:
    """The note that our blank of ``latest`` carries; it tells our blank from a person's."""
    return f"{_BLANKED}{release_id}"


def put_back_note(version: int) -> str:
    """The note that a value carries which we write again."""
    return f"{_PUT_BACK}{version}"


def attributed(history: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """A history whose notes are those of their own writes.

    A write without a description may keep that of the write before it. So a note counts from where it begins for as
    long as the value is what was written with it; what comes after that has only kept it.

        v2 none (our blank) ... v3 an ARN, by hand (keeps our note) ... v4 none, by hand (keeps it still)
    """
    found: list[Reading] = []
    raw, value = "", ""
    for reading in history:
        if reading.note != raw:
            raw = reading.note
            value = reading.value if reading.is_blank or not raw.startswith(_BLANKED) else ""
        kept = not raw or not value or reading.value != value
        if kept:
            value = ""
        found.append(replace(reading, note="") if kept else reading)
    return tuple(found)


def hidden(history: tuple[Reading, ...]) -> Reading | None:
    """The write that ``latest`` should hold, where writes of ours that were not meant for it have come over it.

    What somebody else writes stands, until the next such write or a blank of ours that names it. Putting it back only
    makes a copy, which stands in its place. Neither another release's blank nor the copy of another write ends it.

    Args:
        history: The writes of ``latest``, oldest first, with their notes. It may begin anywhere.

    Returns:
        The newest copy of the write that is hidden; None when what stands is there, or is blank.
    """
    standing: list[Reading] = []
    for reading in attributed(history):
        if reading.note.startswith(_BLANKED):
            if any(reading.note == blank_note(copy.mark.release_id) for copy in standing):
                standing = []
        elif not reading.note.startswith(_PUT_BACK) or not standing:
            standing = [reading]
        elif any(reading.note in (copy.note, put_back_note(copy.version)) for copy in standing):
            standing.append(reading)
    if not standing or standing[-1].is_blank or standing[-1].version == history[-1].version:
        return None
    return standing[-1]

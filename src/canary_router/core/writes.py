"""Whose write of a pointer is it, and which does one of ours hide? A parameter's history tells, by the notes in it.

SSM has no compare-and-set, so a write of ours may come over one that its maker has not seen:

    controller   latest is v5, the release's ..... blanks it: v7 ................. v6's value again: v9
    deploy       ............................. v6 ........................... v8

The blank v7 was meant for v5 and hides v6; putting that back hides v8. Each note says what its write was meant for.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from canary_router.core.model import WriteMark
from canary_router.core.pointers import Reading

_BLANKED = "canary-router blanked "
_WITHDREW = "canary-router withdrew "
_OURS = (_BLANKED, _WITHDREW)
_PUT_BACK = "canary-router put back version "
_RELEASED = "canary-router released on order "
_COMMIT = re.compile(re.escape(_RELEASED) + r"\S+ of commit (?P<commit>[0-9a-f]{40,64})", re.ASCII)


def release_note(order: str, commit: str = "") -> str:
    """The note of a write by which a version is released: the order, and the commit that the version was built from."""
    return f"{_RELEASED}{order}" + (f" of commit {commit}" if commit else "")


def commit_of(note: str) -> str:
    """The commit that a release's note tells; empty where it tells none."""
    match = _COMMIT.fullmatch(note)
    return match["commit"] if match else ""


def blank_note(release_id: str) -> str:
    """The note that the controller's blank of ``latest`` carries; it tells that from a person's.

    It comes after the write of ``current``, where there is one.
    """
    return f"{_BLANKED}{release_id}"


def withdrawal_note(release_id: str) -> str:
    """The note of the blank by which a deployment that is rolled back withdraws its write."""
    return f"{_WITHDREW}{release_id}"


def is_by_controller(blank: Reading) -> bool:
    """Whether a write of an attributed history is the controller's blank."""
    return blank.note.startswith(_BLANKED)


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
            value = reading.value if reading.is_blank or not raw.startswith(_OURS) else ""
        kept = not raw or not value or reading.value != value
        if kept:
            value = ""
        found.append(replace(reading, note="") if kept else reading)
    return tuple(found)


def hidden(history: tuple[Reading, ...]) -> Reading | None:
    """The write that ``latest`` should hold, where writes of ours that were not meant for it have come over it.

    What somebody else writes stands, until the next such write or a blank of ours that names it, which stands then.
    Putting it back only makes a copy, which stands in its place. Neither another release's blank nor the copy of
    another write ends it.

    Args:
        history: The writes of ``latest``, oldest first, with their notes. It begins with one that stood when it was
            made: the first of all, or one at which nothing was hidden.

    Returns:
        The newest copy of the write that is hidden; None when what stands is there. A blank may be hidden as well.
    """
    standing = _standing(history)
    if not standing or standing[-1].version == history[-1].version:
        return None
    return None if standing[-1].is_blank and history[-1].is_blank else standing[-1]


def stands(history: tuple[Reading, ...], write: WriteMark) -> bool:
    """Whether a write of ``latest``, or a copy of it, is what it should hold; ``history`` as above."""
    return any(copy.mark == write for copy in _standing(history))


def ended_by(history: tuple[Reading, ...], write: WriteMark) -> Reading | None:
    """What came in the place of a write of ``latest`` that stood; None while it stands. ``history`` as above."""
    stood = False
    for reading, standing in _standings(history):
        is_there = any(copy.mark == write for copy in standing)
        if stood and not is_there:
            return reading
        stood = is_there
    return None


def _standing(history: tuple[Reading, ...]) -> list[Reading]:
    """The write that stands at the end of a history, and its copies."""
    last: list[Reading] = []
    for _, last in _standings(history):  # noqa: B007 - the last one is asked for
        pass
    return last


def _standings(history: tuple[Reading, ...]) -> Iterator[tuple[Reading, list[Reading]]]:
    """What stands after each write of a history, with its copies."""
    standing: list[Reading] = []
    for reading in attributed(history):
        if reading.note.startswith(_OURS):
            if not standing or any(_ends(reading, copy) for copy in standing):
                standing = [reading]
        elif not reading.note.startswith(_PUT_BACK) or not standing:
            standing = [reading]
        elif any(reading.note in (copy.note, put_back_note(copy.version)) for copy in standing):
            standing = [*standing, reading]
        yield reading, standing


def _ends(blank: Reading, copy: Reading) -> bool:
    """Whether a blank of ours names a write, or the one that it is a copy of."""
    named = blank.note.removeprefix(_BLANKED).removeprefix(_WITHDREW)
    of_version = copy.note.removeprefix(_PUT_BACK)
    is_copy_of = copy.note.startswith(_PUT_BACK) and named.startswith(f"r{of_version}-")
    return named == copy.mark.release_id or is_copy_of

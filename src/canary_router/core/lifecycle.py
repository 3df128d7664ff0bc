"""How releases come about: from a write of ``latest``, or from a write of ``current`` that nobody here made."""

from dataclasses import replace

from canary_router.core.model import Basis, Release, ReleaseState, ServiceState, Version, WriteMark
from canary_router.core.pointers import Blank, Invalid, Pointers, Reading, content_of
from canary_router.core.policy import Policy


def release_from(pointers: Pointers, now: int) -> Release | None:
    """The release that the pointers ask for; None while the router has to sleep.

    With ``current`` blank there is nothing to compare with, and a version that is current already has nothing to
    prove: both are on record as what they are.
    """
    target = pointers.candidate
    if target is None or pointers.write is None or not isinstance(pointers.policy, Policy):
        return None
    basis = Basis.CANARY
    if isinstance(pointers.current, Blank):
        basis = Basis.FIRST
    elif pointers.current == target:
        basis = Basis.ALREADY_CURRENT
    return Release(
        service=pointers.service,
        release_id=pointers.write.release_id,
        target=target,
        write=pointers.write,
        state=ReleaseState.OPEN,
        basis=basis,
        policy=pointers.policy,
        opened_at=now,
    )


_LAG = 60_000
"""Milliseconds after which a read of SSM is no longer believed to be older than a write: it lags for seconds."""


def is_behind(pointers: Pointers, state: ServiceState, now: int) -> bool:
    """Whether ``current`` was read as it was before a write that is on record.

    Nothing may be concluded from such a read: a new version would look like the first one, or like the one that is
    current already. Later on, a lower version means that the parameter was deleted and made anew.
    """
    return pointers.current_version < state.current_write and now - state.current_write_at < _LAG


def is_older_than(latest: Reading | None, write: WriteMark, now: int) -> bool:
    """Whether ``latest`` was read as it was before a write of it that is known."""
    if latest is None:
        return now - write.modified < _LAG
    return latest.mark < write


def withdrawal(pointers: Pointers, release: Release) -> str:
    """Why an undecided release lost its pointer; empty while ``latest`` still holds its write.

    A valid newer value is no withdrawal: it supersedes the release when it is opened. A value that is older than
    the release's own write is a stale read and says nothing. A missing parameter has no age, and the release was
    opened from it, so it was deleted since; that read may be stale too, and is believed at the deadline only.
    """
    if pointers.write is None or pointers.write <= release.write or isinstance(pointers.latest, Version):
        return ""
    if isinstance(pointers.latest, Blank):
        return "withdrawn: latest was blanked by somebody else"
    return "withdrawn: latest was overwritten with an invalid value"


def obstacle(pointers: Pointers, release: Release) -> str:
    """Why a release must not become current now, whatever its outcomes say; empty when nothing is in its way.

    Only a release whose write ``latest`` still holds, as far as can be read, may: the stack of one that was taken back
    is about to be deleted. A newer write supersedes it. The read may be some seconds old: SSM has nothing better.
    """
    if isinstance(pointers.current, Invalid):
        return "current holds an invalid value, which nothing is written over"
    if pointers.write is None or pointers.write <= release.write:
        return ""
    return withdrawal(pointers, release) or "a newer write of latest takes its place"


def is_unrecorded(version: int, state: ServiceState, now: int) -> bool:
    """Whether a write of ``current`` is not on record: a newer one, or one of a parameter that was made anew.

    Args:
        version: Of the parameter, as it was read.
        state: The service's state.
        now: Epoch milliseconds.
    """
    if version < state.current_write:
        return now - state.current_write_at >= _LAG
    return version > state.current_write


def adoption(current: Reading | None, state: ServiceState, now: int) -> Release | None:
    """The closed release that puts a hand-written ``current`` on record; None when the write is known or ours.

    Args:
        current: What was current, before any write of ours that is not on record yet.
        state: The service's state.
        now: Epoch milliseconds.
    """
    if current is None or not is_unrecorded(current.version, state, now):
        return None
    target = content_of(state.service, current)
    if not isinstance(target, Version):
        return None
    return Release(
        service=state.service,
        release_id=f"h{current.version}-{current.modified // 1000}",
        target=target,
        write=current.mark,
        state=ReleaseState.PROMOTED,
        basis=Basis.ADOPTED,
        policy=Policy(),
        opened_at=current.modified,
        decided_at=current.modified,
        closed_at=now,
        reason="current was written by hand" if state.current else "current before the router's first look",
    )


_BLANKED = "canary-router blanked "
_PUT_BACK = "canary-router put back version "


def put_back_note(version: int) -> str:
    """The note that a value carries which we write again."""
    return f"{_PUT_BACK}{version}"


def blank_note(release_id: str) -> str:
    """The note that our blank of ``latest`` carries; it tells our blank from a person's."""
    return f"{_BLANKED}{release_id}"


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
    """The write of ``latest`` that blanks of ours hide at the end of its history, though they were made for others."""
    history = attributed(history)
    end = len(history)
    while end > 0 and history[end - 1].is_blank and history[end - 1].note.startswith(_BLANKED):
        end -= 1
    if end in (0, len(history)):
        return None
    lost, blanks = history[end - 1], history[end:]
    is_meant = any(blank.note == blank_note(lost.mark.release_id) for blank in blanks)
    return None if lost.is_blank or is_meant else lost


def overwritten(history: tuple[Reading, ...], write: WriteMark, note: str) -> Reading | None:
    """The write that our blanking of ``latest`` overwrote unseen; it has to be put back.

    SSM has no compare-and-set. A write may come between the last look and the blanking:

        controller   read latest: v5 (the release's) ............. blank -> v7
        deploy       ....................................  v6 (a new release)

    Args:
        history: The writes of ``latest`` after the blanked one, oldest first, with the note of each.
        write: The write that latest was blanked for.
        note: The note that our blanking carried; it tells our blank from a person's.

    Returns:
        The newest value between that write and our blank, unless it was blank itself, or something was written
        after our blank (which then stands, and is a release of its own). Putting back may hide a write in turn:
        then that one.
    """
    in_turn = hidden_by_putting_back(history)
    if in_turn is not None:
        return in_turn
    history = attributed(history)
    ours = len(history)
    while ours > 0 and history[ours - 1].is_blank and history[ours - 1].note == note:
        ours -= 1
    if ours in (0, len(history)):
        return None
    lost = history[ours - 1]
    return None if lost.is_blank or lost.mark <= write else lost


def hidden_by_putting_back(history: tuple[Reading, ...]) -> Reading | None:
    """The write that came just before a value of ours that was put back, and is hidden by it.

        controller   history: v7 is our blank, it hides v6 ........................ v6's value again -> v9
        deploy       ..................................... v8 (a newer release)

    Args:
        history: The writes of ``latest``, oldest first, with the note of each.
    """
    history = attributed(history)
    end = len(history)
    while end > 0 and history[end - 1].note.startswith(_PUT_BACK):
        end -= 1
    if end in (0, len(history)):
        return None
    before, returned = history[end - 1], history[end:]
    is_there = any(reading.note == put_back_note(before.version) for reading in returned)
    return None if before.is_blank or is_there else before

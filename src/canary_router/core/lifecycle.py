"""How releases come about: from a write of ``latest``, or from a write of ``current`` that nobody here made."""

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
    current already.
    """
    write = pointers.current_write
    if write is None:
        return state.current_write > 0 and now - state.current_write_at < _LAG
    return write.version < state.current_write and not is_unrecorded(write, state, now)


def is_older_than(latest: Reading | None, write: WriteMark, now: int) -> bool:
    """Whether ``latest`` was read as it was before a write of it that is known."""
    if latest is None:
        return now - write.modified < _LAG
    return latest.mark < write


def withdrawal(pointers: Pointers, release: Release, now: int) -> str:
    """Why an undecided release lost its pointer; empty while ``latest`` still holds its write.

    A newer value that can be released is no withdrawal: it supersedes the release when it is opened. A value that is
    older than the release's own write is a stale read and says nothing; so is a parameter that is missing, unless
    the release's write is older than any read.
    """
    if pointers.write is None:
        return "" if is_older_than(None, release.write, now) else "withdrawn: latest was deleted"
    if pointers.write <= release.write or pointers.candidate is not None:
        return ""
    if isinstance(pointers.latest, Blank):
        return "withdrawn: latest was blanked by somebody else"
    if isinstance(pointers.latest, Version):
        return f"withdrawn: {pointers.latest.tag} was released after it, and waits until policy and current are valid"
    return "withdrawn: latest was overwritten with an invalid value"


def obstacle(pointers: Pointers, release: Release) -> str:
    """Why a release must not become current now, whatever its outcomes say; empty when nothing is in its way.

    Only a release whose write ``latest`` still holds, as far as can be read, may: the stack of one that was taken back
    is about to be deleted. A newer write supersedes it. The read may be some seconds old: SSM has nothing better.
    """
    if isinstance(pointers.current, Invalid):
        return "current holds an invalid value, which nothing is written over"
    if pointers.write is None:
        return "latest, which held its write, is missing"
    if pointers.write <= release.write:
        return ""
    return "latest was blanked" if isinstance(pointers.latest, Blank) else "a newer write of latest takes its place"


_MADE_ANEW = 15_000
"""Milliseconds from a write on record to one that is not, whatever its version says: clocks differ by some seconds.
SSM asks to wait for 30 s before a deleted parameter is made anew."""


def is_unrecorded(write: WriteMark | None, state: ServiceState, now: int) -> bool:
    """Whether a write of ``current`` is not on record: a newer one, or one of a parameter that was made anew.

    Args:
        write: As it was read; None while there is no such parameter.
        state: The service's state.
        now: Epoch milliseconds.
    """
    if write is None:
        return False
    # A lower version is no old read any more: no read is that old.
    return comes_after(write, state) or (write.version < state.current_write and now - state.current_write_at >= _LAG)


def comes_after(write: WriteMark, state: ServiceState) -> bool:
    """Whether a write of ``current`` was made after the one that is on record."""
    return write.version > state.current_write or write.modified > state.current_write_at + _MADE_ANEW


def newest_seen(pointers: Pointers, state: ServiceState, now: int) -> WriteMark:
    """The newest write of ``current`` that a reader knows: the one that it has read, or the one that is on record."""
    write = pointers.current_write
    if write is None or not is_unrecorded(write, state, now):
        return WriteMark(state.current_write_at, state.current_write)
    return write


def adoption(current: Reading | None, state: ServiceState, now: int) -> Release | None:
    """The closed release that puts a hand-written ``current`` on record; None when the write is known or ours.

    Args:
        current: What was current, before any write of ours that is not on record yet.
        state: The service's state.
        now: Epoch milliseconds.
    """
    if current is None or not is_unrecorded(current.mark, state, now):
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

"""Looks whether a write of ours hides one of ``latest`` that it was not meant for, and puts that back.

A blank, or a value that is put back, may come over a write that its maker has not seen; its maker may die right after,
or be dead already when it arrives. So each pass looks at what was written since the last look.
"""

from canary_router.core import changes, records
from canary_router.core.model import ReleaseState, ServiceState, WriteMark
from canary_router.core.pointers import Reading
from canary_router.core.writes import hidden
from canary_router.errors import Unavailable
from canary_router.flows.blanking import put_back
from canary_router.flows.latest import writes_from
from canary_router.flows.lease import Lease
from canary_router.ports import Ports

_MAY_RETURN = (ReleaseState.OPEN, ReleaseState.PAUSED, ReleaseState.SUPERSEDED)
"""A release whose write is hidden was superseded by a write of ours. One that was decided does not come back."""


def uncover(ports: Ports, lease: Lease, state: ServiceState, seen: WriteMark) -> bool:
    """Puts back a write of ``latest`` that writes of ours hide, though they were made for others.

    Args:
        ports: The world.
        lease: Of this run.
        state: The service's state; it says up to which write somebody has looked already.
        seen: The write of ``latest`` that was read.

    Returns:
        Whether there was one; True also while another run holds the lease, or when latest was written since it was
        read: nobody can tell yet.

    Raises:
        Lagging: The history is not yet as new as what was seen; a later run looks.
        Unavailable: A dependency does not answer; as above.
        Uncertain: It may have been put back; a later run looks.
    """
    if state.looked_up_to is not None and seen <= state.looked_up_to:
        return False
    newest, lost = _find(ports, state, seen)
    if lost is None:
        ports.ledger.commit(changes.look(state.service, newest))
        # Another run may have put it back since latest was read.
        return newest != seen
    if not lease.take(state.service):
        return True
    try:
        newest, lost = _find(ports, state, seen)
    except Unavailable:
        lease.give_back(state.service)
        raise
    if lost is not None:
        put_back(ports.pointers, state.service, lost, newest)
    lease.give_back(state.service)
    return lost is not None


def _find(ports: Ports, state: ServiceState, seen: WriteMark) -> tuple[WriteMark, Reading | None]:
    """The newest write of ``latest``, and the one that is hidden at that moment, if there is one."""
    looked = state.looked_up_to
    # A parameter that was deleted and made anew counts from 1 again. The write up to which somebody has looked is
    # among those that are read: it may be the one that is hidden now.
    first = 1 if looked is None or seen.version < looked.version else looked.version
    history = writes_from(ports.pointers, state.service, first, seen)
    if first > 1 and history[0].mark != looked:
        history = writes_from(ports.pointers, state.service, 1, seen)
    newest, lost = history[-1].mark, hidden(history)
    if lost is None:
        return newest, None
    item = ports.ledger.get(records.release_key(state.service, lost.mark.release_id))
    is_decided = item is not None and records.release_of(item).state not in _MAY_RETURN
    return newest, None if is_decided else lost

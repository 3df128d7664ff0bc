"""Blanks ``latest`` without losing a release that was written in the same moment.

SSM has no compare-and-set. So: look, blank, and let the version that the write returned tell whether another write
slipped in between; then that value is put back, and becomes a release of its own. The note that the blank carries
lets whoever takes over after a crash tell it from a person's.
"""

import logging

from canary_router.core.model import WriteMark
from canary_router.core.pointers import Reading
from canary_router.core.writes import hidden, put_back_note, stands
from canary_router.errors import Unavailable
from canary_router.ports import Pointers
from canary_router.settings import BLANK

_log = logging.getLogger(__name__)
LATEST = "latest"
_ROUNDS = 4
"""How often what was put back may hide another write in turn, before a later pass goes on."""


def blank_latest(pointers: Pointers, service: str, write: WriteMark, latest: Reading | None, note: str) -> None:
    """Blanks ``latest`` if a given write, or a copy of it, is what it should hold; finishes what was left half done.

    Args:
        pointers: The parameters. The caller holds the lease, or is the only one who withdraws this write.
        service: The service's name.
        write: The write that is to go.
        latest: The parameter as it was just read, not older than that write.
        note: What the blank is for: ``blank_note`` or ``withdrawal_note`` of that write.

    Raises:
        Unavailable: Nothing was written by this step; call again.
        Uncertain: The answer to a write was lost; call again once it can no longer arrive.
    """
    # A lower version is of a parameter that was made anew since.
    if latest is None or latest.version < write.version:
        return
    last = latest.version
    if latest.mark != write:
        history = _history(pointers, service, write, last)
        if not stands(history, write):
            _put_back_hidden(pointers, service, history)
            return
        last = history[-1].version
    version = pointers.put(service, LATEST, BLANK, note)
    if version > last + 1:
        _put_back_hidden(pointers, service, _history(pointers, service, write, version))


def _history(pointers: Pointers, service: str, write: WriteMark, newest: int) -> tuple[Reading, ...]:
    history = pointers.history(service, LATEST, write.version - 1)
    if not history or history[-1].version < newest:
        raise Unavailable(f"the history of latest of {service} lags behind version {newest}; a later look will tell")
    return history


def _put_back_hidden(pointers: Pointers, service: str, history: tuple[Reading, ...]) -> None:
    lost = hidden(history)
    if lost is not None:
        put_back(pointers, service, lost, history[-1].version)


def put_back(pointers: Pointers, service: str, lost: Reading, last: int = 0) -> None:
    """Writes a lost value again, as a release of its own; and what that hides in turn, since it is newer.

    Args:
        pointers: The parameters. The caller holds the lease.
        service: The service's name.
        lost: The write that is hidden.
        last: Version of the newest write that was seen; 0 if that is not known.

    Raises:
        Unavailable: Nothing was written, or what was cannot be looked at; call again.
        Uncertain: It may have been; it is looked for again.
    """
    found: Reading | None = lost
    for _ in range(_ROUNDS):
        if found is None:
            return
        _log.warning("%s, version %d of latest of %s, is hidden; putting it back", found.value, found.version, service)
        version = pointers.put(service, LATEST, found.value, put_back_note(found.version))
        if version == last + 1:
            return
        history = pointers.history(service, LATEST, found.version - 1)
        if not history or history[-1].version < version:
            raise Unavailable(f"the history of latest of {service} lags behind version {version}")
        last = history[-1].version
        found = hidden(history)
    raise Unavailable(f"latest of {service} is written all the time; a later look puts back what is hidden")

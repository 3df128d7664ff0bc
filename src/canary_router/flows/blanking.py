"""Blanks ``latest`` without losing a release that was written in the same moment.

SSM has no compare-and-set. So: look, blank, and let the version that the write returned tell whether another write
slipped in between; then that value is put back, and becomes a release of its own. The note that the blank carries
lets whoever takes over after a crash tell it from a person's.
"""

import logging
from dataclasses import replace

from canary_router.core.model import WriteMark
from canary_router.core.pointers import Reading
from canary_router.core.writes import hidden, put_back_note, stands
from canary_router.errors import Unavailable
from canary_router.flows.latest import LATEST, writes_from
from canary_router.ports import Pointers
from canary_router.settings import BLANK

_log = logging.getLogger(__name__)
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
    last = latest.mark
    if last != write:
        history = writes_from(pointers, service, write.version, last)
        if not stands(history, write):
            _put_back_hidden(pointers, service, history)
            return
        last = history[-1].mark
    version = pointers.put(service, LATEST, BLANK, note)
    if version > last.version + 1:
        _put_back_hidden(
            pointers, service, writes_from(pointers, service, write.version, replace(last, version=version))
        )


def _put_back_hidden(pointers: Pointers, service: str, history: tuple[Reading, ...]) -> None:
    lost = hidden(history)
    if lost is not None:
        put_back(pointers, service, lost, history[-1].mark)


def put_back(pointers: Pointers, service: str, lost: Reading, last: WriteMark) -> None:
    """Writes a lost value again, as a release of its own; and what that hides in turn, since it is newer.

    Args:
        pointers: The parameters. The caller holds the lease.
        service: The service's name.
        lost: The write that is hidden.
        last: The newest write that was seen.

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
        if version == last.version + 1:
            return
        history = writes_from(pointers, service, found.version, replace(last, version=version))
        last = history[-1].mark
        found = hidden(history)
    raise Unavailable(f"latest of {service} is written all the time; a later look puts back what is hidden")

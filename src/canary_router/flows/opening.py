"""Opens the release that a write of ``latest`` asks for. Routers and the controller do it alike."""

import logging
from collections.abc import Callable
from dataclasses import replace

from canary_router.core import changes, records
from canary_router.core.model import Release, WriteMark
from canary_router.errors import Uncertain
from canary_router.ports import Ledger

_log = logging.getLogger(__name__)


def _always() -> bool:
    return True


def open_release(
    ledger: Ledger, release: Release, seen: WriteMark | None = None, has_time: Callable[[], bool] = _always
) -> Release | None:
    """Opens a release, unless its write of ``latest`` or a newer one has become a release already.

    Args:
        ledger: The record.
        release: The release as the pointers ask for it.
        seen: The newest write of ``current`` that was seen, for a release that needs no canary by what is current.
        has_time: Whether there is time for one more call, and for what must come after it.

    Returns:
        The release of that write as it is on record, whoever opened it. None when there is none, since a newer
        write was seen, or the one before it is decided and its pointers are still being written; when it is not
        known, since somebody else was quicker or the answer was lost: the record tells whoever reads it next; and
        when there was no time.

    Raises:
        Unavailable: The table does not answer.
    """
    if not has_time():
        return None
    state = records.state_of(release.service, ledger.get(records.state_key(release.service)))
    if not has_time():
        return None
    if state.newest >= release.write.sortable:
        item = ledger.get(records.release_key(release.service, release.release_id))
        return None if item is None else records.release_of(item)
    try:
        refusal = ledger.commit(changes.open_release(release, state.open_release, seen))
    except Uncertain:
        _log.warning("The answer to opening %s of %s was lost", release.release_id, release.service)
        return None
    if refusal is not None:
        return None
    _log.info("Opened %s of %s for %s", release.release_id, release.service, release.target.tag)
    return replace(release, supersedes=state.open_release)

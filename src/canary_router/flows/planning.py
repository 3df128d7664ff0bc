"""Works out what a release's sequential gate asks for: once, after it was opened and before any job is sent to it.

That is the controller's: the request path opens releases and admits jobs, and computes no probability. Until a release
has its plan it has no places.
"""

import logging
from dataclasses import replace

from canary_router import settings
from canary_router.core import changes, records
from canary_router.core.gate import MEASURED, Counted
from canary_router.core.model import Basis, Release, Transform, Version
from canary_router.core.pointers import Content
from canary_router.core.sequential.baseline import count_of
from canary_router.core.sequential.planning import plan_of
from canary_router.core.verdict import places_of
from canary_router.errors import InvalidPolicy
from canary_router.flows.listing import readable
from canary_router.ports import Ledger, Ports

_log = logging.getLogger(__name__)
_PAGE = 100
_PAGES = 10
"""A baseline is measured from the newest 1,000 jobs on record: more would only cost, and be older."""


def plan_gate(ports: Ports, release: Release, current: Content) -> str:
    """Plans a release's gate, if that is still to be done. May be called at any time, by any number of runs.

    Args:
        ports: The world.
        release: As it was read.
        current: What is current, whose jobs a measured baseline is counted from.

    Returns:
        Why the gate cannot keep what it promises, and what would help; empty when it was planned, now or before.

    Raises:
        Unavailable: The table does not answer; a later run plans.
        Uncertain: As above.
    """
    gate = release.policy.gate
    if gate is None or release.plan is not None or release.basis is not Basis.CANARY:
        return ""
    if not release.state.can_be_decided or not isinstance(current, Version):
        return ""
    try:
        counted = measured(ports.ledger, release.service, current) if gate.baseline == MEASURED else None
        plan = plan_of(gate, counted)
    except InvalidPolicy as refused:
        return f"its gate cannot keep what it promises: {refused}. {refused.advice}"
    places = places_of(replace(release, plan=plan))
    if ports.ledger.commit(changes.plan_gate(release, plan, places)) is None:
        _log.info("Planned the gate of %s: promoted at %s jobs", release.release_id, plan.promote)
    return ""


def measured(ledger: Ledger, service: str, current: Version) -> Counted | None:
    """How current's own jobs have ended, as far as they are on record; None if no end is.

    Raises:
        Unavailable: The table does not answer.
    """
    found: list[Transform] = []
    index, cursor = records.index_value(service, None), None
    for _ in range(_PAGES):
        page = ledger.by_index(settings.RELEASE_INDEX, index, cursor=cursor, limit=_PAGE, newest_first=True)
        found += readable(page.items, records.transform_of)
        cursor = page.cursor
        if cursor is None:
            break
    return count_of(found, current)

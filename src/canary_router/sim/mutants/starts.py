"""Mutants of the rules by which a job is started anew, a rescue is let go, and a lease is given back.

Each needs a run that stalls between its read and its write (``plan_hazards.py``).
"""

from dataclasses import replace
from typing import Any

from canary_router.core import changes
from canary_router.core.changes import transforms
from canary_router.core.conditions import Write
from canary_router.core.model import Transform, Version
from canary_router.flows import orders, outcome, rescue
from canary_router.sim.mutants.protocol import Mutant, without


def _counted_anew(transform: Transform, target: Version, now: int) -> Transform:
    return replace(_STARTED_AGAIN(transform, target, now), attempts=1)


def _free_at_once(self: Any, due: Transform) -> bool:
    return self._ports.ledger.commit(changes.release_rescue(due)) is None


def _stays(joined: Transform, before: int) -> tuple[Write, ...]:
    del before
    return changes.turn_page(joined.service, None)


def _nothing_in_the_way(*_args: Any) -> str:
    return ""


_STARTED_AGAIN = changes.started_again

STARTS: tuple[Mutant, ...] = (
    Mutant("a new start that another retry has made already", "one job", (without("start_again", changes.SOLE),)),
    Mutant(
        "a new start counts its attempts anew",
        "one job",
        ((changes, "started_again", _counted_anew), (transforms, "started_again", _counted_anew)),
    ),
    Mutant("joining an attempt that is not the one that was read", "one job", (without("join_attempt", changes.SOLE),)),
    Mutant("joining a job that was given up", "one job", (without("join_attempt", changes.UNSETTLED_JOB),)),
    Mutant("an attempt that has started nothing never leaves", "one job", ((changes, "leave_attempt", _stays),)),
    Mutant(
        "what was withdrawn is promoted all the same",
        "evidence",
        ((outcome, "obstacle", _nothing_in_the_way), (orders, "obstacle", _nothing_in_the_way)),
    ),
    Mutant("given up twice", "finality", (without("settle_not_started", changes.UNSETTLED_JOB),)),
    Mutant("a rescue that another run attempts already", "one job", (without("attempt_rescue", changes.SOLE),)),
    Mutant("a stalled run lets a later attempt of a rescue go", "one job", (without("release_rescue", changes.SOLE),)),
    Mutant(
        "a rescue is let go before the grace time is over",
        "one job",
        ((rescue.Rescuer, "_is_free_again", _free_at_once),),
    ),
)

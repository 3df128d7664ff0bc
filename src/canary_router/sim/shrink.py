"""Takes away whatever a violation does not need: the shortest schedule is the one that a person can follow."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from canary_router.sim.plans.plan import Plan
from canary_router.sim.run import Outcome, run

_PARTS = ("deployments", "requests", "deeds", "orders", "outages", "passes")


def shrunk(outcome: Outcome, seconds: float, run_plan: Callable[[Plan], Outcome] = run) -> Outcome:
    """A smaller run in which the same check fails.

    Args:
        outcome: A run with a violation.
        seconds: How long to look for smaller ones.
        run_plan: How a plan is run.
    """
    name = outcome.violations[0].check
    until = time.monotonic() + seconds
    best, progress = outcome, True
    while progress:
        progress = False
        for plan in _smaller(best):
            if time.monotonic() > until:
                return best
            tried = run_plan(plan)
            if any(violation.check == name for violation in tried.violations):
                best, progress = tried, True
                break
    return best


def _smaller(outcome: Outcome) -> Iterator[Plan]:
    """Plans with less in them, the boldest first."""
    plan = outcome.plan
    for kind in _PARTS:
        if getattr(plan, kind):
            yield _with(plan, kind, ())
    for fault, rate in plan.rates.items():
        if rate:
            yield replace(plan, rates={**plan.rates, fault: 0.0})
    for kind in _PARTS:
        yield from _halves(plan, kind)
    if plan.skew:
        yield replace(plan, skew=0.0)
    places = [place for place in outcome.journal.fault_places if place not in plan.muted]
    size = len(places)
    while size > 0:
        for start in range(0, len(places), size):
            yield replace(plan, muted=plan.muted | frozenset(places[start : start + size]))
        size //= 2


def _with(plan: Plan, kind: str, parts: tuple[object, ...]) -> Plan:
    changed: dict[str, Any] = {kind: parts}
    return replace(plan, **changed)


def _halves(plan: Plan, kind: str) -> Iterator[Plan]:
    parts = getattr(plan, kind)
    size = len(parts) // 2
    while size > 0:
        for start in range(0, len(parts), size):
            yield _with(plan, kind, parts[:start] + parts[start + size :])
        size //= 2

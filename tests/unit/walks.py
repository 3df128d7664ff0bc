"""Releases under a sequential gate, walked by hand: what the real core is held against."""

from collections.abc import Iterable
from dataclasses import replace

from canary_router.core.gate import Plan, Sequential
from canary_router.core.model import Basis, Release, ReleaseState, Status, Version, WriteMark
from canary_router.core.policy import Policy
from canary_router.core.verdict import counted, followed, places_of

OPENED = 1_700_000_000_000
TARGET = Version("arn:aws:lambda:eu-west-1:123456789012:function:x-v1-1-0-pipeline", "v1.1.0")


def on_trial(gate: Sequential, plan: Plan) -> Release:
    """A release that was opened and planned, and was sent no job yet."""
    mark, policy = WriteMark(OPENED, 2), Policy(gate=gate)
    release = Release("x", mark.release_id, TARGET, mark, ReleaseState.OPEN, Basis.CANARY, policy, OPENED)
    release = replace(release, plan=plan)
    return replace(release, granted=places_of(release))


def admitted(release: Release) -> Release:
    """The release with one more job; there must be a place for it."""
    assert release.admitted < release.places
    return replace(release, admitted=release.admitted + 1)


def ended(release: Release, *, failed: bool) -> Release:
    """The release after the end of one of its jobs, and what the verdict makes of it."""
    after = counted(release, Status.FAILED if failed else Status.SUCCEEDED)
    return followed(after, OPENED + 1) or after


def one_by_one(plan: Plan, outcomes: Iterable[bool]) -> str:
    """What Wald's test says of outcomes (True: failed) that come one by one: promote, abort or inconclusive."""
    failures = 0
    for jobs, failed in enumerate(outcomes, 1):
        failures += failed
        if failures < len(plan.promote) and jobs >= plan.promote[failures]:
            return "promote"
        if failures >= len(plan.abort) or jobs <= plan.abort[failures]:
            return "abort"
        if failures >= len(plan.promote):
            return "inconclusive"
    return "open"


def meets_promotion(plan: Plan, outcomes: Iterable[bool]) -> int | None:
    """After how many jobs outcomes first meet the boundary of promotion, whatever they met before; None for never."""
    failures = 0
    for jobs, failed in enumerate(outcomes, 1):
        failures += failed
        if failures < len(plan.promote) and jobs >= plan.promote[failures]:
            return jobs
    return None

"""What a sequential gate means, in words and in figures."""

from collections.abc import Iterator
from dataclasses import dataclass

from canary_router.core.gate import MEASURED, Plan, Sequential
from canary_router.core.model import Release
from canary_router.core.policy import Policy
from canary_router.core.sequential.exact import never_turned_away, one_at_a_time
from canary_router.core.sequential.planning import plan_of
from canary_router.core.verdict import more_runs

_RATES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
_SHOWN = 3
"""Points of a boundary that a sentence names."""


@dataclass(frozen=True)
class Prospect:
    """What becomes of versions that fail so often: probabilities from 0 to 1, and means.

    Attributes:
        failure_rate: Of its jobs.
        promoted: It becomes current.
        refused: It is turned away.
        held: Neither, and a person decides.
        jobs: How many jobs go to it.
        failed: How many of them fail.
    """

    failure_rate: float
    promoted: float
    refused: float
    held: float
    jobs: float
    failed: float


def planned(policy: Policy) -> Plan | None:
    """What a policy's gate comes to; None for the gate ``all``, and for a baseline that is still to be measured.

    Raises:
        InvalidPolicy: The gate cannot keep what it promises.
    """
    if policy.gate is None or policy.gate.baseline == MEASURED:
        return None
    return plan_of(policy.gate)


def prospects(gate: Sequential, plan: Plan) -> tuple[Prospect, ...]:
    """What its verdict is worth: versions of different quality, those of the baseline and of harm among them."""
    found = []
    for rate in sorted({*_RATES, plan.baseline, gate.harm}):
        of_rate = one_at_a_time(plan, rate)
        held = of_rate.inconclusive if gate.on_inconclusive == "hold" else 0.0
        refused = of_rate.refused + of_rate.inconclusive - held
        found.append(Prospect(rate, of_rate.promoted, refused, held, of_rate.jobs, of_rate.failed))
    return tuple(found)


def sentences(gate: Sequential, plan: Plan | None) -> Iterator[str]:
    """What a gate asks for, and what it promises."""
    at_once = f"{_jobs(gate.at_once)} at a time"
    yield f"Up to {_jobs(gate.max)} go to the new version, at most {at_once}: the next one when one has ended."
    if plan is None:
        yield "Its baseline is measured when a release opens, from the jobs of current whose ends are on record."
        yield "What that may come to: check the policy with 'baseline: {jobs: 400, failed: 8}', or what you expect."
        return
    if plan.counted is not None:
        counted = plan.counted
        yield (
            f"Of {_jobs(counted.jobs)} of current {counted.failed} failed: its failure rate is taken for "
            f"{percent(plan.baseline)}, which it exceeds with a probability of {gate.alpha / 2:.3g} at most."
        )
    yield f"It becomes current after {plan.promote[0]} clean runs{_further(plan)}."
    yield f"It is turned away by {', '.join(_refusals(gate, plan)) or 'nothing but its deadline'}."
    given_up = "it is turned away" if gate.on_inconclusive == "abort" else "it gets no more jobs, and a person decides"
    yield f"With {_jobs(len(plan.promote))} failed it cannot become current within {gate.max} any more: {given_up}."
    good, bad = one_at_a_time(plan, plan.baseline).promoted, never_turned_away(plan, gate.harm)
    yield (
        f"Whatever the order in which jobs end: of versions that fail {percent(plan.baseline)} of their jobs at least "
        f"{good:.1%} become current ({percent(1 - gate.alpha)} promised), of those that fail {percent(gate.harm)} "
        f"at most {bad:.1%} ({percent(gate.beta)} promised)."
    )


def percent(rate: float) -> str:
    """A rate in percent, to three figures."""
    return f"{rate * 100:.3g}%"


def wanted(release: Release) -> str:
    """What a release under a sequential gate still has to show."""
    if release.plan is None:
        return "the controller to work out what its gate asks for"
    enough = release.plan.reaches(release.failures)
    if enough is None:
        return "a person to promote or abort it: it is inconclusive"
    return more_runs(release, enough)


def _further(plan: Plan) -> str:
    points = [f"after {jobs} jobs with {failed} failed" for failed, jobs in enumerate(plan.promote)][1 : 1 + _SHOWN]
    more = len(plan.promote) - 1 - len(points)
    return "".join(f", {point}" for point in points) + (f", and so on up to {plan.promote[-1]}" if more > 0 else "")


def _refusals(gate: Sequential, plan: Plan) -> Iterator[str]:
    shown = 0
    for failed, jobs in enumerate(plan.abort):
        if jobs and shown < _SHOWN:
            shown += 1
            yield f"{failed} failed among the first {jobs}"
    if len(plan.abort) <= gate.max and shown < _SHOWN:
        yield f"{len(plan.abort)} failed in any case"


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"

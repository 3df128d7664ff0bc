"""From what a sequential gate promises to the boundaries that keep it, or to the reason why none do.

The test is Wald's sequential probability ratio test of two failure rates (A. Wald, Sequential Tests of Statistical
Hypotheses, Annals of Mathematical Statistics 16, 1945): a failure speaks for ``harm`` by ln(harm / baseline), a
success for the baseline by ln((1 - baseline) / (1 - harm)), and the sum is held against two bounds. Wald's bounds,
ln((1 - beta) / alpha) and ln((1 - alpha) / beta), only approximate the error rates, and know no ``max``. So the rates
are computed exactly, and each bound is moved outward as far as its promise asks:

- The bound of promotion alone says how often a release as bad as ``harm`` passes, even if no refusal comes in time.
  ln(1 / beta) always suffices (Ville's inequality), so there is such a bound.
- The bound of refusal then says how often one as good as the baseline is not promoted. If even without any refusal
  too few are promoted within ``max``, the gate is refused.
"""

from collections.abc import Callable
from functools import lru_cache
from math import ceil, log
from typing import NamedTuple

from canary_router.core.gate import Counted, Plan, Sequential
from canary_router.core.policy import MOST_JOBS
from canary_router.core.sequential.baseline import upper_bound
from canary_router.core.sequential.exact import never_turned_away, one_at_a_time
from canary_router.errors import InvalidPolicy

_STEPS = 24
"""Halvings of a search: the bounds are told apart by whole jobs, far coarser than that."""


class _Hypotheses(NamedTuple):
    """The two failure rates, what may go wrong with each, and what was counted."""

    baseline: float
    harm: float
    alpha: float
    beta: float
    counted: Counted | None

    @property
    def failure(self) -> float:
        """What a failure says for harm."""
        return log(self.harm / self.baseline)

    @property
    def success(self) -> float:
        """What a success says for the baseline."""
        return log((1 - self.baseline) / (1 - self.harm))


@lru_cache(maxsize=64)
def plan_of(gate: Sequential, counted: Counted | None = None) -> Plan:
    """Works a gate's boundaries out.

    Args:
        gate: The gate.
        counted: What was counted of current's own jobs, for a ``measured`` baseline.

    Raises:
        InvalidPolicy: No boundaries keep what the gate promises. It says why, and what would help.
    """
    asked = _hypotheses(gate, counted)
    plan = _planned(asked, gate.max)
    if plan is None or not _lets_good_ones_pass(asked, plan):
        raise _too_few(asked, plan, gate.max)
    return plan


def _hypotheses(gate: Sequential, counted: Counted | None) -> _Hypotheses:
    known = gate.baseline if isinstance(gate.baseline, Counted) else counted
    if isinstance(gate.baseline, float | int):
        return _Hypotheses(gate.baseline, gate.harm, gate.alpha, gate.beta, None)
    if known is None:
        raise InvalidPolicy(
            "The baseline is to be measured, but none of current's own jobs is on record with its end",
            advice="Put 'record: all' into the policy and let current run some jobs, or give 'baseline' as a number.",
        )
    # Half of what may go wrong with a good release is for the count, half for the test: together it is alpha.
    highest = upper_bound(known, gate.alpha / 2)
    if highest >= gate.harm:
        raise InvalidPolicy(
            f"Of {known.jobs} jobs of current {known.failed} failed, so its failure rate may be as high as "
            f"{highest:.1%}: a release as good as that cannot be told from one that fails {gate.harm:.1%}",
            advice="Let more of current's jobs come on record ('record: all'), or raise 'harm' in 'gate.sequential'.",
        )
    return _Hypotheses(highest, gate.harm, gate.alpha / 2, gate.beta, known)


def _planned(asked: _Hypotheses, most: int) -> Plan | None:
    """The plan with Wald's bounds, moved outward where a promise asks for it; None if nothing can be promoted.

    Where the promise to good releases cannot be kept, it is the plan that turns none away.
    """
    promotion = _promotion(asked, most)
    patient = _plan(asked, most, promotion, refusal=None)
    if patient is None or not _lets_good_ones_pass(asked, patient):
        return patient

    def suffices(bound: float) -> bool:
        plan = _plan(asked, most, promotion, bound)
        return plan is not None and _lets_good_ones_pass(asked, plan)

    never = asked.failure * (most + 1)
    return _plan(asked, most, promotion, _least(log((1 - asked.beta) / asked.alpha), never, suffices))


def _promotion(asked: _Hypotheses, most: int) -> float:
    """The bound of promotion: Wald's, or the least beyond it that keeps harm out, however late a refusal comes."""

    def suffices(bound: float) -> bool:
        plan = _plan(asked, most, bound, refusal=None)
        return plan is None or never_turned_away(plan, asked.harm) <= asked.beta

    return _least(log((1 - asked.alpha) / asked.beta), log(1 / asked.beta), suffices)


def _lets_good_ones_pass(asked: _Hypotheses, plan: Plan) -> bool:
    return one_at_a_time(plan, asked.baseline).promoted >= 1 - asked.alpha


def _plan(asked: _Hypotheses, most: int, promotion: float, refusal: float | None) -> Plan | None:
    """The whole numbers of jobs at which the sum of what outcomes say meets its bounds; None: it never turns away."""
    if asked.success <= 0:
        return None  # the two rates are one, as far as numbers can tell
    promote: list[int] = []
    while (jobs := ceil(len(promote) + (len(promote) * asked.failure + promotion) / asked.success)) <= most:
        promote.append(jobs)
    abort: list[int] = []
    for failures in range(most + 1):
        beyond = -1.0 if refusal is None else failures * asked.failure - refusal
        jobs = 0 if beyond < 0 else failures + int(beyond / asked.success)
        if jobs >= most:
            break
        abort.append(jobs)
    return Plan(tuple(promote), tuple(abort), asked.baseline, asked.counted) if promote else None


def _least(low: float, high: float, suffices: Callable[[float], bool]) -> float:
    """The least bound of a range that suffices, to a fraction of a job; the highest always does, or nothing does."""
    if low >= high or suffices(low):
        return low
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high


def _too_few(asked: _Hypotheses, plan: Plan | None, most: int) -> InvalidPolicy:
    promised = f"promises that {1 - asked.alpha:.1%} of the releases that fail {asked.baseline:.2%} of their jobs"
    if plan is None:
        cause = "but not even a release without a failure can be promoted"
    else:
        cause = f"but {one_at_a_time(plan, asked.baseline).promoted:.1%} are"
    enough = _enough(asked, most)
    less = "bring 'baseline' and 'harm' further apart, or raise 'alpha' or 'beta'"
    advice = f"Raise 'max' to {enough}, or {less}." if enough else f"No 'max' up to {MOST_JOBS} does: {less}."
    return InvalidPolicy(
        f"Policy key 'gate.sequential.max': {promised} are promoted within {most} jobs, {cause}", advice=advice
    )


def _enough(asked: _Hypotheses, most: int) -> int | None:
    """A number of jobs with which the promise can be kept, the least one as far as a search by halves finds it."""

    def suffices(jobs: int) -> bool:
        plan = _plan(asked, jobs, _promotion(asked, jobs), refusal=None)
        return plan is not None and _lets_good_ones_pass(asked, plan)

    low, high = most, MOST_JOBS
    if not suffices(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high

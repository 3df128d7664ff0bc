"""A failure rate that is counted from current's own jobs, and how high it may be."""

from collections.abc import Iterable
from math import exp, lgamma, log, log1p

from canary_router.core.gate import Counted
from canary_router.core.model import Status, Transform, Version

_STEPS = 60
_NEGLIGIBLE = 1e-17


def count_of(transforms: Iterable[Transform], current: Version) -> Counted | None:
    """Counts how a version's jobs have ended; None if no end counts.

    - Jobs of another version do not count, nor rescues: their input is known to have failed once.
    - Slow failures must weigh as much as quick successes. So what was admitted after a job whose end is not on record
      does not count yet.
    - What did not start counts as failed, as it does for a release.

    Args:
        transforms: Jobs that were sent to current, newest first.
        current: The version.
    """
    ends: list[Status] = []
    for transform in transforms:
        if transform.target != current or transform.rescue_of is not None:
            continue
        if transform.status.is_final:
            ends.append(transform.status)
        else:
            ends.clear()
    return Counted(len(ends), sum(status is not Status.SUCCEEDED for status in ends)) if ends else None


def upper_bound(counted: Counted, risk: float) -> float:
    """The rate that the true one exceeds with a probability of at most ``risk``, whatever it is.

    C. J. Clopper and E. S. Pearson, The Use of Confidence or Fiducial Limits, Biometrika 26, 1934: the rate at which so
    few failures would be seen with just that probability. A count of few jobs says little, and so the bound is high.

    Args:
        counted: Jobs and failures.
        risk: 0 to 1, neither included.
    """
    if counted.failed == counted.jobs:
        return 1.0
    low, high = counted.failed / counted.jobs, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(counted, middle) > risk else (low, middle)
    return high


def _at_most(counted: Counted, rate: float) -> float:
    """Probability of at most so many failures among so many jobs, each of which fails at a rate above their share."""
    if rate >= 1:
        return 0.0
    jobs, every = counted.jobs, lgamma(counted.jobs + 1)
    fails, ends_well = log(rate), log1p(-rate)
    total = 0.0
    # The terms fall from here on downward.
    for failed in range(counted.failed, -1, -1):
        chosen = every - lgamma(failed + 1) - lgamma(jobs - failed + 1)
        term = exp(chosen + failed * fails + (jobs - failed) * ends_well)
        total += term
        if term <= total * _NEGLIGIBLE:  # also where all of it vanishes
            break
    return total

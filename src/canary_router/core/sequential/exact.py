"""What becomes of releases under a plan, exactly: the probability of each end, over every sequence of outcomes.

A release is a walk over (jobs, failures) that begins at (0, 0) and stops at a boundary. The probability of each point
comes from the two points before it, so that the sums are complete: nothing is simulated, and nothing approximated but
for the rounding of floating-point numbers.

Two walks bound all others. ``one_at_a_time`` is the test as Wald has it: each job is judged before the next one is
sent, and so a release is turned away at the first point that says so. ``never_turned_away`` is the other extreme:
outcomes come so late that no refusal is noticed before the boundary of promotion is met. Whatever the order in which
outcomes come in, a release is promoted at least as often as the one says, and at most as often as the other: the proof
is in docs/adr/0025-sequential-gate.md.
"""

from dataclasses import dataclass

from canary_router.core.gate import Plan


@dataclass(frozen=True)
class Characteristic:
    """What becomes of releases that fail at some rate: probabilities, and means.

    Attributes:
        promoted: Probability of promotion.
        refused: Probability that the boundary of refusal is met.
        inconclusive: Probability that neither is, and promotion is out of reach.
        jobs: How many jobs a release takes, on average.
        failed: How many of them fail.
    """

    promoted: float
    refused: float
    inconclusive: float
    jobs: float
    failed: float


def one_at_a_time(plan: Plan, rate: float) -> Characteristic:
    """What becomes of releases whose jobs are judged one by one.

    Args:
        plan: The boundaries.
        rate: Probability that a job fails, 0 to 1.
    """
    return _walked(plan, rate, refuses=True)


def never_turned_away(plan: Plan, rate: float) -> float:
    """Probability of promotion where no refusal comes in time: the most that any order of outcomes can bring about."""
    return _walked(plan, rate, refuses=False).promoted


def _walked(plan: Plan, rate: float, *, refuses: bool) -> Characteristic:
    promoted = refused = inconclusive = sent = 0.0
    # Who is under way has met no boundary: promotion takes the fewest failures away, refusal the most.
    fewest, under_way = 0, [1.0]
    for jobs in range(1, plan.promote[-1] + 1):
        sent += sum(under_way)
        pairs = zip([*under_way, 0.0], [0.0, *under_way], strict=True)
        under_way = [ends_well * (1 - rate) + fails * rate for ends_well, fails in pairs]
        while under_way and plan.promotes(jobs, fewest):
            promoted += under_way.pop(0)
            fewest += 1
        while under_way:
            most = fewest + len(under_way) - 1
            is_beyond = most >= len(plan.promote)
            if plan.aborts(jobs, most) and (refuses or is_beyond):
                refused += under_way.pop()
            elif is_beyond:
                inconclusive += under_way.pop()
            else:
                break
    return Characteristic(promoted, refused, inconclusive, sent, sent * rate)

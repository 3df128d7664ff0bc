"""What a policy means, in words and in figures."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

from canary_router.core.durations import duration
from canary_router.core.gate_words import planned, sentences
from canary_router.core.policy import Policy

_RATES = (0.01, 0.1, 0.3, 0.5, 0.8)


@dataclass(frozen=True)
class Chance:
    """How likely a version that fails so often is to become current: both from 0 to 1."""

    failure_rate: float
    passes: float


def meaning(policy: Policy) -> tuple[str, ...]:
    """What a policy does, one sentence each.

    Raises:
        InvalidPolicy: Its gate cannot keep what it promises.
    """
    return tuple(_sentences(policy))


def chances(policy: Policy) -> tuple[Chance, ...]:
    """What the gate ``all`` is worth: versions of different quality, and how often each would become current."""
    return tuple(Chance(rate, _passes(policy, rate)) for rate in _RATES)


def tolerated(policy: Policy) -> int:
    """How many jobs may fail before the release is turned away."""
    return min(policy.max_failures, policy.requests - policy.required)


def _sentences(policy: Policy) -> Iterator[str]:
    if policy.gate is None:
        yield from _of_all(policy)
    else:
        yield f"While there is room, each request is offered to it with probability {policy.share:g}."
        yield from sentences(policy.gate, planned(policy))
    yield from _of_every_gate(policy)


def _of_all(policy: Policy) -> Iterator[str]:
    yield f"Up to {_jobs(policy.requests)} go to the new version."
    yield (
        f"While there is room, each request is offered to it with probability {policy.share:g}: "
        f"the places are taken after about {round(policy.requests / policy.share)} requests."
    )
    yield f"It becomes current once {policy.required} of them succeeded."
    failures = tolerated(policy) + 1
    yield f"It is turned away once {_jobs(failures)} ended badly or did not start."
    if policy.max_failures > tolerated(policy):
        yield (
            f"max_failures is {policy.max_failures}, but after {failures} the required successes "
            "cannot be reached any more: that decides."
        )


def _of_every_gate(policy: Policy) -> Iterator[str]:
    yield f"It is turned away if that is not decided after {duration(policy.deadline * 1000)}."
    if policy.rescue:
        yield "The input of each of its jobs is kept; if the job fails, current runs it once more."
    else:
        yield "A job that fails on the new version is not run again."
    if policy.record == "all":
        yield "The jobs of the current version are recorded too: a write for each request."


def _passes(policy: Policy, rate: float) -> float:
    """Probability of as many successes as required before one failure too many, job by job."""
    return sum(
        comb(policy.required + failed - 1, failed) * (1 - rate) ** policy.required * rate**failed
        for failed in range(tolerated(policy) + 1)
    )


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"

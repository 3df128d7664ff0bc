"""A release as a time line of its jobs: when each began, how long it ran, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from canary_router.core.durations import duration
from canary_router.core.model import Release, Status, Transform

_LEAST = 1.2
"""Width of the shortest bar, in hundredths of the line: a job of a second in a day must still be seen."""
_ENDED = {
    Status.ADMITTED: ("admitted", "trial"),
    Status.RUNNING: ("running", "trial"),
    Status.SUCCEEDED: ("succeeded", "good"),
    Status.FAILED: ("failed", "bad"),
    Status.TIMED_OUT: ("timed out", "bad"),
    Status.ABORTED: ("aborted", "bad"),
    Status.NOT_STARTED: ("did not start", "bad"),
}


@dataclass(frozen=True)
class Bar:
    """One job: its words, and where its bar begins and how long it is, in hundredths of the line."""

    job: Transform
    word: str
    tone: str
    took: str
    x: float
    width: float


@dataclass(frozen=True)
class Timeline:
    """The bars, and what the line's two ends stand for in epoch milliseconds; ``is_over`` when it grows no more."""

    bars: tuple[Bar, ...]
    begin: int
    end: int
    is_over: bool


def timeline(release: Release, jobs: Sequence[Transform], now: int) -> Timeline:
    """The time line of a release, from its opening to now, or to the last end of it or of its jobs."""
    ends = [job.settled_at for job in jobs if job.settled_at is not None]
    runs = any(job.settled_at is None for job in jobs)
    is_over = release.closed_at is not None and not runs
    end = max([release.closed_at or now, *ends]) if is_over else now
    span = max(1, end - release.opened_at)

    def bar(job: Transform) -> Bar:
        until = end if job.settled_at is None else job.settled_at
        x = _within(100 * (job.created_at - release.opened_at) / span, 100 - _LEAST)
        width = max(_LEAST, _within(100 * (until - release.opened_at) / span, 100) - x)
        word, tone = _ENDED[job.status]
        return Bar(job, word, tone, duration(until - job.created_at), round(x, 2), round(width, 2))

    return Timeline(tuple(bar(job) for job in jobs), release.opened_at, end, is_over)


def _within(value: float, most: float) -> float:
    return min(most, max(0.0, value))

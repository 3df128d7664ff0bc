"""Why a job ran on the version that it ran on, from what is on record.

- Each fact says where it comes from by being told as known; what nobody wrote down is told as not known.
- The draw is never written down: it would be a write for every request. What follows from the record about it is said.
- Nothing is concluded from the present about the past: pointers are those of SSM's history at the job's time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from canary_router.core.durations import duration
from canary_router.core.gate_words import wanted
from canary_router.core.model import UNDETERMINED, Basis, Release, Route, Status, Transform
from canary_router.core.orders import GivenOrder, OrderKind
from canary_router.core.pointers import Blank, Invalid, Reading, content_of

_KEYED = "k-"


@dataclass(frozen=True)
class Fact:
    """One sentence of the answer.

    Attributes:
        topic: What it is about: ``job``, ``pointers``, ``release``, ``draw``, ``budget``, ``admission``, ``start``,
            ``outcome``, ``rescue`` or ``verdict``.
        is_known: False where it says that something is not on record.
    """

    topic: str
    text: str
    is_known: bool = True


@dataclass(frozen=True)
class PointersThen:
    """What the pointers held when a job came in; None where there was no such parameter, or it is not known any more.

    Attributes:
        problem: Why the history could not be read; empty when it was.
    """

    current: Reading | None = None
    latest: Reading | None = None
    problem: str = ""


@dataclass(frozen=True)
class Evidence:
    """Everything that is on record about a job.

    Attributes:
        transform: The job. Of one that latest did not start, the half that says so.
        is_recorded: False for a job that has no record and was found by its execution.
        taken_over: The other half: the job as current has it.
        pointers: At the time when it came in.
        release: The one that was on trial at that time; for a canary's job, its own.
        place: Which of the release's jobs it was, counted from 1; for a job of current, how many had been admitted.
        orders: The release's orders, oldest first.
        rescue: The job that runs this one's input once more.
        failure: What Step Functions says of an execution that ended badly; empty when it says nothing.
    """

    transform: Transform
    is_recorded: bool = True
    taken_over: Transform | None = None
    pointers: PointersThen = PointersThen()
    release: Release | None = None
    place: int = 0
    orders: tuple[GivenOrder, ...] = ()
    rescue: Transform | None = None
    failure: str = ""


def explain(evidence: Evidence) -> tuple[Fact, ...]:
    """The answer, in the order in which things happened."""
    if not evidence.is_recorded:
        return (*_unrecorded(evidence.transform), *_failure(evidence))
    found = [*_job(evidence), *_pointers(evidence)]
    if evidence.transform.rescue_of is not None:
        found += [*_as_rescue(evidence.transform)]
    elif evidence.transform.route is Route.LATEST:
        found += [*_on_latest(evidence)]
    else:
        found += [*_on_current(evidence)]
    return (*found, *_start_and_end(evidence), *_verdict(evidence))


def _unrecorded(transform: Transform) -> Iterator[Fact]:
    yield Fact("job", f"It runs, or ran, on {transform.target.tag}: its execution is there. It is {transform.status}.")
    yield Fact(
        "draw",
        "There is no record of it. Kept are the jobs of a release, each of them, and jobs with an Idempotency-Key; "
        "records go after 90 days. So it was sent to what was current when it came in, or its record is gone; "
        "when that was, and what the pointers held, nobody wrote down.",
        is_known=False,
    )


def _job(evidence: Evidence) -> Iterator[Fact]:
    job = evidence.transform
    key = " with an Idempotency-Key" if job.transform_id.startswith(_KEYED) else ""
    where = f"{job.target.tag} ({job.route})" if job.target != UNDETERMINED else "no version yet"
    if evidence.taken_over is not None:
        where = f"{evidence.taken_over.target.tag} (current), after {job.target.tag} (latest) had not started it"
    yield Fact("job", f"A job of {job.service}{key}. It went to {where}.")


def _pointers(evidence: Evidence) -> Iterator[Fact]:
    then, service = evidence.pointers, evidence.transform.service
    if then.problem:
        yield Fact("pointers", f"What they held is not known: {then.problem}", is_known=False)
        return
    if then.current is None and then.latest is None:
        yield Fact("pointers", "SSM's history does not go back to when it came in.", is_known=False)
        return
    current, latest = (_held(service, reading) for reading in (then.current, then.latest))
    yield Fact("pointers", f"By SSM's history current was {current} and latest was {latest} when it came in.")


def _held(service: str, reading: Reading | None) -> str:
    content = content_of(service, reading)
    if isinstance(content, Blank):
        return "blank"
    return "invalid" if isinstance(content, Invalid) else content.tag


def _on_latest(evidence: Evidence) -> Iterator[Fact]:
    release, job = evidence.release, evidence.transform
    if release is None:
        yield Fact("release", f"Its release {job.release_id} is not on record any more.", is_known=False)
        return
    policy = release.policy
    yield Fact("release", f"{release.release_id} tried {release.target.tag} out, and was open.")
    yield Fact(
        "draw",
        f"While there was room, each request was offered to it with probability {policy.share:g}; this one was. "
        "The number that was drawn is not kept.",
    )
    if evidence.place:
        most = "" if policy.gate is None else "at most "
        yield Fact("budget", f"It was job {evidence.place} of {most}{policy.budget}.")
    else:
        yield Fact("budget", "The index does not list it yet; it was within the budget.", is_known=False)
    yield Fact("admission", "The record gave it its place in one transaction, before anything was started.")


def _on_current(evidence: Evidence) -> Iterator[Fact]:
    release, job = evidence.release, evidence.transform
    if release is None:
        yield Fact("release", "No release was on trial when it came in: every request went to current.")
        return
    policy, after = release.policy, job.created_at - release.opened_at
    named = f"{release.release_id} ({release.target.tag})"
    yield Fact("release", f"{named} had been on trial for {duration(after)}.")
    paused = _paused_by(evidence)
    if paused is not None:
        yield Fact("budget", f"It was paused by order of {paused.order.who}: nothing was sent to it.")
    elif policy.gate is not None:
        yield from _without_place(evidence.place, policy.share)
    elif evidence.place >= policy.requests:
        yield Fact("budget", f"All {policy.requests} places were taken, so this job went to current.")
    else:
        yield Fact("budget", f"{evidence.place} of {policy.requests} places were taken: there was room.")
        yield Fact(
            "draw",
            f"A request is offered to a release with probability {policy.share:g}. Either this one was not, or it was "
            "and the record refused it, or did not answer; which of these is not kept.",
            is_known=False,
        )


def _without_place(admitted: int, share: float) -> Iterator[Fact]:
    """Of a sequential gate: how many places there are changes while jobs end."""
    yield Fact("budget", f"{admitted} of its jobs had been admitted; each that ends makes room for the next one.")
    yield Fact(
        "draw",
        f"While there is room a request is offered to it with probability {share:g}. Whether there was room at that "
        "moment, and this job was not offered, is not kept.",
        is_known=False,
    )


def _paused_by(evidence: Evidence) -> GivenOrder | None:
    """The pause that was in force when the job came in."""
    paused = None
    for given in evidence.orders:
        if given.order.at > evidence.transform.created_at:
            break
        if given.order.kind is OrderKind.PAUSE:
            paused = given
        elif given.order.kind is OrderKind.RESUME:
            paused = None
    return paused


def _as_rescue(transform: Transform) -> Iterator[Fact]:
    yield Fact(
        "rescue",
        f"It runs the input of {transform.rescue_of} once more, which had failed in a release that rescues. "
        "The controller sent it to what was current when it was started.",
    )


def _start_and_end(evidence: Evidence) -> Iterator[Fact]:
    job = evidence.transform
    tries = "1 attempt" if job.attempts == 1 else f"{job.attempts} attempts"
    if job.status is Status.NOT_STARTED:
        yield Fact("start", f"{job.target.tag or 'No version'} certainly did not start it, after {tries}.")
        if job.route is Route.LATEST and evidence.taken_over is None:
            yield Fact("start", "That current took it over is not on record; it counts as failed.", is_known=False)
    elif job.execution_arn is None:
        yield Fact("start", f"It was sent ({tries}); whether it started is not on record yet.", is_known=False)
    else:
        yield Fact("start", f"It started after {tries}, as {job.execution_arn}")
    for half in (job, evidence.taken_over):
        if half is not None and half.status is not Status.NOT_STARTED:
            yield _outcome(half)
    yield from _failure(evidence)
    if job.rescued_by is not None:
        ended = "" if evidence.rescue is None else f", which is {evidence.rescue.status}"
        on = f" on {evidence.rescue.target.tag}" if evidence.rescue is not None and evidence.rescue.target.tag else ""
        yield Fact("rescue", f"Its input was run once more{on}, as {job.rescued_by}{ended}.")
    elif job.kept_input:
        yield Fact("rescue", "Its input is kept: if it fails, current runs it once more.")


def _outcome(job: Transform) -> Fact:
    where = f" on {job.target.tag}" if job.target.tag else ""
    if job.settled_at is None:
        return Fact("outcome", f"It is {job.status}{where}; its end is not on record yet.")
    return Fact("outcome", f"It ended {job.status}{where}, after {duration(job.settled_at - job.created_at)}.")


def _failure(evidence: Evidence) -> Iterator[Fact]:
    if evidence.failure:
        yield Fact("outcome", f"Step Functions says of its end: {evidence.failure}")


def _verdict(evidence: Evidence) -> Iterator[Fact]:
    release = evidence.release
    if release is None or evidence.transform.release_id != release.release_id or release.basis is not Basis.CANARY:
        return
    reason = f": {release.reason}" if release.reason else f" ({release.counts})"
    if not release.reason and release.policy.gate is not None:
        reason = f": {wanted(release)}{reason}"
    yield Fact("verdict", f"The release is {release.state}{reason}")

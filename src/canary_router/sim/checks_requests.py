"""The checks that follow a front-end's request: one job, no downtime."""

from collections import defaultdict
from collections.abc import Iterator

from canary_router.core.model import ENDED_BADLY, Route
from canary_router.core.records import rescue_id
from canary_router.sim.evidence import Evidence
from canary_router.sim.journal import Attempt, Job
from canary_router.sim.plan import Behaviour
from canary_router.sim.world import is_valid, tag_of

_ACCEPTED = 202
_RESCUE = rescue_id("")
_UNKNOWN = (0, 504)
_KEY_REUSED = 409
_SETTLED = 20_000.0
"""How long ``current`` must have been valid before it counts as such: caches and stale reads, milliseconds."""


def check_one_job(evidence: Evidence) -> Iterator[str]:
    """A 202 stands for one execution, any other error than 504 for none, a 504 retried with its key for one."""
    jobs: dict[tuple[str, object], list[Job]] = defaultdict(list)
    yield from _rescues(evidence)
    for job in evidence.journal.jobs.values():
        if is_rescue(job):
            continue
        jobs[str(job.document["request"]), job.document.get("attempt")].append(job)
    attempts: dict[tuple[str, object], list[Attempt]] = defaultdict(list)
    for attempt in evidence.journal.attempts:
        attempts[attempt.request, None if attempt.key else attempt.number].append(attempt)
    for which, tried in attempts.items():
        started = jobs[which]
        yield from _one_request(tried, started)
    for (name, _), started in jobs.items():
        if len(started) > 1:
            yield f"{name} was started {len(started)} times: {', '.join(job.arn for job in started)}"


def is_rescue(job: Job) -> bool:
    """Whether a job runs a failed one's input once more."""
    return job.name.endswith(_RESCUE)


def _rescues(evidence: Evidence) -> Iterator[str]:
    """A failed job's rescue is one execution, after the failure; where the policy asks for it there is one."""
    rescues: dict[str, list[Job]] = defaultdict(list)
    failed: dict[str, float] = {}
    for job in evidence.journal.jobs.values():
        if is_rescue(job):
            rescues[job.name.removesuffix(_RESCUE)].append(job)
        elif job.outcome in ENDED_BADLY and job.ends is not None:
            failed[job.name] = job.ends
    for name, jobs in rescues.items():
        if len(jobs) > 1:
            yield f"{name} was rescued {len(jobs)} times: {', '.join(job.arn for job in jobs)}"
        if failed.get(name, float("inf")) > jobs[0].started:
            yield f"{name} was rescued before it had failed"
    for release in evidence.releases.values():
        for item in evidence.canaries.get(release.release_id, ()) if release.policy.rescue else ():
            name = str(item["transform_id"])
            if item["status"] in ENDED_BADLY and name not in rescues and not is_broken_now(evidence):
                yield f"{name} failed, and nobody has rescued it"


def is_broken_now(evidence: Evidence) -> bool:
    """Whether there is no current version that could start a job."""
    current = evidence.readings.current
    return current is None or not is_valid(current.value) or _is_broken(evidence, [current.value])


def _one_request(tried: list[Attempt], started: list[Job]) -> Iterator[str]:
    arns = {job.arn for job in started}
    bodies = {bool(job.document.get("other")) for job in started}
    unknown = any(attempt.status in _UNKNOWN for attempt in tried)
    for attempt in tried:
        label = f"{attempt.request}.{attempt.number}"
        if attempt.status == _ACCEPTED:
            if attempt.document["execution_arn"] not in arns:
                yield f"{label} was told of {attempt.document['execution_arn']}, which does not exist"
            elif attempt.other_body not in bodies:
                yield f"{label} was given the job of another body"
        elif attempt.status not in (*_UNKNOWN, 502, 503, _KEY_REUSED):
            yield f"{label} was answered {attempt.status}: {attempt.document}"
        elif attempt.status == _KEY_REUSED and not any(other.other_body != attempt.other_body for other in tried):
            yield f"{label} was told that its key belongs to another job"
    if started and not unknown and all(attempt.status != _ACCEPTED for attempt in tried):
        yield f"{tried[0].request} was told that nothing was started, but {sorted(arns)} was"


def check_downtime(evidence: Evidence) -> Iterator[str]:
    """With a valid current, no request fails because of a canary."""
    for attempt in evidence.journal.attempts:
        if attempt.status in (_ACCEPTED, _KEY_REUSED) or _is_excused(evidence, attempt):
            continue
        held = list(evidence.held("current", attempt.sent - _SETTLED, attempt.answered))
        if all(is_valid(value) for value in held) and not _is_broken(evidence, held):
            yield f"{attempt.request}.{attempt.number} was answered {attempt.status}: {attempt.document.get('detail')}"


def _is_excused(evidence: Evidence, attempt: Attempt) -> bool:
    """Whether something else than a canary stands behind a failure."""
    for fault, port in attempt.faults:
        if port in ("invoker", "executions", "pointers") or fault.startswith(("killed", "slow")):
            return True
        # Only the record can promise once-only, so a job with a key needs it.
        if port == "ledger" and attempt.key is not None:
            return True
    # The function's time was over, by many small delays, or another try with this key was not answered yet.
    others = [other for other in evidence.journal.attempts if other.request == attempt.request and other is not attempt]
    return attempt.status == 0 or (attempt.key is not None and any(other.sent < attempt.answered for other in others))


def _is_broken(evidence: Evidence, held: list[str | None]) -> bool:
    missing = {plan.tag for plan in evidence.plan.deployments if plan.behaviour is Behaviour.MISSING}
    return any(value is not None and tag_of(value) in missing for value in held)


def routes(attempts: list[Attempt]) -> dict[Route, int]:
    """How many accepted requests went which way, for the figures."""
    found = dict.fromkeys(Route, 0)
    for attempt in attempts:
        if attempt.status == _ACCEPTED:
            found[Route(attempt.document["route"])] += 1
    return found

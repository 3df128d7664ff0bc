"""The check that follows a front-end's request: one job, however often it was sent and whatever was answered."""

from collections import defaultdict
from collections.abc import Iterator

from canary_router.core.model import ENDED_BADLY, Status
from canary_router.core.records import rescue_id
from canary_router.settings import GRACE_SECONDS
from canary_router.sim.evidence import Evidence
from canary_router.sim.journal import Arrival, Attempt, Job
from canary_router.sim.world import is_valid, tag_of

_ACCEPTED = 202
_RESCUE = rescue_id("")
_UNKNOWN = (0, 504)
_KEY_REUSED = 409
_SETTLED = 20_000.0
"""How long ``current`` may have been what somebody still goes by: caches and stale reads, milliseconds."""
_SILENT = 503
_GRACE = (GRACE_SECONDS + 120) * 1000
_NOTHING_STARTED = (502, _SILENT, _KEY_REUSED)


def check_one_job(evidence: Evidence) -> Iterator[str]:
    """A 202 stands for one execution, any other error than 504 for none, a 504 retried with its key for one."""
    yield from _false_errors(evidence)
    yield from _false_records(evidence)
    yield from _unending(evidence)
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
        yield from _one_rescue(evidence, name, jobs, failed.get(name, float("inf")))
    for release in evidence.releases.values():
        for item in evidence.canaries.get(release.release_id, ()) if release.policy.rescue else ():
            name = str(item["transform_id"])
            if item["status"] in ENDED_BADLY and name not in rescues and not is_broken_now(evidence):
                yield f"{name} failed, and nobody has rescued it"


def _one_rescue(evidence: Evidence, name: str, jobs: list[Job], failed: float) -> Iterator[str]:
    if len(jobs) > 1:
        yield f"{name} was rescued {len(jobs)} times: {', '.join(job.arn for job in jobs)}"
    if failed > jobs[0].started:
        yield f"{name} was rescued before it had failed"
    current = {tag_of(str(value)) for value in evidence.held("current", failed - _SETTLED, jobs[0].started)}
    if jobs[0].tag not in current:
        yield f"{name} was rescued on {jobs[0].tag}, which was not current"


def is_broken_now(evidence: Evidence) -> bool:
    """Whether there is no current version that could start a job."""
    current = evidence.readings.current
    return current is None or not is_valid(current.value) or evidence.is_missing([current.value])


def _one_request(tried: list[Attempt], started: list[Job]) -> Iterator[str]:
    arns = {job.arn for job in started}
    bodies = {bool(job.document.get("other")) for job in started}
    for attempt in tried:
        label = f"{attempt.request}.{attempt.number}"
        if attempt.status == _ACCEPTED:
            if attempt.document["execution_arn"] not in arns:
                yield f"{label} was told of {attempt.document['execution_arn']}, which does not exist"
            elif attempt.document["version"] not in {job.tag for job in started}:
                yield f"{label} was told that {attempt.document['version']} runs its job, which does not"
            elif attempt.other_body not in bodies:
                yield f"{label} was given the job of another body"
        elif attempt.status not in (*_UNKNOWN, 502, 503, _KEY_REUSED):
            yield f"{label} was answered {attempt.status}: {attempt.document}"
        elif attempt.status == _KEY_REUSED and not any(other.other_body != attempt.other_body for other in tried):
            yield f"{label} was told that its key belongs to another job"


def _unending(evidence: Evidence) -> Iterator[str]:
    """Whoever retries a 504 with its key is told of its one job, at the latest when the grace time is over."""
    for request in evidence.plan.requests:
        tried = [one for one in evidence.journal.attempts if one.request == request.name]
        if not request.is_patient or not tried or is_broken_now(evidence):
            continue
        last = max(tried, key=lambda one: one.answered)
        if last.status in _UNKNOWN and last.answered - min(one.sent for one in tried) > _GRACE:
            yield f"{request.name} was tried {len(tried)} times, and is still answered {last.status}"


def _false_records(evidence: Evidence) -> Iterator[str]:
    """What is on record as not started is not running on the version that it is on record for."""
    started = {(job.name, job.tag) for job in evidence.journal.jobs.values()}
    # The version that refused a job as the canary may take it over as current; then the second half speaks of it.
    taken_over = {
        (item["transform_id"], item["target_tag"]) for key, item in evidence.items.items() if key.sort == "FALLBACK"
    }
    for key, item in evidence.items.items():
        if key.sort not in ("TRANSFORM", "FALLBACK") or item["status"] != Status.NOT_STARTED:
            continue
        if key.sort == "TRANSFORM" and (item["transform_id"], item["target_tag"]) in taken_over:
            continue
        if (str(item["transform_id"]), str(item["target_tag"])) in started:
            yield f"{item['transform_id']} is on record as not started, but {item['target_tag']} has started it"


def _false_errors(evidence: Evidence) -> Iterator[str]:
    """An error other than 504 is told only by who knows: each attempt by itself, whatever is answered later.

    - None of the attempt's own invocations ever comes through to a state machine, neither before the answer nor after.
    - With a key it has read the record. So when it was sent, no job of that key had been started, and no invocation
      of another attempt was under way that came through later. What others have sent since they may have sent after
      the record was read: that may start the job, and makes the error no lie. Nor does a 503 speak for others when
      the record itself could not be read or written: "nothing was started" is then true of this attempt alone. A 409
      speaks for itself alone, too: the key stands for another job.
    """
    arrivals: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in evidence.journal.arrivals:
        arrivals[arrival.who.rpartition(".")[0]].append(arrival)
    for attempt in evidence.journal.attempts:
        if attempt.status not in _NOTHING_STARTED:
            continue
        blind = attempt.status == _KEY_REUSED or (attempt.status == _SILENT and attempt.faults_at("ledger"))
        knows_others = attempt.key is not None and not blind
        for arrival in arrivals[attempt.request]:
            if arrival.who == attempt.task or (knows_others and arrival.sent < attempt.sent):
                yield (
                    f"{attempt.task} was told at {attempt.answered} that nothing was started ({attempt.status}), "
                    f"but {arrival.who}'s invocation of {arrival.tag} at {arrival.sent} came through at {arrival.at}"
                )

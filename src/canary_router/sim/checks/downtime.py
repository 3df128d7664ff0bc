"""The check that a canary costs nobody an answer: no downtime."""

from collections.abc import Iterator

from canary_router.sim.evidence import Evidence
from canary_router.sim.journal import Attempt
from canary_router.sim.scheduler import START
from canary_router.sim.world import is_valid, tag_of

_ANSWERED = (202, 409)
_SETTLED = 20_000.0
"""How long ``current`` must have been valid before it counts as such: caches and stale reads, milliseconds."""
_OPEN_ENDED = {"broke before", "broke after", "no arn", "answer lost", "request lost", "late start"}
"""What a pipeline may do to an invocation so that nobody can tell at once whether it has started the job."""


def check_downtime(evidence: Evidence) -> Iterator[str]:
    """With a valid current, no request fails because of a canary.

    Each failure needs a reason that fits what was answered, and that is none of the canary's making:

    - 503 (no current version, or the record is silent): a fault at the pointers; with a key also at the record, since
      only the record can promise once-only.
    - 502 (current did not start the job): an invocation of *current* that failed, or of what was current when SSM last
      answered; with a key also a fault at the pointers, when current was to take over.
    - 504 (nobody knows): an invocation of any version whose end stayed open. That is the one failure that a canary
      may pass on: an uncertain job is never run on the other version. With a key also any invocation that failed while
      another attempt may have been under way, and a fault at the record.
    - no answer at all: the router was killed, or a call took so long that its time was over.
    """
    for attempt in evidence.journal.attempts:
        if attempt.status in _ANSWERED:
            continue
        held = list(evidence.held("current", attempt.sent - _SETTLED, attempt.answered))
        if not all(is_valid(value) for value in held) or evidence.is_missing(held):
            continue
        if not _has_reason(evidence, attempt, _current_for(evidence, attempt)):
            met = ", ".join(f"{fault} at {port}" for fault, port in attempt.faults) or "no fault"
            detail = attempt.document.get("detail")
            yield f"{attempt.task} was answered {attempt.status} and had met {met}: {detail}"


def _current_for(evidence: Evidence, attempt: Attempt) -> set[str]:
    """The versions that an attempt may have taken for current.

    Long ago, too, where it goes by what is remembered while SSM is silent, or by the record of a job with a key.
    """
    remembers = attempt.key is not None or _is_silent(evidence, attempt)
    since = 0.0 if remembers else attempt.sent - _SETTLED
    return {tag_of(value) for value in evidence.held("current", since, attempt.answered) if value}


def _is_silent(evidence: Evidence, attempt: Attempt) -> bool:
    """Whether SSM has not answered this attempt, or one before it: then a router asks no more for a while."""
    asked = attempt.sent - evidence.plan.pointer_ttl * 1000
    down = (one for one in evidence.plan.outages if one.port == "pointers")
    if any(START + one.at * 1000 <= attempt.answered and asked <= START + one.until * 1000 for one in down):
        return True
    return any(
        other.faults_at("pointers") - {"stale"}
        for other in evidence.journal.attempts
        if other.answered >= asked and other.sent <= attempt.answered
    )


def _has_reason(evidence: Evidence, attempt: Attempt, current: set[str]) -> bool:
    # An invocation that takes seconds and ends well excuses nothing: there is time for it.
    slow = any(fault == "slow" and not port.startswith("invoker") for fault, port in attempt.faults)
    killed = any(fault.startswith("killed") for fault, _ in attempt.faults)
    keyed = attempt.key is not None
    match attempt.status:
        case 503:
            return bool(attempt.faults_at("pointers") or (keyed and (attempt.faults_at("ledger") or slow)))
        case 502:
            failed = {port.removeprefix("invoker ") for _, port in attempt.faults if port.startswith("invoker ")}
            return bool(failed & current or (keyed and attempt.faults_at("pointers")))
        case 504:
            failed_at = attempt.faults_at("invoker")
            shared = failed_at and _others(evidence, attempt)
            return bool(failed_at & _OPEN_ENDED or (keyed and (attempt.faults_at("ledger") or slow or shared)))
        case _:
            return slow or killed


def _others(evidence: Evidence, attempt: Attempt) -> bool:
    """Whether another try with the same key may have been under way."""
    return any(
        other.request == attempt.request and other is not attempt and other.sent < attempt.answered
        for other in evidence.journal.attempts
    )

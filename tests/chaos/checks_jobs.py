"""What front-ends were told, held against what ran."""

from collections import defaultdict
from collections.abc import Iterator

from tests.chaos.evidence import Evidence, Execution
from tests.chaos.workload import Request, Try

_TICK = 0.005
"""Step Functions tells milliseconds; all clocks are this machine's."""
_KINDS = {502: ("not-started", "dead"), 503: ("no-current-version", "record-unavailable"), 504: ("start-unknown",)}
"""What may go wrong for a client that makes no mistake."""


def check_jobs(evidence: Evidence) -> Iterator[str]:
    """A 202 is one execution, a 504 or silence one at most, any other error none; a key is one job."""
    by_request: dict[str, list[Execution]] = defaultdict(list)
    for execution in (one for line in evidence.lines for one in line.ran):
        by_request[execution.request].append(execution)
    for request in evidence.requests:
        ran = by_request.pop(request.name, [])
        yield from _accepted(request, ran)
        yield from _denied(request, ran)
    for name in by_request:
        yield f"nobody asked for {name}"


def _accepted(request: Request, ran: list[Execution]) -> Iterator[str]:
    arns = {execution.arn for execution in ran}
    told = {str(one.document.get("execution_arn")) for one in request.tries if one.is_accepted}
    if len(arns) > 1:
        yield f"duplicated: {request.name} ran as {sorted(arns)}"
    if not told <= arns:
        yield f"lost: {request.name} was told of {sorted(told)}, and ran as {sorted(arns)}"
    if request.key and not request.is_accepted:
        yield f"lost: {request.name} was sent {len(request.tries)} times and never accepted"
    for execution in ran:
        if execution.service != request.service:
            yield f"misled: {request.name} was sent to {request.service}, and ran as {execution.arn}"


def _denied(request: Request, ran: list[Execution]) -> Iterator[str]:
    """An execution has to be owed to a try that was not told that nothing was started."""
    for execution in ran:
        if not any(_may_have_begun(one, execution) for one in request.tries):
            told = [(one.status, one.sent, one.answered) for one in request.tries]
            yield f"denied: {request.name} ran as {execution.arn} since {execution.started}, but was told {told}"
        for one in request.tries:
            # Whoever says this knows it of the job, not only of this try: it is on record.
            if one.kind == "not-started" and execution.started < one.answered - _TICK:
                yield f"denied: {request.name} ran as {execution.arn}, but was not started at {one.answered}"


def _may_have_begun(one: Try, execution: Execution) -> bool:
    if execution.started < one.sent - _TICK:
        return False
    # What is not known may come late; what was accepted had been started by then.
    return one.is_unknown or (one.is_accepted and execution.started <= one.answered + _TICK)


def check_answers(evidence: Evidence) -> Iterator[str]:
    """The client made no mistake, so no answer may say that it did; and every error says what it is."""
    for request in evidence.requests:
        for one in request.tries:
            if one.status not in (0, 202) and one.kind not in _KINDS.get(one.status, ()):
                yield f"{request.name} was answered {one.status}: {one.document}"

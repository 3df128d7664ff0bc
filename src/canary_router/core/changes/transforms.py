"""Changes of transforms: admitted, recorded, attempted, settled."""

from dataclasses import replace

from canary_router.core.changes.clauses import (
    KNOWN,
    NEW,
    OPEN,
    QUIET,
    ROOM,
    SOLE,
    UNSETTLED_JOB,
    Commit,
    as_judged,
)
from canary_router.core.conditions import Clause, Op, Value, Write
from canary_router.core.model import (
    ENDED_BADLY,
    UNDETERMINED,
    UNSETTLED,
    Release,
    ReleaseState,
    Route,
    Status,
    Transform,
    Version,
)
from canary_router.core.records import (
    RELEASE_PREFIX,
    input_item,
    input_key,
    key_of,
    release_key,
    rescue_id,
    state_fields,
    transform_item,
    version_fields,
)
from canary_router.settings import PENDING_INDEX_KEY

_COUNTS = {Status.SUCCEEDED: "succeeded", Status.NOT_STARTED: "not_started"}


def admit(release_id: str, transform: Transform, kept_input: str | None) -> Commit:
    """Gives a transform one of the places of a release's budget. The clauses alone guard the budget.

    Args:
        release_id: The release.
        transform: The job.
        kept_input: The job's input as JSON, where it has to be kept for a rescue.
    """
    place = Write(
        release_key(transform.service, release_id),
        (
            Clause(OPEN, "state", Op.EQUALS, ReleaseState.OPEN.value),
            Clause(ROOM, "admitted", Op.BELOW_FIELD, "requests"),
        ),
        add={"admitted": 1},
    )
    if kept_input is None:
        return (place, *record(transform))
    kept = Write(input_key(transform.transform_id), (), put=input_item(transform, kept_input))
    return (place, *record(replace(transform, kept_input=True)), kept)


def record(transform: Transform) -> Commit:
    """Puts a transform on record, if there is none of that id."""
    return (Write(key_of(transform), (Clause(NEW, "transform_id", Op.ABSENT),), put=transform_item(transform)),)


def mark_running(transform: Transform, execution_arn: str) -> Commit:
    """Records the execution of an admitted transform. An outcome that came first stands."""
    return (
        Write(
            key_of(transform),
            (Clause(UNSETTLED_JOB, "status", Op.EQUALS, Status.ADMITTED.value),),
            assign={"status": Status.RUNNING.value, "execution_arn": execution_arn},
        ),
    )


def join_attempt(transform: Transform, now: int) -> Commit:
    """Says that one more invocation is about to be sent for an admitted transform.

    From then on nobody's answer alone can prove that the job was not started: the other invocation may yet start it.
    """
    return (
        Write(
            key_of(transform),
            (
                Clause(UNSETTLED_JOB, "status", Op.EQUALS, Status.ADMITTED.value),
                Clause(SOLE, "attempts", Op.EQUALS, transform.attempts),
            ),
            assign={"attempts": transform.attempts + 1, "attempted_at": now},
        ),
    )


def leave_attempt(joined: Transform, before: int) -> Commit:
    """Says that an attempt that had joined has certainly started nothing, so that the grace time is the earlier one's.

    Without it whoever retries often enough would keep the grace time from ever being over.

    Args:
        joined: The transform as this attempt has joined it. Whoever joined since stands.
        before: When the attempt before it was sent.
    """
    return (
        Write(
            key_of(joined),
            (
                Clause(UNSETTLED_JOB, "status", Op.EQUALS, Status.ADMITTED.value),
                Clause(SOLE, "attempts", Op.EQUALS, joined.attempts),
            ),
            assign={"attempted_at": before},
        ),
    )


def started_again(transform: Transform, target: Version, now: int) -> Transform:
    """A job of the current version as it is after ``start_again``.

    Attempts go on counting: a retry that has stalled since before must not take this start for the one it has read.
    """
    return replace(
        transform,
        status=Status.ADMITTED,
        target=target,
        attempts=transform.attempts + 1,
        attempted_at=now,
        settled_at=None,
    )


def start_again(transform: Transform, target: Version, now: int) -> Commit:
    """Gives a job of the current version that was certainly not started a new start, for a retry with its key.

    The count alone says that it still is not started: each new start raises it, and so does whoever joins one.
    """
    return (
        Write(
            key_of(transform),
            (Clause(SOLE, "attempts", Op.EQUALS, transform.attempts),),
            put=transform_item(started_again(transform, target, now)),
        ),
    )


def settle(transform: Transform, status: Status, execution_arn: str | None, now: int) -> Commit:
    """Records the end of a transform and counts it for its release, together and once.

    A duplicate finds the transform final and changes nothing. A late outcome of a closed release is counted there,
    and decides nothing, since only undecided releases are judged.
    """
    fields: dict[str, Value] = {"status": status.value, "settled_at": now}
    if execution_arn is not None:
        fields["execution_arn"] = execution_arn
    unsettled = Clause(UNSETTLED_JOB, "status", Op.ONE_OF, UNSETTLED)
    if not transform.kept_input or status not in ENDED_BADLY:
        return _settled(transform, fields, (unsettled,), _COUNTS.get(status, "failed"))
    rescue = rescue_for(transform, now)
    fields["rescued_by"] = rescue.transform_id
    return (*_settled(transform, fields, (unsettled,), "failed"), *record(rescue))


def quietly(settled: Commit) -> Commit:
    """The settlement of an outcome, on the condition that its release has nothing to decide by it.

    So most outcomes cost one write, and no look at the release. A refusal brings the release along, to be judged.
    """
    return tuple(
        replace(write, clauses=(*write.clauses, _quiet(write))) if write.key.sort.startswith(RELEASE_PREFIX) else write
        for write in settled
    )


def _quiet(counting: Write) -> Clause:
    if "succeeded" in counting.add:
        return Clause(QUIET, "succeeded", Op.BELOW_FIELD, "quiet_successes")
    return Clause(QUIET, "failures", Op.BELOW_FIELD, "quiet_failures")


def deciding(settled: Commit, judged: Release, after: Release) -> Commit:
    """The settlement of an outcome together with what it brings: a decision, or more places.

    Args:
        settled: The settlement.
        judged: The release as it is on record. Another outcome, order or decision that came meanwhile refuses it all.
        after: The release as the verdict leaves it.
    """
    fields: dict[str, Value] = {"requests": after.places}
    if not after.state.can_be_decided:
        fields = {
            **state_fields(after.state, after.policy),
            "decided_at": int(after.decided_at or 0),
            "reason": after.reason,
        }
    key = release_key(judged.service, judged.release_id)
    return tuple(
        replace(write, clauses=(*write.clauses, *as_judged(judged)), assign=fields) if write.key == key else write
        for write in settled
    )


def rescue_for(transform: Transform, now: int) -> Transform:
    """The job that will run a failed job's input once more. It is put on record with the failure, or not at all."""
    return Transform(
        transform_id=rescue_id(transform.transform_id),
        service=transform.service,
        route=Route.CURRENT,
        target=UNDETERMINED,
        status=Status.ADMITTED,
        created_at=now,
        attempted_at=now,
        input_hash=transform.input_hash,
        attempts=0,
        rescue_of=transform.transform_id,
    )


def attempt_rescue(rescue: Transform, target: Version, now: int) -> Commit:
    """Says that a free rescue is about to be sent to a version. Of those who have read it free one run can say so."""
    return (
        Write(
            key_of(rescue),
            (
                Clause(UNSETTLED_JOB, "status", Op.EQUALS, Status.ADMITTED.value),
                Clause(SOLE, "attempts", Op.EQUALS, rescue.attempts),
            ),
            assign={"attempts": rescue.attempts + 1, "attempted_at": now, **version_fields("target", target)},
        ),
    )


def release_rescue(rescue: Transform) -> Commit:
    """Frees a rescue that its target certainly did not start, to be attempted again on what is current then.

    The count stays: a run that has stalled since must not free a later attempt.
    """
    return (
        Write(
            key_of(rescue),
            (
                Clause(UNSETTLED_JOB, "status", Op.EQUALS, Status.ADMITTED.value),
                Clause(SOLE, "attempts", Op.EQUALS, rescue.attempts),
            ),
            assign=version_fields("target", UNDETERMINED),
        ),
    )


def settle_not_started(transform: Transform, now: int) -> Commit:
    """Records that a transform was certainly not started.

    Refused when an execution is on record, or when somebody else has sent an invocation since ``transform`` was
    read: that one may yet start the job.
    """
    clauses = (
        Clause(UNSETTLED_JOB, "status", Op.EQUALS, Status.ADMITTED.value),
        Clause(SOLE, "attempts", Op.EQUALS, transform.attempts),
    )
    fields: dict[str, Value] = {"status": Status.NOT_STARTED.value, "settled_at": now}
    return _settled(transform, fields, clauses, "not_started")


def _settled(transform: Transform, fields: dict[str, Value], clauses: tuple[Clause, ...], count: str) -> Commit:
    ended = Write(key_of(transform), clauses, assign=fields, remove=(PENDING_INDEX_KEY,))
    if transform.release_id is None or transform.fallback:
        return (ended,)
    counted = Write(
        release_key(transform.service, transform.release_id),
        (Clause(KNOWN, "release_id", Op.PRESENT),),
        add={count: 1} if count == "succeeded" else {count: 1, "failures": 1},
    )
    return (ended, counted)

"""Every write of the record, as data, with the guard that makes it safe.

This is the only place where a write's conditions are composed. Read it as the protocol's second column: for each
change, what must still be true of the stored items at the moment of the write.

The request path admits like this; two routers race for the last place of the budget:

    router A   read release (admitted 1)  ........  admit: admitted 1 < 2, state OPEN -> done, admitted 2
    router B   ......  read release (admitted 1)  ..............  admit: admitted 2 < 2 -> refused -> current

What either had read does not matter: the clauses are held against the stored item.
"""

from dataclasses import replace

from canary_router.core.conditions import Clause, Op, Value, Write
from canary_router.core.model import (
    ENDED_BADLY,
    UNDECIDED,
    UNDETERMINED,
    UNSETTLED,
    Release,
    ReleaseState,
    Route,
    ServiceState,
    Status,
    Transform,
    Version,
)
from canary_router.core.records import (
    input_item,
    input_key,
    key_of,
    release_item,
    release_key,
    rescue_id,
    state_key,
    transform_item,
    version_fields,
)
from canary_router.settings import PENDING_INDEX_KEY

Commit = tuple[Write, ...]

NEW = "does not exist yet"
NEWER = "newer than any write seen"
SAME_OPEN = "no other release came between"
UNDECIDED_OLDER = "the older release is not decided"
OPEN = "the release is open"
ROOM = "the budget has room"
UNSETTLED_JOB = "its end is not on record yet"
SOLE = "no other attempt was made"
EXPECTED_STATE = "the release is in the state that was judged"
LEASE_FREE = "nobody holds the lease"
LEASE_OWN = "the lease is ours"
KNOWN = "the item exists"
SAME_CURRENT = "no newer write of current is on record"
SEEN_WRITE = "no other write of current came on record"

_COUNTS = {Status.SUCCEEDED: "succeeded", Status.NOT_STARTED: "not_started"}


def open_release(release: Release, older: str | None, seen: int | None = None) -> Commit:
    """Opens a release, and supersedes the one that is open (``older``), in one transaction.

    Refused when: this write of ``latest`` or a newer one was opened already; another release was opened or closed
    since ``older`` was read; the older one is decided and its pointers are being written; a write of ``current`` after
    the version ``seen`` is on record, so that what the release was compared with is not current any more.
    """
    same = (
        Clause(SAME_OPEN, "open_release", Op.ABSENT)
        if older is None
        else Clause(SAME_OPEN, "open_release", Op.EQUALS, older)
    )
    newer = Clause(NEWER, "newest", Op.BELOW_OR_ABSENT, release.write.sortable)
    compared = () if seen is None else (Clause(SAME_CURRENT, "current_write", Op.BELOW_OR_ABSENT, seen + 1),)
    state = Write(
        state_key(release.service),
        (same, newer, *compared),
        assign={"open_release": release.release_id, "newest": release.write.sortable},
    )
    created = Write(
        release_key(release.service, release.release_id),
        (Clause(NEW, "release_id", Op.ABSENT),),
        put=release_item(replace(release, supersedes=older)),
    )
    if older is None:
        return (state, created)
    superseded = Write(
        release_key(release.service, older),
        (Clause(UNDECIDED_OLDER, "state", Op.ONE_OF, UNDECIDED),),
        assign={
            "state": ReleaseState.SUPERSEDED.value,
            "closed_at": release.opened_at,
            "reason": f"superseded by {release.release_id} ({release.target.tag})",
        },
    )
    return (state, created, superseded)


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
        add={count: 1},
    )
    return (ended, counted)


def decide(release: Release, state: ReleaseState, reason: str, now: int) -> Commit:
    """Records a verdict. Only an undecided release can be decided, and only from the state that was judged."""
    return (
        Write(
            release_key(release.service, release.release_id),
            (Clause(EXPECTED_STATE, "state", Op.EQUALS, release.state.value),),
            assign={"state": state.value, "decided_at": now, "reason": reason},
        ),
    )


def close_promoted(release: Release, previous: Version | None, current_write: int | None, now: int) -> Commit:
    """Records that both pointers are written: the target is current and the service has no open release.

    None for ``current_write``: the target was current already, and something else has become so by hand since; what
    is on record of that stands.
    """
    written: dict[str, Value] = {"lease_until": 0}
    if current_write is not None:
        written |= {
            **version_fields("current", release.target),
            **version_fields("previous", previous),
            "current_write": current_write,
            "current_write_at": now,
        }
    return (
        _closed(release, ReleaseState.PROMOTING, ReleaseState.PROMOTED, now),
        Write(
            state_key(release.service),
            (Clause(SAME_OPEN, "open_release", Op.EQUALS, release.release_id),),
            assign=written,
            remove=("open_release",),
        ),
    )


def close_aborted(release: Release, now: int) -> Commit:
    """Records that ``latest`` no longer holds the release's write, and that the service has no open release."""
    return (
        _closed(release, ReleaseState.ABORTING, ReleaseState.ABORTED, now),
        Write(
            state_key(release.service),
            (Clause(SAME_OPEN, "open_release", Op.EQUALS, release.release_id),),
            assign={"lease_until": 0},
            remove=("open_release",),
        ),
    )


def _closed(release: Release, before: ReleaseState, after: ReleaseState, now: int) -> Write:
    return Write(
        release_key(release.service, release.release_id),
        (Clause(EXPECTED_STATE, "state", Op.EQUALS, before.value),),
        assign={"state": after.value, "closed_at": now},
    )


def tell(release: Release) -> Commit:
    """Records that somebody was told of the state that the release is in."""
    return (
        Write(
            release_key(release.service, release.release_id),
            (Clause(KNOWN, "release_id", Op.PRESENT),),
            assign={"told": release.state.value},
        ),
    )


def adopt(adopted: Release, state: ServiceState, now: int) -> Commit:
    """Puts on record that ``current`` was written by hand; ``adopted`` is that write, as a closed release.

    Refused when another write of ``current`` has come on record since ``state`` was read.
    """
    seen = (
        Clause(SEEN_WRITE, "current_write", Op.EQUALS, state.current_write)
        if state.current_write
        else Clause(SEEN_WRITE, "current_write", Op.ABSENT)
    )
    return (
        Write(
            release_key(adopted.service, adopted.release_id),
            (Clause(NEW, "release_id", Op.ABSENT),),
            put=release_item(adopted),
        ),
        Write(
            state_key(adopted.service),
            (seen,),
            assign={
                **version_fields("current", adopted.target),
                **version_fields("previous", state.current),
                "current_write": adopted.write.version,
                "current_write_at": now,
            },
        ),
    )


def turn_page(service: str, cursor: str | None) -> Commit:
    """Remembers where the next pass over pending jobs begins. Two passes at once may look a job up twice, no worse."""
    if cursor is None:
        return (Write(state_key(service), (), remove=("pending_cursor",)),)
    return (Write(state_key(service), (), assign={"pending_cursor": cursor}),)


def take_lease(service: str, owner: str, now: int, until: int) -> Commit:
    """Takes the right to write a service's pointers, until a moment that outlives the taker's function."""
    return (
        Write(
            state_key(service),
            (Clause(LEASE_FREE, "lease_until", Op.BELOW_OR_ABSENT, now),),
            assign={"lease_owner": owner, "lease_until": until},
        ),
    )


def return_lease(service: str, owner: str) -> Commit:
    """Gives the lease back, if it is still the owner's."""
    return (
        Write(
            state_key(service),
            (Clause(LEASE_OWN, "lease_owner", Op.EQUALS, owner),),
            assign={"lease_until": 0},
        ),
    )

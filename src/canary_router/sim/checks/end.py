"""The checks of how things end: no lost release, pointers at rest, progress."""

from collections.abc import Iterator
from itertools import pairwise

from canary_router.core.model import UNDECIDED, Basis, Release, ReleaseState, Status
from canary_router.settings import BLANK
from canary_router.sim.checks.gates import check_pace
from canary_router.sim.checks.opening import check_opened
from canary_router.sim.checks.requests import is_broken_now
from canary_router.sim.evidence import (
    BLANKED,
    PROMOTED,
    WITHDREW,
    Evidence,
    is_by_person,
    is_release,
    names,
    original_of,
    release_id_of,
)
from canary_router.sim.journal import Pass, PointerWrite, Transition
from canary_router.sim.world import is_valid, tag_of

_CLOSED = (ReleaseState.PROMOTED, ReleaseState.ABORTED, ReleaseState.SUPERSEDED)
_SKEW = 7_000.0
_SEEN = 3_000.0
_SLIPPED_IN = 50_000.0
"""Between a look that was old and a write that came late nothing lasts longer, in milliseconds."""


def check_lost_releases(evidence: Evidence) -> Iterator[str]:
    """Every valid write of ``latest`` is opened, or superseded by a newer one, or taken back by who may."""
    yield from _in_order(evidence)
    writes = evidence.writes("latest")
    for number, write in enumerate(writes):
        if not is_release(write):
            continue
        release = evidence.releases.get(release_id_of(write))
        later = writes[number + 1 :]
        if release is None:
            yield from check_opened(evidence, write, later)
        elif release.target.tag != tag_of(str(write.value)):
            yield f"{release.release_id} is on record for {release.target.tag}, but {write.value} was written"
        elif release.state is ReleaseState.SUPERSEDED and not _is_superseded_by_newer(evidence, release):
            yield f"{release.release_id} was superseded, but by nothing newer"
        elif "withdrawn" in release.reason and not any(_withdraws(evidence, other, write) for other in writes):
            yield f"{release.release_id} counts as withdrawn, but nobody has withdrawn it"


def _in_order(evidence: Evidence) -> Iterator[str]:
    opened = [evidence.releases[one.release_id] for one in evidence.journal.transitions if one.after == "OPEN"]
    for before, after in pairwise(opened):
        if after.write < before.write:
            yield f"{after.release_id} was opened after {before.release_id}, which is newer"


def _withdraws(evidence: Evidence, other: PointerWrite, write: PointerWrite) -> bool:
    """Whether another write takes one back: by name, also the one that it is a copy of; or by coming after it."""
    # A blank of the controller's for the release itself comes of its end; one for another copy may come before that.
    by_whom = other.who.startswith("deploy") or other.note != f"{BLANKED}{release_id_of(write)}"
    meant = by_whom and names(evidence, other, write)
    original, newer = original_of(evidence, write), original_of(evidence, other)
    return meant or (newer.at > original.at and (is_release(newer) or is_by_person(newer)))


def _is_superseded_by_newer(evidence: Evidence, release: Release) -> bool:
    newer = [one for one in evidence.releases.values() if one.supersedes == release.release_id]
    return any(one.write > release.write for one in newer)


def check_rest(evidence: Evidence) -> Iterator[str]:
    """With nothing under way current is what the history says, and latest is blank, or what a person left there."""
    latest, current, state = evidence.readings.latest, evidence.readings.current, evidence.state
    if latest is not None and is_valid(latest.value):
        yield f"latest still holds {tag_of(latest.value)}"
    if latest is not None and not latest.is_blank and not is_valid(latest.value):
        left = evidence.writes("latest")[-1]
        if not is_by_person(left) and not left.note.startswith("canary-router put back"):
            yield f"{left.who} left rubbish in latest"
    if state.open_release is not None:
        yield f"{state.open_release} is still on record as open"
    if current is not None and is_valid(current.value):
        on_record = "" if state.current is None else state.current.tag
        if on_record != tag_of(current.value):
            yield f"current is {tag_of(current.value)}, the record says {on_record}"
        elif state.current_write != current.version:
            yield f"version {current.version} of current is there, the record says {state.current_write}"
    yield from _history(evidence)


def _needless(evidence: Evidence) -> Iterator[str]:
    """A blank may hit what slipped in between look and write, but nothing that was there for long."""
    writes = evidence.writes("latest")
    for before, blank in pairwise(writes):
        if not blank.note.startswith((BLANKED, WITHDREW)) or blank.at - before.at < _SLIPPED_IN or not before.value:
            continue
        if before.value.strip() != BLANK and not names(evidence, blank, before):
            yield f"{blank.who} blanked {before.value}, which had been there for {(blank.at - before.at) / 1000:.0f} s"


def _writers(evidence: Evidence) -> Iterator[str]:
    """Two runs never write ``current`` for one release: a later one knows what an earlier one wrote.

    Unless somebody has deleted the parameter in between, and its history with it.
    """
    by: dict[str, set[str]] = {}
    for write in evidence.writes("current"):
        if write.value is None:
            by.clear()
        elif write.note.startswith(PROMOTED):
            by.setdefault(write.note, set()).add(write.who)
    for note, runs in by.items():
        if len(runs) > 1:
            yield f"{note}: written by {' and '.join(sorted(runs))}"


def _history(evidence: Evidence) -> Iterator[str]:
    yield from _writers(evidence)
    yield from _needless(evidence)
    # With the parameter its history is gone, and what it says of a run that died.
    deleted = any(write.value is None for write in evidence.writes("current"))
    ours = {
        write.note.removeprefix(PROMOTED) for write in evidence.writes("current") if write.note.startswith(PROMOTED)
    }
    for release in evidence.releases.values():
        written = (Basis.CANARY, Basis.FIRST, Basis.ROLLBACK)
        promoted = release.state is ReleaseState.PROMOTED and release.basis in written
        if promoted and release.release_id not in ours and not _was_current(evidence, release):
            yield f"{release.release_id} is on record as promoted, but current never was {release.target.tag}"
        if not promoted and release.release_id in ours and release.basis is Basis.CANARY and not deleted:
            yield f"{release.release_id} is {release.state}, but current was written for it"
        if release.basis is Basis.ADOPTED:
            by = [write for write in evidence.writes("current") if write.version == release.write.version]
            if all(write.note.startswith(PROMOTED) for write in by):
                yield f"{release.release_id}: our own write of current was taken for a person's"
    for write in evidence.writes("current"):
        if not is_by_person(write) and not is_valid(write.value):
            yield f"{write.who} wrote rubbish to current"


def _was_current(evidence: Evidence, release: Release) -> bool:
    """Whether current held a release's target at any moment between its decision and its end."""
    times = {one.after: one.at for one in evidence.journal.transitions if one.release_id == release.release_id}
    held = evidence.held("current", times["PROMOTING"], times["PROMOTED"])
    return any(value is not None and tag_of(value) == release.target.tag for value in held)


def check_progress(evidence: Evidence) -> Iterator[str]:
    """Whatever events are lost, a pass of reconciliation that meets no fault finds what there is to find."""
    clean = [one for one in evidence.journal.passes if one.clean]
    for release in evidence.releases.values():
        if release.state not in _CLOSED:
            yield f"{release.release_id} is {release.state} at the end"
        yield from _decided_in_time(evidence, release, clean)
        yield from _closed_in_time(evidence, release, clean)
        yield from check_pace(evidence, release, clean)
    yield from _told(evidence)
    for key, item in evidence.items.items():
        if key.sort not in ("TRANSFORM", "FALLBACK"):
            continue
        job = evidence.journal.jobs.get(str(item.get("execution_arn", "")))
        status = Status(str(item["status"]))
        if status is Status.ADMITTED and "rescue_of" in item and is_broken_now(evidence):
            continue  # it waits for a version that can start it
        if status is Status.ADMITTED or (status is Status.RUNNING and job is not None and job.ends is not None):
            yield f"{key.partition} is {status} at the end"
        elif status.is_final and job is not None and status not in (job.outcome, Status.NOT_STARTED):
            yield f"{key.partition} is on record as {status}, but ended {job.outcome}"


def _told(evidence: Evidence) -> Iterator[str]:
    """People were told of each opening and of each end, unless EventBridge did not take just that."""
    told = {(str(one.detail["release_id"]), one.detail_type) for _, one in evidence.journal.told}
    for release in evidence.releases.values():
        if release.basis is Basis.ADOPTED:
            continue
        kinds = {str(release.state).title()}
        if release.basis is Basis.ROLLBACK:
            kinds = {"RolledBack"}
        elif release.state is not ReleaseState.SUPERSEDED:
            # One that was superseded before anybody was told of it is told of once, as that.
            kinds.add("Opened")
        for kind in sorted(kinds):
            due = (release.release_id, f"Release {kind}")
            if due not in told and due not in evidence.journal.untold:
                yield f"nobody was told: {release.release_id} {kind}"


def _decided_in_time(evidence: Evidence, release: Release, clean: list[Pass]) -> Iterator[str]:
    changes = [change for change in evidence.journal.transitions if change.release_id == release.release_id]
    opened = next((change.at for change in changes if change.after == ReleaseState.OPEN), None)
    decided = next((change.at for change in changes if change.before and change.after not in UNDECIDED), float("inf"))
    if opened is None:
        return
    due = opened + release.policy.deadline * 1000 + _SKEW
    names = {str(item["transform_id"]): item for item in evidence.canaries.get(release.release_id, ())}
    ends = sorted(job.ends for job in evidence.jobs_of(release) if job.ends is not None and job.name in names)
    is_full = release.policy.gate is None and len(ends) == release.policy.requests
    ended = ends[-1] + _SEEN if is_full else due
    for one in clean:
        valid = all(is_valid(value) for value in evidence.held("current", one.began - _SEEN, one.ended))
        # A paused release waits for a person, until its deadline.
        is_due = one.began > due or (one.began > ended and _is_open(changes, one) and _holds(evidence, release, one))
        if valid and is_due and one.ended < decided:
            yield f"{release.release_id} was due at {due}, and {one.who} at {one.began} left it undecided"
            return


def _holds(evidence: Evidence, release: Release, one: Pass) -> bool:
    """Whether latest held a release's write until a pass had ended: otherwise its successes do not promote it."""
    mark = (release.write.modified, release.write.version)
    return not any(
        (write.modified, write.version) > mark and write.at <= one.ended for write in evidence.writes("latest")
    )


def _is_open(changes: list[Transition], one: Pass) -> bool:
    """Whether a release was open all through a pass."""
    before = [change.after for change in changes if change.at <= one.began]
    during = [change for change in changes if one.began < change.at <= one.ended]
    return bool(before) and before[-1] == ReleaseState.OPEN and not during


def _closed_in_time(evidence: Evidence, release: Release, clean: list[Pass]) -> Iterator[str]:
    changes = [change for change in evidence.journal.transitions if change.release_id == release.release_id]
    decided = next((change.at for change in changes if change.after in ("PROMOTING", "ABORTING")), float("inf"))
    closed = next((change.at for change in changes if change.after in ("PROMOTED", "ABORTED")), float("inf"))
    for one in clean:
        valid = all(is_valid(value) for value in evidence.held("current", one.began - _SEEN, one.ended))
        if valid and one.began > decided and one.ended < closed:
            yield f"{release.release_id} was decided at {decided}, and {one.who} at {one.began} left it unfinished"
            return

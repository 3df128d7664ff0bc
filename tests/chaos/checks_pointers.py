"""What the parameters' own history says: who wrote what, on which evidence, and that no write was lost."""

from collections.abc import Iterator

from tests.chaos.checks_releases import closing
from tests.chaos.evidence import Line
from tests.chaos.stage import BY_HAND

from canary_router.core.model import Basis, Release, ReleaseState
from canary_router.core.pointers import Reading
from canary_router.core.writes import blank_note

_PROMOTED = "canary-router promoted "
_BLANKED = "canary-router blanked "
_PUT_BACK = "canary-router put back version "
_TICK = 5
_RESENT = 15_000
"""One call's own repetitions, the last one late; whoever writes for the same release after that is another run."""
_SLIPPED_IN = 15_000
"""Between a look at ``latest`` and the blank that follows it no more time can pass."""
_OPENING = 20_000
"""Milliseconds by which a write of ``latest`` is opened, if no decided release stands before it: requests come all the
time, a pass of the controller every five seconds."""


def check_current(line: Line) -> Iterator[str]:
    """Current is what the chaos began with, or the target of a release that was promoted on its own successes."""
    first: dict[str, Reading] = {}
    for written in line.current:
        label = f"version {written.version} of current of {line.service} ({line.tag(written)})"
        if not written.note.startswith(_PROMOTED):
            if written.note != BY_HAND:
                yield f"{label} was written by nobody: {written.note!r}"
            continue
        release = line.by_id.get(written.note.removeprefix(_PROMOTED))
        if release is None or release.target.arn != written.value:
            yield f"{label} was written for {written.note!r}, which is not on record"
            continue
        if release.state is not ReleaseState.PROMOTED or release.basis is not Basis.CANARY:
            yield f"{label} was written for {release.release_id}, which is {release.state} ({release.basis})"
        good = _succeeded_by(line, release, written.modified)
        if good < release.policy.required:
            yield f"unproven: {label} was written on {good} of {release.policy.required} successes"
        before = first.setdefault(written.note, written)
        if written.modified - before.modified > _RESENT:
            yield f"{label} was written again, {(written.modified - before.modified) / 1000} s after the first time"
    for release in line.releases:
        yield from _was_made_current(line, release)


def _succeeded_by(line: Line, release: Release, moment: int) -> int:
    jobs = line.jobs_of(release)
    return sum(one.status == "SUCCEEDED" and (one.ended or 0) * 1000 <= moment + _TICK for one in jobs)


def _was_made_current(line: Line, release: Release) -> Iterator[str]:
    label = f"{release.release_id} of {line.service} ({release.target.tag}, {release.basis})"
    if release.basis is Basis.ADOPTED:
        written = [one for one in line.current if one.version == release.write.version]
        if any(one.note != BY_HAND for one in written):
            yield f"{label}: our own write of current was taken for a person's"
        return
    # By a write of its own; or it was current when it was opened, or became so until it was closed.
    held = _held(line.current, release.opened_at, release.closed_at or release.opened_at)
    if release.state is ReleaseState.PROMOTED and release.target.arn not in held:
        yield f"{label} is on record as promoted, and was never made current"


def _held(history: tuple[Reading, ...], since: int, until: int) -> set[str]:
    """The values that a parameter had between two moments."""
    before = [one.value for one in history if one.modified <= since][-1:]
    return {*before, *(one.value for one in history if since < one.modified <= until)}


def check_latest(line: Line) -> Iterator[str]:
    """Deployments write versions; the controller blanks what is decided, or puts back what it hid."""
    for before, written in zip((*line.latest[:1], *line.latest), line.latest, strict=False):
        if written.version in line.deployed:
            continue
        problem = _wrong_blank(line, before, written) if written.is_blank else _wrong_return(line, written)
        if problem:
            yield f"version {written.version} of latest of {line.service} {problem}"


def _wrong_return(line: Line, written: Reading) -> str:
    """What is wrong with a value of ``latest`` that no deployment wrote; empty if it was put back rightly."""
    if not written.note.startswith(_PUT_BACK):
        return f"is {written.value}, written by nobody: {written.note!r}"
    lost = next((one for one in line.latest if one.version == _number(written)), None)
    if lost is None or lost.value != written.value:
        return f"puts back what was not there: {written.note!r}"
    release = line.by_id.get(lost.mark.release_id)
    if release is None or closing(release) > written.modified:
        return ""
    return f"puts back {release.release_id}, which was {release.state} by then"


def _wrong_blank(line: Line, before: Reading, blank: Reading) -> str:
    """What is wrong with a blank; empty if it was made for a decided release, and hid at most what slipped in."""
    release = line.by_id.get(blank.note.removeprefix(_BLANKED))
    if release is None:
        return f"was blanked by nobody: {blank.note!r}"
    if release.decided_at is None or release.decided_at > blank.modified + _TICK:
        return f"was blanked for {release.release_id} before that was decided"
    if before.is_blank or blank.note == blank_note(before.mark.release_id):
        return ""
    age = blank.modified - before.modified
    return f"was blanked for {release.release_id}, over what was {age / 1000} s old" if age > _SLIPPED_IN else ""


def check_lost(line: Line) -> Iterator[str]:
    """Every valid write of ``latest`` is opened, unless a newer one took its place before that could be."""
    valid = [one for one in line.latest if line.tag(one)]
    opened = {release.release_id: release for release in line.releases if release.basis is not Basis.ADOPTED}
    for number, written in enumerate(valid):
        label = f"lost: version {written.version} of latest of {line.service} ({line.tag(written)})"
        release = opened.pop(written.mark.release_id, None)
        if release is not None:
            if release.target.arn != written.value:
                yield f"{label} is on record as {release.target.arn}"
            continue
        newer = next((one for one in valid[number + 1 :] if _origin(line, one) >= _origin(line, written)), None)
        if newer is None:
            yield f"{label} was never opened"
        elif (waited := _free(line, written.modified, newer.modified)) > _OPENING:
            yield f"{label} stood for {waited / 1000} s, and was never opened"
    for release_id in opened:
        yield f"{release_id} of {line.service} is on record, but latest was never written so"


def _origin(line: Line, written: Reading) -> int:
    """The version of the write that somebody meant: what is put back is not newer for that."""
    while written.version not in line.deployed:
        found = next((one for one in line.latest if one.version == _number(written) < written.version), None)
        if found is None:
            break
        written = found
    return written.version


def _number(written: Reading) -> int:
    digits = written.note.removeprefix(_PUT_BACK)
    return int(digits) if digits.isdigit() else 0


def _free(line: Line, since: int, until: int) -> float:
    """How long, within two moments, no release was decided but not closed yet: while one is, none is opened."""
    busy = sorted((max(since, closing(one)), min(until, one.closed_at or until)) for one in line.releases)
    free, at = 0.0, float(since)
    for begin, end in busy:
        free += max(0.0, begin - at) if begin < end else 0.0
        at = max(at, end) if begin < end else at
    return free + max(0.0, until - at)


def check_rest(line: Line) -> Iterator[str]:
    """With nothing under way latest is blank, and the record knows what is current."""
    if line.state.open_release is not None:
        yield f"{line.service} is not at rest: {line.state.open_release} is open"
    for latest in line.latest[-1:]:
        if not latest.is_blank:
            yield f"{line.service} is not at rest: latest is {latest.value}"
    for current in line.current[-1:]:
        known = line.state.current
        if known is None or known.arn != current.value:
            yield f"current of {line.service} is {current.value}, on record it is {known}"
        elif line.state.current_write != current.version:
            yield f"current of {line.service} has version {current.version}, on record {line.state.current_write}"

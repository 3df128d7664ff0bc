"""Nothing becomes current whose write of ``latest`` was taken back before whoever decided began to look."""

from collections.abc import Iterator

from canary_router.core.model import Basis, Release
from canary_router.sim.evidence import PROMOTED, WITHDREW, Evidence, is_by_person, is_release, original_of
from canary_router.sim.journal import PointerWrite

_OLD_READ = 3_100.0
"""Milliseconds by which a read of SSM may lag."""


def check_withdrawn(evidence: Evidence) -> Iterator[str]:
    """A decision to promote comes before its release's write of latest was replaced, or within a read's lag of that."""
    for change in evidence.journal.transitions:
        if change.after != "PROMOTING" or not change.before:
            continue
        release = evidence.releases[change.release_id]
        began = evidence.journal.began[change.who]
        for write in evidence.writes("latest"):
            if _ends(write, release) and write.at < began - _OLD_READ:
                yield f"{release.release_id} was promoted by {change.who}, but its write was gone before ({write.who})"
                break


def check_written(evidence: Evidence) -> Iterator[str]:
    """No run that begins after a deployment was rolled back makes its version current: its stack is gone.

    What a run that began before has read may be as old as that. A person may release a version whose stack is gone.
    """
    writes = evidence.writes("latest")
    for write in evidence.writes("current"):
        release = evidence.releases.get(write.note.removeprefix(PROMOTED))
        if release is None or release.basis not in (Basis.CANARY, Basis.FIRST):
            continue
        asked = [
            one for one in writes if (one.modified, one.version) == (release.write.modified, release.write.version)
        ]
        gone = evidence.journal.gone.get(release.target.tag)
        by_deployment = bool(asked) and original_of(evidence, asked[0]).who.startswith("deploy")
        if gone is not None and by_deployment and gone + _OLD_READ < evidence.journal.began[write.who]:
            yield f"{write.who} made {release.target.tag} current, whose deployment had been rolled back"


def _ends(write: PointerWrite, release: Release) -> bool:
    """Whether a write of latest takes a release back, or is a newer one."""
    if (write.modified, write.version) <= (release.write.modified, release.write.version):
        return False
    withdrawn = write.who.startswith("deploy") and write.note == f"{WITHDREW}{release.release_id}"
    return withdrawn or is_release(write) or is_by_person(write)

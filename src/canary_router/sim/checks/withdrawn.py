"""Nothing becomes current whose write of ``latest`` was taken back before whoever decided began to look."""

from collections.abc import Iterator

from canary_router.core.model import Release
from canary_router.sim.evidence import BLANKED, Evidence, is_by_person, is_release
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


def _ends(write: PointerWrite, release: Release) -> bool:
    """Whether a write of latest takes a release back, or is a newer one."""
    if (write.modified, write.version) <= (release.write.modified, release.write.version):
        return False
    withdrawn = write.who.startswith("deploy") and write.note == f"{BLANKED}{release.release_id}"
    return withdrawn or is_release(write) or is_by_person(write)

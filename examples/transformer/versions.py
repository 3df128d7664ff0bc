"""The versions of the sample, told apart by their tags.

``job/`` is ``v1.0.0``. A folder of ``versions/`` holds only the files that its tag changed; the code of a tag is
``job/`` with every folder up to that tag laid over it, in the order of semantic versioning.

Any semantic version can be deployed: a tag without a folder of its own has the code of the newest version below it,
as when a release changes nothing but its number.
"""

import re
import shutil
from pathlib import Path

HERE = Path(__file__).parent
FIRST = "v1.0.0"
PACKAGE = "transformer"
SEMVER = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?")

Precedence = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]


def precedence(tag: str) -> Precedence:
    """What tags are compared by, as semver.org's section 11 orders them.

    Raises:
        ValueError: The tag is not a semantic version.
    """
    match = SEMVER.fullmatch(tag)
    if match is None:
        raise ValueError(f"{tag!r} is not a semantic version such as v1.2.0")
    major, minor, patch, label = match.groups()
    # A release is above its own candidates; in a label, numbers are below words.
    words = tuple((not w.isdigit(), int(w) if w.isdigit() else 0, w) for w in label.split(".")) if label else ()
    return int(major), int(minor), int(patch), label is None, words


def known() -> list[str]:
    """The tags whose code differs, oldest first."""
    changed = (folder.name for folder in (HERE / "versions").iterdir() if SEMVER.fullmatch(folder.name))
    return [FIRST, *sorted(changed, key=precedence)]


def code_of(tag: str) -> str:
    """The known tag whose code the given one has: itself, or the newest below it.

    Raises:
        ValueError: The tag is not a semantic version, or comes before the first.
    """
    wanted = precedence(tag)
    older = [version for version in known() if precedence(version) <= wanted]
    if not older:
        raise ValueError(f"{tag} comes before the first version, {FIRST}")
    return older[-1]


def source_for(tag: str, destination: Path) -> Path:
    """Writes the source tree of a version, ready to be imported from there.

    Args:
        tag: A semantic version, known or not.
        destination: A folder, made when it is missing; it will hold the package ``transformer``.

    Returns:
        The folder of the version's job: the functions' code and ``state_machine.asl.json``.

    Raises:
        ValueError: The tag is not a semantic version, or comes before the first.
    """
    wanted = precedence(code_of(tag))
    job = destination / PACKAGE / "job"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(HERE / "job", job, ignore=ignore, dirs_exist_ok=True)
    shutil.copy(HERE / "__init__.py", job.parent)
    for version in known():
        if version != FIRST and precedence(version) <= wanted:
            shutil.copytree(HERE / "versions" / version, job, ignore=ignore, dirs_exist_ok=True)
    return job

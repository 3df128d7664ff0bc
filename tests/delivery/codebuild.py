"""Runs a buildspec by CodeBuild's rules, in a folder with a checkout.

- A command that fails ends the commands of its phase; the phase's ``finally`` block is run all the same.
- A failed ``install`` or ``pre_build`` ends the build. After a failed ``build`` there still is ``post_build``, which
  finds ``CODEBUILD_BUILD_SUCCEEDING=0``. ``on-failure`` says otherwise: ABORT ends the build, CONTINUE goes on.
- A build of which one phase has failed has failed.
- Artifacts are collected once ``post_build`` was come to, also of a failed build; a path that nothing matches fails it.
- Of version 0.2 all commands share one shell, of version 0.1 each has its own, beginning in the checkout.
- Exported variables have the values that the environment has after ``post_build``.

See "Build phase transitions" and "Environment variables in build environments" in CodeBuild's user guide. Where it is
silent: ``CODEBUILD_BUILD_SUCCEEDING`` changes at the end of a phase, and after ``exit`` in a command the following ones
have the exported variables and the folder, but not what only the shell knew.
"""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from tests.delivery.buildspec import PHASES, Artifacts, Buildspec, Phase
from tests.delivery.shell import Shell

SECONDS = 120.0
SUCCEEDED, FAILED = "SUCCEEDED", "FAILED"
_ENDS_THE_BUILD = ("install", "pre_build")


@dataclass(frozen=True)
class Build:
    """How a build has ended.

    Attributes:
        phases: State of each phase that was come to, ``UPLOAD_ARTIFACTS`` included.
        exported: The exported variables.
        artifacts: Folder with the artifacts; None when there are none.
        log: All that was printed.
    """

    phases: Mapping[str, str]
    exported: Mapping[str, str]
    artifacts: Path | None
    log: str
    environment: Mapping[str, str] = field(repr=False)

    @property
    def succeeded(self) -> bool:
        return FAILED not in self.phases.values()


def run(
    buildspec: Buildspec, checkout: Path, work: Path, variables: Mapping[str, str], seconds: float = SECONDS
) -> Build:
    """Runs a build.

    Args:
        buildspec: What to do.
        checkout: The source; commands begin there.
        work: A folder that is made, for what the runner writes.
        variables: The whole environment: the project's variables come before those of the buildspec.
        seconds: The project's time limit.
    """
    work.mkdir()
    environment = {
        **buildspec.variables,
        "CODEBUILD_CI": "true",
        **variables,
        "CODEBUILD_SRC_DIR": str(checkout),
        "PWD": str(checkout),
    }
    return _Run(buildspec, checkout, work, environment, time.monotonic() + seconds).build()


class _Run:
    def __init__(
        self, buildspec: Buildspec, checkout: Path, work: Path, environment: Mapping[str, str], deadline: float
    ) -> None:
        self._buildspec = buildspec
        self._checkout = checkout
        self._work = work
        self._environment = environment
        self._deadline = deadline
        self._phases: dict[str, str] = {}
        self._log = work / "log"
        self._log.touch()
        self._shells = 0

    def build(self) -> Build:
        shared = self._shell()
        with shared:
            uploads = self._run_phases(shared)
            after = shared.exported() if self._buildspec.one_shell else dict(self._environment)
        artifacts = None
        if uploads and self._buildspec.artifacts is not None:
            artifacts = self._uploaded(self._buildspec.artifacts)
        exported = {name: after[name] for name in self._buildspec.exported if name in after}
        return Build(self._phases, exported, artifacts, self._log.read_text(errors="replace"), after)

    def _run_phases(self, shared: Shell) -> bool:
        """Runs the phases; whether artifacts are to be collected."""
        for name in PHASES:
            phase = self._buildspec.phases.get(name)
            if phase is None:
                continue
            self._phases[name] = SUCCEEDED if self._run_phase(phase, shared) else FAILED
            if self._phases[name] == FAILED and (
                phase.on_failure == "ABORT" or (not phase.on_failure and name in _ENDS_THE_BUILD)
            ):
                return False
        return True

    def _run_phase(self, phase: Phase, shared: Shell) -> bool:
        succeeding = "0" if FAILED in self._phases.values() else "1"

        def works(command: str) -> bool:
            if self._buildspec.one_shell:
                return shared.run(command, self._deadline, CODEBUILD_BUILD_SUCCEEDING=succeeding) == 0
            with self._shell() as own:
                return own.run(command, self._deadline, CODEBUILD_BUILD_SUCCEEDING=succeeding) == 0

        # all() stops at the first that fails.
        done = all(works(command) for command in phase.commands)
        return all(works(command) for command in phase.at_last) and done

    def _shell(self) -> Shell:
        self._shells += 1
        state = self._work / f"shell-{self._shells}"
        state.mkdir()
        return Shell(self._buildspec.shell, state, self._log, self._checkout, self._environment)

    def _uploaded(self, artifacts: Artifacts) -> Path | None:
        folder = self._work / "artifacts"
        self._phases["UPLOAD_ARTIFACTS"] = SUCCEEDED if collect(artifacts, self._checkout, folder) else FAILED
        return folder if folder.exists() else None


def collect(artifacts: Artifacts, checkout: Path, folder: Path) -> bool:
    """Copies what the artifacts' paths match; False when one of them matches nothing, or two files have one name."""
    base = checkout / artifacts.base
    found: dict[Path, Path] = {}
    complete = True
    for pattern in artifacts.files:
        files = [path for path in sorted(base.glob(pattern)) if path.is_file()]
        complete &= bool(files)
        for path in files:
            relative = path.relative_to(base)
            if any(_excluded(relative, excluded) for excluded in artifacts.excluded):
                continue
            place = Path(path.name) if artifacts.flat else relative
            complete &= found.setdefault(place, path) == path
    if found:
        for place, path in found.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, folder / place)
    return complete


def _excluded(path: Path, pattern: str) -> bool:
    # fnmatch's star takes slashes too; "**/" may also stand for nothing.
    parts, text = pattern.removeprefix("**/"), path.as_posix()
    return fnmatchcase(text, pattern) or (parts != pattern and fnmatchcase(text, parts))

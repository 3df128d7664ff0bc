"""A home directory with a router in it, used as a person uses it: by the installed command."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canary_router import settings

ROOT = Path(__file__).parents[3]
PROGRAM = str(Path(sys.executable).parent / "canary-router")
OK, NO, USAGE = 0, 1, 2


@dataclass(frozen=True)
class Machine:
    """A home directory of its own, and nothing of AWS in the environment."""

    home: Path

    @property
    def env(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        # A browser that would need this terminal is none that the dashboard starts.
        quiet = {"AWS_EC2_METADATA_DISABLED": "true", "BROWSER": "true"}
        return ours | quiet | {settings.ENV_HOME: str(self.home)}

    def run(self, *arguments: str, given: str = "", log: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Runs a command. With a log, what it says besides its answer stands there while it runs."""
        with contextlib.nullcontext(subprocess.PIPE) if log is None else log.open("w") as errors:
            return subprocess.run(
                [PROGRAM, *arguments], env=self.env, input=given, stdout=subprocess.PIPE, stderr=errors, text=True,
                check=False, timeout=300,
            )  # fmt: skip

    def json(self, *arguments: str, code: int = OK, given: str = "") -> dict[str, Any]:
        done = self.run("--output", "json", *arguments, given=given)
        assert done.returncode == code, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [PROGRAM, *arguments], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip

    def is_clean(self) -> bool:
        left = list(self.home.iterdir()) if self.home.exists() else []
        return left == [] and not any(str(self.home) in arguments for arguments in _processes())


def _processes() -> Iterator[str]:
    """The arguments of every process of this machine."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            yield file.read_bytes().decode(errors="replace")

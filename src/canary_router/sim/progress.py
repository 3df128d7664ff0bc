"""How far a long run is, on stderr: one line that is written over on a terminal, a line now and then elsewhere."""

import time
from typing import TextIO

from canary_router.sim.figures import Figures

_EVERY = 2_000
"""Schedules after which a log gets a line."""


class Progress:
    """Says how many schedules are done, and how many of them violate something."""

    def __init__(self, out: TextIO, schedules: int) -> None:
        """Args: where to, and how many schedules there are to run."""
        self._out = out
        self._schedules = schedules
        self._began = time.monotonic()
        self._is_terminal = out.isatty()
        self._said = 0

    def show(self, so_far: Figures) -> None:
        """Takes note of what has been run so far."""
        line = (
            f"{so_far.schedules:,} of {self._schedules:,} schedules, "
            f"{len(so_far.found):,} with violations, {time.monotonic() - self._began:.0f} s"
        )
        if self._is_terminal:
            self._out.write(f"\r{line}\x1b[K")
        elif so_far.schedules - self._said >= _EVERY:
            self._said = so_far.schedules
            self._out.write(f"{line}\n")
        self._out.flush()

    def end(self, total: Figures) -> None:
        """Says how long all of it has taken."""
        before = "\r\x1b[K" if self._is_terminal else ""
        self._out.write(f"{before}{total.schedules:,} schedules in {time.monotonic() - self._began:.0f} s\n")
        self._out.flush()

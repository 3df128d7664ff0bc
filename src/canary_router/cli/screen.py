"""Shows a release that is being watched: redrawn in place on a terminal, a line for each change anywhere else."""

import time
from types import TracebackType
from typing import Self

from rich.live import Live

from canary_router.cli import render
from canary_router.cli.following import Sight
from canary_router.cli.invocation import Invocation, console


class WatchScreen:
    """Context manager around a watch."""

    def __init__(self, call: Invocation, environment: str) -> None:
        """Draws on stdout, or on stderr when stdout is to hold a JSON document."""
        self._environment = environment
        self._console = console(stderr=call.is_json)
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._last_line = ""

    def __enter__(self) -> Self:
        """Starts drawing."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the last drawing where it is."""
        if self._live is not None:
            self._live.stop()

    def show(self, sight: Sight, now: int) -> None:
        """Draws what one look shows; ``now`` in epoch milliseconds."""
        if self._live is not None:
            self._live.update(render.sight_panel(self._environment, sight, now), refresh=True)
            return
        line = sight_line(sight)
        if line != self._last_line:
            self._last_line = line
            print(f"{time.strftime('%H:%M:%S')}  {line}", file=self._console.file, flush=True)


def sight_line(sight: Sight) -> str:
    """One look in one line."""
    release = sight.release
    if release is None:
        return "latest was written; the router has not looked at it yet"
    parts = [release.target.tag, release.state.value, render.progress_line(release), release.reason]
    return "  ".join(part for part in (*parts, *sight.view.pointers.problems) if part)

"""Shows the demo: one picture, redrawn in place, on a terminal; lines anywhere else."""

import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Self

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from canary_router.cli import dashboard, render
from canary_router.cli.desk import aws_desk
from canary_router.cli.invocation import Invocation, console
from canary_router.cli.trouble import NO
from canary_router.core.model import Basis
from canary_router.local import demo
from canary_router.local.demo import Observed, Scene, Screen, Sent, Wishes
from canary_router.local.deployment import ENVIRONMENT

if TYPE_CHECKING:
    import boto3

_COLOURS = ("cyan", "green", "magenta", "blue")
_BAR_CELLS = 36
_HAPPENINGS = 8
_SECONDS_BETWEEN_LINES = 2.0


def show_demo(call: Invocation, wishes: Wishes, *, with_dashboard: bool = False) -> None:
    """Runs the demo before the user's eyes; exits with 1 when it did not show what it claims."""
    terminal = console(stderr=call.is_json)
    screen = Picture(terminal) if terminal.is_terminal else Lines(terminal)
    with screen:
        beside = partial(_dashboard, terminal, screen) if with_dashboard else demo.nothing_beside
        observed = demo.run(screen, wishes, beside)
    checks = observed.checks()
    terminal.print(summary(observed, checks))
    if wishes.keep:
        terminal.print("It goes on running: canary-router status, send transformer, local deploy v1.2.1, local down")
    if call.is_json:
        call.print_json(observed.document())
    if not all(held for _, held in checks):
        raise typer.Exit(NO)


@contextmanager
def _dashboard(terminal: Console, screen: Screen, session: "boto3.Session") -> Iterator[None]:
    """Serves the dashboard while the demo plays; who sits at a terminal keeps it until they have seen enough."""
    with dashboard.beside(aws_desk(ENVIRONMENT, session)) as address:
        terminal.print(Text(f"The dashboard: {address}"), soft_wrap=True)  # an address must not be folded
        yield
        if terminal.is_terminal and sys.stdin.isatty():
            screen.step("That was all. The dashboard stays until you press Ctrl-C")
            with suppress(KeyboardInterrupt):
                threading.Event().wait()


class Lines:
    """A line for each thing that happens, for logs and pipes."""

    def __init__(self, terminal: Console) -> None:
        """Writes where the console writes."""
        self._file = terminal.file
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._next_count = 0.0

    def __enter__(self) -> Self:
        """Nothing to prepare."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def step(self, line: str) -> None:
        """Something that takes a while begins."""
        self._write(f"» {line}")

    def happened(self, line: str) -> None:
        """Something was observed."""
        self._write(f"  {line}")

    def draw(self, scene: Scene) -> None:
        """Counts, every few seconds."""
        if scene.seconds < self._next_count:
            return
        self._next_count = scene.seconds + _SECONDS_BETWEEN_LINES
        took = ", ".join(f"{count} on {version}" for version, count in _per_version(scene.sent).items())
        failed = sum(1 for it in scene.sent if it.error)
        self._write(f"    {len(scene.sent)} requests: {took or 'none yet'}, {failed} failed")

    def _write(self, line: str) -> None:
        with self._lock:
            print(f"{time.monotonic() - self._began:6.1f} s {line}", file=self._file, flush=True)


class Picture:
    """Pointers, the release's gauge, the jobs, and what happened, redrawn in place."""

    def __init__(self, terminal: Console) -> None:
        """Draws on the console."""
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._spinner = Spinner("dots", "Starting")
        self._happened: deque[tuple[float, str]] = deque(maxlen=_HAPPENINGS)
        self._scene: Scene | None = None
        self._live = Live(console=terminal, refresh_per_second=8, get_renderable=self._picture, transient=True)

    def __enter__(self) -> Self:
        """Begins to draw."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Takes the picture away: the summary follows."""
        self._live.stop()

    def step(self, line: str) -> None:
        """Something that takes a while begins."""
        with self._lock:
            self._spinner = Spinner("dots", Text(line, "bold"))
        self.happened(line)

    def happened(self, line: str) -> None:
        """Something was observed."""
        with self._lock:
            self._happened.append((time.monotonic() - self._began, line))

    def draw(self, scene: Scene) -> None:
        """The picture follows at its own pace."""
        with self._lock:
            self._scene = scene

    def _picture(self) -> RenderableType:
        with self._lock:
            scene, spinner, happened = self._scene, self._spinner, list(self._happened)
        clock = Text(f"{time.monotonic() - self._began:5.1f} s", "dim")
        head = Table.grid(expand=True)
        head.add_column()
        head.add_column(justify="right")
        head.add_row(spinner, clock)
        parts: list[RenderableType] = [head]
        if scene is not None:
            parts += [Text(), _pointers(scene), Text(), *_release(scene), Text(), _jobs(scene.sent)]
        lines = (Text.assemble((f"{at:6.1f} s  ", "dim"), line) for at, line in happened)
        parts += [Text(), *(Text.assemble(line, no_wrap=True, overflow="ellipsis") for line in lines)]
        return Panel(Group(*parts), title="Canary Router", border_style="dim", padding=(0, 1))


def summary(observed: Observed, checks: list[tuple[str, bool]]) -> RenderableType:
    """How it ended."""
    releases = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("release", "state", "admitted", "succeeded", "failed", "because"):
        releases.add_column(column)
    for it in observed.releases:
        counts = [str(it.admitted), str(it.succeeded), str(it.failures)]
        releases.add_row(it.target.tag, render.state_text(it), *counts, it.reason)
    claims = [
        Text.assemble(("✓ ", "green") if held else ("✗ ", "bold red"), claim if held else (claim, "red"))
        for claim, held in checks
    ]
    took = ", ".join(f"{count} on {version}" for version, count in _per_version(observed.sent).items())
    requests = Text(f"{len(observed.sent)} requests in {observed.seconds:.0f} s: {took}")
    return Group(Text(), releases, Text(), requests, Text(), *claims)


def _pointers(scene: Scene) -> RenderableType:
    latest = (scene.latest, "dim") if scene.latest == "none" else (scene.latest, f"bold {_colour(scene, scene.latest)}")
    return Text.assemble(
        ("current  ", "dim"),
        (scene.current, f"bold {_colour(scene, scene.current)}"),
        ("      latest  ", "dim"),
        latest,
    )


def _release(scene: Scene) -> list[RenderableType]:
    release = scene.release
    if release is None or release.basis is not Basis.CANARY:
        return [Text("no release is being judged", "dim"), Text()]
    state = Text.assemble(release.target.tag, "  ", render.state_text(release), f"  {release.reason}")
    return [state, Text.assemble(render.gauge(release), f"  {render.progress_line(release)}")]


def _jobs(sent: tuple[Sent, ...]) -> RenderableType:
    counts = _per_version(sent)
    most = max(counts.values(), default=1)
    grid = Table.grid(padding=(0, 2))
    for (version, count), colour in zip(counts.items(), _COLOURS, strict=False):
        grid.add_row(version, Text("█" * max(1, round(_BAR_CELLS * count / most)), colour), str(count))
    failed = sum(1 for it in sent if it.error)
    total = Text.assemble(f"{len(sent)} requests, ", (f"{failed} failed", "bold red" if failed else ""))
    colours = dict(zip(counts, _COLOURS, strict=False))
    last = Text("last ", "dim")
    for it in sent[-_BAR_CELLS:]:
        if it.error:
            last.append("✗", "bold red")
        else:
            last.append("▲" if it.is_canary else "·", colours.get(it.version, ""))
    return Group(total, grid, last, Text("     · current   ▲ canary", "dim"))


def _colour(scene: Scene, version: str) -> str:
    colours = dict(zip(_per_version(scene.sent), _COLOURS, strict=False))
    return colours.get(version, "white")


def _per_version(sent: tuple[Sent, ...]) -> dict[str, int]:
    """How many jobs each version took, in the order of their first ones."""
    return dict(Counter(it.version for it in sent if not it.error))

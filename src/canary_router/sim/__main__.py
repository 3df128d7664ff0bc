"""``python -m canary_router.sim``: many schedules and their figures, or one seed and its story."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TextIO

from canary_router.sim.figures import Figures
from canary_router.sim.mutants.table import NOT_CAUGHT, generated
from canary_router.sim.plans.seeds import plan_for
from canary_router.sim.progress import Progress
from canary_router.sim.run import run
from canary_router.sim.shrink import shrunk
from canary_router.sim.story import story

_BATCH = 100
_SHRINK = (
    "seconds to look for a shorter schedule that fails as well (default 30); how short depends on the machine's speed. "
    "0 replays the seed exactly as it was"
)


def batch(first: int, count: int) -> Figures:
    """Runs the seeds from ``first`` on."""
    figures = Figures()
    for seed in range(first, first + count):
        began = time.process_time()
        outcome = run(plan_for(seed))
        figures.add(outcome, time.process_time() - began)
    return figures


def simulate(
    first: int, schedules: int, workers: int, show: Callable[[Figures], None] = lambda _so_far: None
) -> Figures:
    """Runs many seeds, in several processes if asked for.

    Args:
        first: The first seed.
        schedules: How many.
        workers: Processes; 1 runs here.
        show: Is told now and then how far it is.
    """
    starts = range(first, first + schedules, _BATCH)
    sizes = [min(_BATCH, first + schedules - start) for start in starts]
    total = Figures()
    for part in _parts(starts, sizes, workers):
        total.merge(part)
        show(total)
    return total


def _parts(starts: range, sizes: list[int], workers: int) -> Iterator[Figures]:
    if workers == 1:
        yield from map(batch, starts, sizes)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(batch, starts, sizes)


def explain(seed: int, shrink_seconds: float, out: TextIO) -> bool:
    """Replays a seed, tells its story, and says whether all held. A violation is shrunk first."""
    outcome = run(plan_for(seed))
    if outcome.violations and shrink_seconds:
        outcome = shrunk(outcome, shrink_seconds)
    out.write(story(run(outcome.plan, story=True)) + "\n")
    return not outcome.violations


def main(given: Sequence[str] | None = None) -> int:
    """Reads the command line. The exit code is 1 when something did not hold, 2 for a malformed command line."""
    parser = argparse.ArgumentParser(prog="python -m canary_router.sim", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this one and tell its story")
    parser.add_argument("--schedules", type=int, default=2_000, help="how many seeds to run (default 2000)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default 1)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--mutants", action="store_true", help="print the table of mutants, as a page of documentation")
    parser.add_argument("--shrink", type=float, default=30.0, help=_SHRINK)
    arguments = parser.parse_args(given)
    if arguments.mutants:
        page = generated()
        sys.stdout.write(page)
        return 1 if NOT_CAUGHT in page else 0
    if arguments.seed is not None:
        return 0 if explain(arguments.seed, arguments.shrink, sys.stdout) else 1
    progress = Progress(sys.stderr, arguments.schedules)
    figures = simulate(arguments.first, arguments.schedules, arguments.workers, progress.show)
    progress.end(figures)
    sys.stdout.write((figures.json() if arguments.json else figures.table()) + "\n")
    if not figures.found:
        return 0
    for seed, check, what in figures.found[:10]:
        sys.stderr.write(f"seed {seed} violates {check}: {what}\n")
    # Not among the figures: whoever asked for JSON reads one document on stdout.
    explain(figures.found[0][0], arguments.shrink, sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

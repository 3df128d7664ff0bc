"""The table of mutants, as the documentation shows it: what is broken, which check notices, after how many seeds."""

import re
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from canary_router.sim.mutants.answers import ANSWERS
from canary_router.sim.mutants.gates import GATES
from canary_router.sim.mutants.orders import ORDERS
from canary_router.sim.mutants.protocol import MUTANTS, Mutant, seeds_needed
from canary_router.sim.mutants.starts import STARTS
from canary_router.sim.mutants.verdicts import VERDICTS

EVERY = (*MUTANTS, *STARTS, *ANSWERS, *ORDERS, *VERDICTS, *GATES)

AT_MOST = 6_000
NOT_CAUGHT = "not caught"
_ROW = re.compile(r"\| (?P<name>[^|]+) \| (?P<check>[^|]+) \| (?P<seed>\d+) \|")
_HEAD = """# Mutants

Each row breaks the protocol in one place, on purpose (`src/canary_router/sim/mutants`). The check is the one that
has to notice, and the number says how many seeds it took, counted from seed 1. Written by `make mutants`; the test
suite replays the seed of every row, and looks for another one where the program has changed since.

| what is broken | caught by | seeds needed |
|---|---|---|
"""
_FOOT = """
A guard that stands alone in this table is needed. These do not, and say so:

- That whoever blanks latest, or puts a value back, looks at once whether that hides a write is not needed for safety,
  only for speed: the next pass of reconciliation finds it. The row above takes both away.
- Nor is it needed to look behind a value before it is blanked. But then its release is judged first, for hours perhaps.
- That a hidden write whose release was decided does not come back saves a second judgement of it, and guards nothing.
- Of the two clauses that keep an old release from being opened, "newer than any write seen" and "no other release came
  between", either one alone stops nearly every schedule. The row above takes both away.
- That a rescue's attempt asks for one that is not settled matters once a rescue was given up, after a day. No schedule
  is that long.
- Letting a rescue go asks for one that is not settled, and adopting a `current` that was written by hand for one that
  nobody has adopted. Both hold in every schedule: the one comes after a look that finds no execution, the other under
  the lease. They keep the record whole where something breaks what it is taken to do: a clock that is wrong by more
  than ten seconds opens the lease, and an execution may show later than Step Functions is known to show it.
- Giving a lease back asks for one's own. Whoever closes a release gives it back in that very write, so what comes after
  is rare and late; none of 10,000 schedules let it hit another run's lease.
- That a router looks whether a release has room, before it asks for a place, saves a write and guards nothing.
- That places are granted by the very counts that were judged guards nothing: older counts only give fewer places.
"""


def table(rows: Iterable[tuple[Mutant, int | None]]) -> str:
    """The page: one row for each mutant and the seeds it took; None means that none of them caught it."""
    lines = [f"| {mutant.name} | {mutant.check} | {seed or NOT_CAUGHT} |" for mutant, seed in rows]
    return _HEAD + "\n".join(lines) + "\n" + _FOOT


def generated(workers: int = 2) -> str:
    """The page, made anew by so many processes. This takes some minutes."""
    with ProcessPoolExecutor(workers) as pool:
        seeds = list(pool.map(_seeds_of, range(len(EVERY))))
    return table(zip(EVERY, seeds, strict=True))


def _seeds_of(place: int) -> int | None:
    """By its place, since a mutant cannot be sent to another process."""
    return seeds_needed(EVERY[place], AT_MOST)


def rows_of(page: str) -> dict[tuple[str, str], int]:
    """The seeds that a page names, by mutant and check."""
    return {(match["name"], match["check"]): int(match["seed"]) for match in _ROW.finditer(page)}

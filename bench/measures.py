"""Takes measures that may be compared: everything takes turns, so a slow moment of the machine hits all alike."""

import contextlib
import io
import multiprocessing
import statistics
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

Work = Callable[[], object]


class Series:
    """Wall and processor time of many calls of one thing, in microseconds."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def take(self, work: Work, seconds: float, at_most: int) -> None:
        """Repeats the work for so long, once at least."""
        count, until = 0, time.perf_counter() + seconds
        began = time.process_time()
        while count < at_most and (count == 0 or time.perf_counter() < until):
            started = time.perf_counter()
            work()
            self.wall.append((time.perf_counter() - started) * 1e6)
            count += 1
        self.cpu.append((time.process_time() - began) / count * 1e6)

    def summary(self) -> dict[str, Any]:
        """Medians, 99th percentile, and how many calls they are of."""
        ordered = sorted(self.wall)
        return {
            "wall_us": round(statistics.median(ordered), 1),
            "p99_us": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1),
            "cpu_us": round(statistics.median(self.cpu), 1),
            "calls": len(ordered),
        }


def interleaved(works: Mapping[str, Work], rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Measures each work for so many seconds in each round, warmed up."""
    series = {name: Series() for name in works}
    for work in works.values():
        for _ in range(3):
            work()
    for number in range(rounds):
        for name, work in works.items():
            series[name].take(work, seconds, 2_000)
        print(f"\r  round {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {name: each.summary() for name, each in series.items()}


def throughput(works: Mapping[str, Work], threads: int, seconds: float, rounds: int) -> dict[str, float]:
    """Calls a second of one process with so many threads: the median of the rounds."""
    rates: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            rates[name].append(_rate(work, threads, seconds))
    return {name: round(statistics.median(each), 1) for name, each in rates.items()}


def _rate(work: Work, threads: int, seconds: float) -> float:
    counts = [0] * threads
    until = time.perf_counter() + seconds

    def run(index: int) -> None:
        while time.perf_counter() < until:
            work()
            counts[index] += 1

    runners = [threading.Thread(target=run, args=(index,)) for index in range(threads)]
    began = time.perf_counter()
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    return sum(counts) / (time.perf_counter() - began)


def by_processes(
    makes: Mapping[str, Callable[[], Work]], processes: int, seconds: float, rounds: int
) -> dict[str, float]:
    """Calls a second of so many processes with one thread each, as Lambda runs them: the median of the rounds."""
    rates: dict[str, list[float]] = {name: [] for name in makes}
    for _ in range(rounds):
        for name, make in makes.items():
            rates[name].append(_rate_of_processes(make, processes, seconds))
    return {name: round(statistics.median(each), 1) for name, each in rates.items()}


def _rate_of_processes(make: Callable[[], Work], processes: int, seconds: float) -> float:
    context = multiprocessing.get_context("fork")
    ready, counted = context.Barrier(processes), context.SimpleQueue()

    def run() -> None:
        work = make()
        for _ in range(3):
            work()
        ready.wait(120)
        began = time.perf_counter()
        count = 0
        while time.perf_counter() - began < seconds:
            work()
            count += 1
        counted.put(count / (time.perf_counter() - began))

    runners = [context.Process(target=run) for _ in range(processes)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    if any(runner.exitcode for runner in runners):
        raise RuntimeError("a process that makes load has failed")
    return float(sum(counted.get() for _ in runners))


@contextlib.contextmanager
def quiet() -> Any:
    """The handlers' metrics go to a log that forgets them, as Lambda's is not part of the measure."""
    with contextlib.redirect_stdout(Sink()):
        yield


class Sink(io.TextIOBase):
    """Takes lines, and keeps none."""

    def write(self, text: str) -> int:
        """Forgets the text."""
        return len(text)

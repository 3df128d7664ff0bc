"""Virtual time and the tasks that live in it. One thread: a task runs until it waits, and waits nowhere but here."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias
from zlib import crc32

from greenlet import greenlet

Work: TypeAlias = Callable[[], object]
START = 1_700_000_000_000.0
"""Where virtual time begins, milliseconds since the epoch."""


class Killed(BaseException):
    """The process that ran this task is gone. No code of the program may catch it, as none could in reality."""


@dataclass
class Task:
    """One process at work: a request, a run of the controller, a deployment, a person.

    Attributes:
        chance: Its own stream of random numbers, so that leaving one task out changes no other.
        skew: How far its clock is wrong, in milliseconds.
        deadline: When its function is ended, whatever it does; None for one without a limit.
        faults: What went wrong at its calls, as (fault, port).
        calls: How many calls of ports it has made.
    """

    name: str
    chance: random.Random
    skew: float = 0.0
    deadline: float | None = None
    faults: list[tuple[str, str]] = field(default_factory=list)
    calls: int = 0
    killed: bool = False


class Scheduler:
    """Runs tasks in the order of virtual time.

    Times are fractions of milliseconds drawn from the seed, so two events hardly ever meet; where they do, the one
    that was planned first goes first. That makes a run a function of its seed.
    """

    def __init__(self, seed: int) -> None:
        """Nothing is planned yet."""
        self.seed = seed
        self.now = START
        self.events = 0
        self._heap: list[tuple[float, int, greenlet | Work]] = []
        self._tie = count()
        self._hub = greenlet.getcurrent()
        self._running: Task | None = None
        self._tasks: dict[greenlet, Task] = {}

    @property
    def running(self) -> Task:
        """The task that runs now."""
        if self._running is None:
            raise RuntimeError("only a task may do this")
        return self._running

    @property
    def seconds(self) -> float:
        """Virtual seconds since the beginning."""
        return (self.now - START) / 1000

    @property
    def alive(self) -> int:
        """How many tasks have not ended."""
        return len(self._tasks)

    def chance(self, name: str) -> random.Random:
        """A stream of random numbers for a name, the same in every run of the seed."""
        return random.Random(self.seed << 32 | crc32(name.encode()))

    def at(self, when: float, work: Work) -> None:
        """Plans an effect that no task waits for. It must not wait itself."""
        heapq.heappush(self._heap, (max(when, self.now), next(self._tie), work))

    def spawn(self, task: Task, work: Work, when: float | None = None) -> Task:
        """Plans a task."""

        def body() -> None:
            self._running = task
            try:
                work()
            except Killed:
                task.killed = True
            finally:
                del self._tasks[light]

        light = greenlet(body, self._hub)
        self._tasks[light] = task
        heapq.heappush(self._heap, (max(when or self.now, self.now), next(self._tie), light))
        return task

    def pause(self, milliseconds: float) -> None:
        """The running task waits; others run.

        Raises:
            Killed: Its function's time was over first.
        """
        task = self.running
        until = self.now + milliseconds
        over = task.deadline is not None and until >= task.deadline
        if over and task.deadline is not None:
            until = max(task.deadline, self.now)
        heap = self._heap
        if not heap or heap[0][0] > until:
            self.now = until
        else:
            heapq.heappush(heap, (until, next(self._tie), greenlet.getcurrent()))
            self._hub.switch()
            self._running = task
        if over:
            raise Killed

    def run(self, until: float | None = None) -> None:
        """Runs all that is planned, or all that is planned up to a moment."""
        heap = self._heap
        while heap and (until is None or heap[0][0] <= until):
            when, _, work = heapq.heappop(heap)
            self.now = max(self.now, when)
            self.events += 1
            if isinstance(work, greenlet):
                work.switch()
                self._running = None
            else:
                work()
        if until is not None:
            self.now = max(self.now, until)

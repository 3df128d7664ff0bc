"""Jobs sent steadily, as front-ends do: several threads, a bounded rate, every answer remembered, none sent twice."""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from canary_router.client import Transform
from canary_router.core.model import Route
from canary_router.errors import CanaryRouterError

THREADS = 4


@dataclass(frozen=True)
class Sent:
    """One request and what came of it.

    Attributes:
        number: Counts the requests.
        at: When it was sent, epoch milliseconds.
        version: The version that took it; empty for a failed one.
        route: The pointer that it went by; None for a failed one.
        transform_id: The job's id; empty for a failed one.
        error: Why it failed; empty when it did not.
    """

    number: int
    at: int
    version: str = ""
    route: Route | None = None
    transform_id: str = ""
    error: str = ""

    @property
    def is_canary(self) -> bool:
        """Whether the version that is being tried out took it."""
        return self.route is Route.LATEST


class Load:
    """A context manager: sends while its block runs.

    Args:
        submit: Sends the job of this number, once.
        rate: Jobs per second, all threads together.
    """

    def __init__(self, submit: Callable[[int], Transform], rate: float) -> None:
        self._submit = submit
        self._period = THREADS / rate
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._sent: list[Sent] = []
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._send_steadily, args=(index / rate,), name=f"front-end-{index}", daemon=True)
            for index in range(THREADS)
        ]

    def __enter__(self) -> Self:
        """Begins to send."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops, and waits for the answers that are still to come."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def sent(self) -> list[Sent]:
        """Every request that was answered, or failed, in the order of the answers."""
        with self._lock:
            return list(self._sent)

    def _send_steadily(self, offset: float) -> None:
        due = time.monotonic() + offset
        while not self._over.wait(max(0.0, due - time.monotonic())):
            sent = self._send_one()
            with self._lock:
                self._sent.append(sent)
            # A slow answer delays the next job rather than letting jobs pile up.
            due = max(due + self._period, time.monotonic())

    def _send_one(self) -> Sent:
        with self._lock:
            number = next(self._numbers)
        at = round(time.time() * 1000)
        try:
            transform = self._submit(number)
        except CanaryRouterError as error:
            return Sent(number, at, error=f"{type(error).__name__}: {error}")
        return Sent(number, at, transform.version, transform.route, transform.transform_id)

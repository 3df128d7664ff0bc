"""What happens to the router during the chaos: front-ends that send jobs, and deployments that release versions."""

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import urllib3
from tests.chaos.plan import Order, Plan
from tests.chaos.stage import Stage
from tests.chaos.versions import GOOD

_TRIES = 12
_SLOWLY = 2.0
"""Seconds between the jobs of a front-end once enough were sent, while there are releases to wait for."""
_AT_MOST = 4
"""Times the number that is asked for: then a front-end ends, whatever it waits for."""
_EXTRA = 3


@dataclass(frozen=True)
class Try:
    """One call of a front-end and its answer; status 0 is none. Times are seconds since the epoch."""

    status: int
    document: dict[str, Any]
    sent: float
    answered: float

    @property
    def kind(self) -> str:
        """The kind of problem that the answer tells of; ``dead`` where API Gateway tells of a function that died.

        On AWS that one is a 504 of kind ``start-unknown`` as well; the emulator knows no such answers of its own.
        """
        if self.status == 502 and "Worker process died" in str(self.document.get("message", "")):
            return "dead"
        return str(self.document.get("type", "")).rpartition(":")[2]

    @property
    def is_accepted(self) -> bool:
        return self.status == 202

    @property
    def is_unknown(self) -> bool:
        """Whether it leaves open if the job was started."""
        return self.status in (0, 504) or self.kind == "dead"


@dataclass
class Request:
    """A job that a front-end wants done. One with a key is sent again until it is accepted."""

    name: str
    service: str
    key: bool
    tries: list[Try] = field(default_factory=list)

    @property
    def is_accepted(self) -> bool:
        return self.tries[-1].is_accepted


@dataclass(frozen=True)
class Release:
    """A write of ``latest``."""

    service: str
    tag: str
    version: int


class FrontEnds:
    """Threads that send a number of jobs, and then go on slowly until they are told to stop."""

    def __init__(self, stage: Stage, seed: int, at_least: int, threads: int) -> None:
        self.requests: list[Request] = []
        self._stage = stage
        self._seed = seed
        self._at_least = at_least
        self._numbers = count()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Sends what is left of the number that was asked for, and no more."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, thread: int) -> None:
        draw = random.Random(f"{self._seed}/{thread}")  # noqa: S311 - a test's fate
        http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=40))
        while (number := next(self._numbers)) < _AT_MOST * self._at_least:
            if number >= self._at_least and self._over.wait(_SLOWLY):
                break
            request = Request(f"q{number}", draw.choice(self._stage.services), key=draw.random() < 0.5)
            self.requests.append(request)
            for attempt in range(_TRIES if request.key else 1):
                request.tries.append(self._send(http, request))
                if request.is_accepted:
                    break
                time.sleep(min(5.0, 0.2 * 2**attempt))

    def _send(self, http: urllib3.PoolManager, request: Request) -> Try:
        headers = {"x-api-key": self._stage.key} | ({"Idempotency-Key": request.name} if request.key else {})
        url = f"{self._stage.endpoint}/services/{request.service}/transforms"
        sent = time.time()
        try:
            answer = http.request("POST", url, body=json.dumps({"request": request.name}), headers=headers)
            return Try(answer.status, json.loads(answer.data), sent, time.time())
        except (urllib3.exceptions.HTTPError, ValueError):
            return Try(0, {}, sent, time.time())


class Deployments:
    """One thread for each service: it releases versions, one after the other, some of them at once."""

    def __init__(self, stage: Stage, plan: Plan, is_promised: Callable[[str], bool]) -> None:
        """Takes a question too: whether something is still to happen at a service's next write of ``current``."""
        self.releases: list[Release] = []
        self._stage = stage
        self._is_promised = is_promised
        self._lock = threading.Lock()
        self._orders = plan.orders

    def run(self) -> None:
        """Returns when all is over. What goes wrong in a thread goes wrong here."""
        with ThreadPoolExecutor(len(self._orders)) as pool:
            for done in [pool.submit(self._run, *one) for one in self._orders.items()]:
                done.result()

    def overtake(self, service: str) -> None:
        """Releases one more version, this very moment."""
        self._release(service, GOOD[2], "")

    def _run(self, service: str, orders: Sequence[Order]) -> None:
        for number, order in enumerate(orders):
            # Every second one is typed by a person.
            self._release(service, order.tag, f"order-{number}" if number % 2 else "")
            time.sleep(1.1)  # the next write of latest has a second of its own
            if order.waits or number + 1 == len(orders):
                self._wait_for_the_end(service)
        for extra in range(_EXTRA):
            # A good version that met too much trouble was not promoted, and what was to happen then is still to come.
            if not self._is_promised(service):
                break
            self._release(service, GOOD[1 + extra % 2], f"extra-{extra}")
            self._wait_for_the_end(service)

    def _release(self, service: str, tag: str, order: str) -> None:
        version = self._stage.write_latest(service, tag, order)
        with self._lock:
            self.releases.append(Release(service, tag, version))

    def _wait_for_the_end(self, service: str) -> None:
        """A deadline, a grace time, leases of dead runs: by then everything is over. The check says if not."""
        until = time.monotonic() + 600
        while time.monotonic() < until and not self._stage.is_asleep(service):
            time.sleep(0.3)

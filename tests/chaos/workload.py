"""What happens to the router during the chaos: front-ends that send jobs, and deployments that release versions."""

import json
import random
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import urllib3
from tests.chaos.stage import Stage
from tests.chaos.versions import BAD, GOOD, STUCK

UNKNOWN = (0, 504)
_TRIES = 12


@dataclass(frozen=True)
class Try:
    """One call of a front-end and its answer; status 0 is none."""

    status: int
    document: dict[str, Any]


@dataclass
class Request:
    """A job that a front-end wants done. One with a key is sent again until it is accepted."""

    name: str
    service: str
    key: bool
    tries: list[Try] = field(default_factory=list)

    @property
    def is_accepted(self) -> bool:
        return self.tries[-1].status == 202


@dataclass(frozen=True)
class Release:
    """A write of ``latest``."""

    service: str
    tag: str
    version: int


class FrontEnds:
    """Threads that send jobs until they are told to stop; how many in all is bounded."""

    def __init__(self, stage: Stage, seed: int, at_most: int, threads: int) -> None:
        self.requests: list[Request] = []
        self._stage = stage
        self._seed = seed
        self._at_most = at_most
        self._numbers = count()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait(self) -> None:
        """Waits until all jobs were sent."""
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Sends no more."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, thread: int) -> None:
        draw = random.Random(f"{self._seed}/{thread}")  # noqa: S311 - a test's fate
        http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(connect=5, read=40))
        while not self._over.is_set() and (number := next(self._numbers)) < self._at_most:
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
        try:
            answer = http.request("POST", url, body=json.dumps({"request": request.name}), headers=headers)
            return Try(answer.status, json.loads(answer.data))
        except (urllib3.exceptions.HTTPError, ValueError):
            return Try(0, {})


class Deployments:
    """One thread for each service: it releases versions, one after the other, sometimes two at once."""

    def __init__(self, stage: Stage, seed: int, releases: int) -> None:
        self.releases: list[Release] = []
        self._stage = stage
        self._seed = seed
        share = -(-releases // len(stage.services))
        self._threads = [threading.Thread(target=self._run, args=(name, share)) for name in stage.services]

    def run(self) -> None:
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()

    def _run(self, service: str, share: int) -> None:
        draw = random.Random(f"{self._seed}/{service}")  # noqa: S311 - a test's fate
        done = 0
        while done < share:
            for _ in range(2 if draw.random() < 0.2 and done + 1 < share else 1):
                self._release(service, draw.choice([*GOOD, BAD, BAD, STUCK]))
                done += 1
                time.sleep(1.1)  # the next write of latest has a second of its own
            self._wait_for_the_end(service)

    def _release(self, service: str, tag: str) -> None:
        version = self._stage.write_latest(service, self._stage.pipeline(service, tag))
        self.releases.append(Release(service, tag, version))

    def _wait_for_the_end(self, service: str) -> None:
        """A deadline, a grace time, two leases of dead runs: by then everything is over. The check says if not."""
        until = time.monotonic() + 300
        while time.monotonic() < until and not self._stage.is_asleep(service):
            time.sleep(0.5)

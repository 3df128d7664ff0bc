"""Somebody who looks at a dashboard, again and again, while it is there."""

import re
import threading
import time
from pathlib import Path
from typing import Any

import urllib3

_WAIT_SECONDS = 280


class Follower(threading.Thread):
    """Comes in with the address that a log tells, and remembers what was seen of releases: version and state."""

    def __init__(self, log: Path) -> None:
        super().__init__(daemon=True)
        self._log = log
        self._until = time.monotonic() + _WAIT_SECONDS
        self.seen: list[tuple[str, str]] = []
        self.jobs: set[tuple[str, str]] = set()

    def run(self) -> None:
        found = None
        while found is None and time.monotonic() < self._until:
            time.sleep(0.1)
            found = re.search(r"The dashboard: (http://\S+)\n", self._log.read_text())
        if found is None:
            return
        look = visitor(found[1])
        try:
            while time.monotonic() < self._until:
                self._look(look("/services/transformer.json"))
                time.sleep(0.3)
        except urllib3.exceptions.HTTPError:
            return  # the demo is over

    def _look(self, document: dict[str, Any]) -> None:
        release = document.get("release")
        if release is None:
            return
        now = (release["version"], release["state"])
        if now not in self.seen:
            self.seen.append(now)
        self.jobs |= {(it["version"], it["status"]) for it in document["transforms"]}


def visitor(url: str) -> Any:
    """A function that gets a page's twin, let in by a dashboard's address."""
    http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(30))
    answer = http.request("GET", url, redirect=False)
    assert answer.status == 303
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    server = url.partition("/enter")[0]
    return lambda path: http.request("GET", server + path, headers={"Cookie": cookie}).json()

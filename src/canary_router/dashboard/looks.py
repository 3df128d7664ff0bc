"""Looks at the world for the pages, each fact once in a while, however many windows are open."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from canary_router.core.model import Release, Transform
from canary_router.core.order_words import is_its_reason
from canary_router.core.orders import GivenOrder
from canary_router.core.retirement_records import Retirement
from canary_router.errors import NotFound, Unavailable
from canary_router.flows.inspect import ServiceView, releases, service_view, transforms_of
from canary_router.flows.order_history import orders_given
from canary_router.flows.releasing import released_by
from canary_router.flows.retired import retirements
from canary_router.ports import Ports

T = TypeVar("T")

FRESH_SECONDS = 1.0
HISTORY_SECONDS = 5.0
"""A history is a listing, and grows slowly."""
RELEASES_SHOWN = 20
_JOBS_AT_MOST = 100


@dataclass(frozen=True)
class Past:
    """What a service has been through, newest first."""

    releases: tuple[Release, ...]
    orders: tuple[GivenOrder, ...]
    retirements: tuple[Retirement, ...]
    released_by: Mapping[str, str]

    def of(self, release: Release) -> tuple[GivenOrder, ...]:
        """The orders that a release took, oldest first."""
        return tuple(it for it in reversed(self.orders) if it.release_id == release.release_id)

    def untold(self, release: Release) -> tuple[GivenOrder, ...]:
        """Those of them that the reason of its decision does not tell of."""
        return tuple(it for it in self.of(release) if not is_its_reason(it, release))


@dataclass(frozen=True)
class Sight:
    """Everything that a service's page shows."""

    view: ServiceView
    jobs: tuple[Transform, ...]
    past: Past


class Looks:
    """Reads, and remembers for a moment. It may be used from many threads: two that ask for the same wait for one.

    Args:
        ports: To look through.
        patience: Factor on how long things are remembered; 0 remembers nothing.
    """

    def __init__(self, ports: Ports, patience: float = 1.0) -> None:
        self._ports = ports
        self._patience = patience
        self._kept: dict[tuple[str, str], tuple[float, Any]] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()

    def services(self) -> list[ServiceView]:
        """All services of the environment.

        Raises:
            Unavailable: A dependency does not answer.
        """
        return self._remembered(("services", ""), FRESH_SECONDS, self._all)

    def service(self, name: str) -> Sight:
        """A service with its newest release, that one's jobs, and what was before.

        Raises:
            NotFound: There is no such service.
            Unavailable: A dependency does not answer.
        """
        return self._remembered(("service", name), FRESH_SECONDS, lambda: self._sight(name))

    def past(self, name: str, seconds: float = HISTORY_SECONDS) -> Past:
        """The releases and the orders of a service; no older than so many seconds.

        Raises:
            Unavailable: The table does not answer.
        """
        return self._remembered(("past", name), seconds, lambda: self._past(name))

    def release(self, name: str, release_id: str) -> tuple[Release, tuple[Transform, ...], Past]:
        """A release with its jobs and its orders.

        Raises:
            NotFound: There is no such release.
            Unavailable: The table does not answer.
        """
        past = self.past(name)
        found = next((it for it in past.releases if it.release_id == release_id), None)
        if found is None:
            raise NotFound(f"There is no release {release_id!r} of {name!r}", advice="Choose one of its history.")
        return found, self._jobs(found), past

    def forget(self) -> None:
        """Looks anew at everything from here on: something was ordered."""
        with self._lock:
            self._kept.clear()

    def _all(self) -> list[ServiceView]:
        found: list[ServiceView] = []
        for name in self._ports.pointers.services():
            with suppress(NotFound):  # it has a policy, and was never released
                found.append(service_view(self._ports, name))
        return found

    def _sight(self, name: str) -> Sight:
        view = service_view(self._ports, name)
        jobs = () if view.release is None else self._jobs(view.release)
        past = self.past(name)
        if view.release is not None and view.release not in past.releases:
            past = self.past(name, seconds=0)  # the release has moved on: the history must not contradict it
        return Sight(view, jobs, past)

    def _past(self, name: str) -> Past:
        ledger = self._ports.ledger
        found, writers = tuple(releases(ledger, name)), {}
        with suppress(Unavailable):  # who may look need not be allowed to read the pointers' history
            writers = released_by(self._ports.pointers, name, found)
        return Past(found, tuple(orders_given(ledger, name)), tuple(retirements(ledger, name)), writers)

    def _jobs(self, release: Release) -> tuple[Transform, ...]:
        return tuple(transforms_of(self._ports.ledger, release.service, release.release_id, limit=_JOBS_AT_MOST))

    def _remembered(self, what: tuple[str, str], seconds: float, look: Callable[[], T]) -> T:
        with self._lock:
            lock = self._locks.setdefault(what, threading.Lock())
        with lock:
            kept = self._kept.get(what)
            if kept is not None and time.monotonic() - kept[0] < seconds * self._patience:
                value: T = kept[1]
                return value
            began = time.monotonic()
            value = look()
            self._kept[what] = (began, value)
            return value

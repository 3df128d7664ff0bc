"""The parameters in memory, with versions that count up and a history."""

import threading

from canary_router.core.pointers import Reading, Readings
from canary_router.errors import Unavailable
from canary_router.ports import Clock


class MemoryPointers:
    """Parameters of any number of services.

    Attributes:
        who: ARN of whoever writes.
    """

    def __init__(self, clock: Clock) -> None:
        """Writes are dated by the clock."""
        self.who = "arn:aws:iam::123456789012:root"
        self._clock = clock
        self._histories: dict[tuple[str, str], list[Reading]] = {}
        self._lock = threading.Lock()

    def read(self, service: str) -> Readings:
        """The newest write of each parameter."""
        with self._lock:
            return Readings(
                current=self._newest(service, "current"),
                latest=self._newest(service, "latest"),
                policy=self._newest(service, "policy"),
            )

    def put(self, service: str, leaf: str, value: str, note: str) -> int:
        """Writes a parameter; ``policy`` too, so that whoever embeds the router can set one."""
        if not value:
            raise Unavailable(f"writing {leaf} of {service}: an empty value is refused, as by SSM")
        with self._lock:
            history = self._histories.setdefault((service, leaf), [])
            history.append(Reading(value, len(history) + 1, self._clock.now(), note, self.who))
            return len(history)

    def delete(self, service: str, leaf: str) -> None:
        """Deletes a parameter with its history: one that is made anew counts from 1 again, as in SSM."""
        with self._lock:
            self._histories.pop((service, leaf), None)

    def history(self, service: str, leaf: str, after_version: int) -> tuple[Reading, ...]:
        """The writes after a version, oldest first."""
        with self._lock:
            return tuple(self._histories.get((service, leaf), ())[after_version:])

    def services(self) -> tuple[str, ...]:
        """The services that anything was ever written for."""
        with self._lock:
            return tuple(sorted({service for service, _ in self._histories}))

    def _newest(self, service: str, leaf: str) -> Reading | None:
        history = self._histories.get((service, leaf))
        if not history:
            return None
        newest = history[-1]
        return Reading(newest.value, newest.version, newest.modified)

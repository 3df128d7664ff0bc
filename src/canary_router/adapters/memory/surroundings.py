"""A clock that is set by hand, a notifier, a messenger and a meter that remember."""

from collections import Counter
from contextlib import AbstractContextManager, nullcontext

from canary_router.core.announcement import Announcement
from canary_router.core.messages import Message


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        """Starts at a moment, in milliseconds since the epoch."""
        self._now = now

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Moves on."""
        self._now += int(seconds * 1000)

    def pause(self, seconds: float) -> None:
        """Moves on at once: nobody waits in real time for a clock that is set by hand."""
        self.advance(seconds)


class MemoryNotifier:
    """Remembers what was told, in order."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self.told: list[Announcement] = []

    def tell(self, announcement: Announcement) -> None:
        """Remembers an announcement."""
        self.told.append(announcement)


class MemoryMessenger:
    """Remembers what was sent, in order."""

    def __init__(self) -> None:
        """Nothing was sent yet."""
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        """Remembers a message."""
        self.sent.append(message)


class MemoryMeter:
    """Remembers sums, by metric and dimensions."""

    def __init__(self) -> None:
        """Nothing was counted yet."""
        self.sums: Counter[tuple[str, ...]] = Counter()

    def count(self, metric: str, service: str, value: float = 1, **dimensions: str) -> None:
        """Adds to a sum."""
        self.sums[(metric, service, *(f"{name}={text}" for name, text in sorted(dimensions.items())))] += int(value)

    def together(self) -> AbstractContextManager[None]:
        """Sums need no bundling."""
        return nullcontext()

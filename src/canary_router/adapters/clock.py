"""The time of day."""

import time


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def pause(self, seconds: float) -> None:
        """Sleeps."""
        time.sleep(seconds)

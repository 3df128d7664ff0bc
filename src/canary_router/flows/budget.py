"""The time that a request has. API Gateway cuts at 29 seconds, and then the caller learns nothing at all.

Every call has a longest time (``settings``), and a step is only begun if it, and what must come after it, can be over
in time. So a slow table or a slow new version costs the canary, never the answer.
"""

from canary_router.ports import Clock
from canary_router.settings import REQUEST_SECONDS


class Budget:
    """Counts from its making."""

    def __init__(self, clock: Clock, seconds: float = REQUEST_SECONDS) -> None:
        """Takes how many seconds there are in all."""
        self._clock = clock
        self._until = clock.now() + int(seconds * 1000)

    def has(self, seconds: float) -> bool:
        """Whether that many seconds are left."""
        return self._until - self._clock.now() >= seconds * 1000

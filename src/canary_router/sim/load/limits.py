"""What AWS takes in a second, as token buckets. Sources: ``docs/explanation/scale.md``."""

from dataclasses import dataclass

from canary_router.sim.scheduler import Scheduler

READ_UNITS, WRITE_UNITS = 3_000.0, 1_000.0
"""Capacity units a second of one partition of a DynamoDB table or index."""
SSM_DEFAULT, SSM_HIGHER = 40.0, 1_000.0
"""GetParameters a second of an account and region: by default, and with the higher-throughput setting."""


@dataclass(frozen=True)
class Limits:
    """Calls or units a second; infinity takes all. A second's worth may be taken at once.

    Attributes:
        parameters: Calls of Parameter Store.
        reads: Read units of the partition that holds a service's state and releases.
        writes: Write units of that partition.
    """

    parameters: float = float("inf")
    reads: float = float("inf")
    writes: float = float("inf")


NONE = Limits()
DEFAULT = Limits(SSM_DEFAULT, READ_UNITS, WRITE_UNITS)
HIGHER = Limits(SSM_HIGHER, READ_UNITS, WRITE_UNITS)


class Bucket:
    """Tokens that come back at a rate, up to a second's worth."""

    def __init__(self, scheduler: Scheduler, rate: float) -> None:
        """Args: virtual time, and tokens a second."""
        self._scheduler = scheduler
        self._rate = rate
        self._tokens = rate
        self._at = scheduler.now

    def take(self, tokens: float) -> bool:
        """Takes tokens, if there are enough."""
        if self._rate == float("inf"):
            return True
        now = self._scheduler.now
        self._tokens = min(self._rate, self._tokens + (now - self._at) / 1000 * self._rate)
        self._at = now
        if self._tokens < tokens:
            return False
        self._tokens -= tokens
        return True

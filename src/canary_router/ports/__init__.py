"""What the flows ask of the world. Each port promises which errors escape from it; no others may.

Two kinds of trouble are told apart everywhere, since the answer to them differs:

- ``Unavailable``: nothing was changed (refused, throttled after the adapter's own retries, not reached);
- ``Uncertain``: a write was sent and its answer was lost. It may have happened, and may even happen later.

These are the ports of the router itself; the request function imports no others.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from canary_router.core.announcement import Announcement
from canary_router.core.conditions import Item, Key, Refusal, Write
from canary_router.core.model import Status
from canary_router.core.pointers import Reading, Readings


class Clock(Protocol):
    """Tells the time, and lets it pass."""

    def now(self) -> int:
        """Milliseconds since the epoch."""

    def pause(self, seconds: float) -> None:
        """Waits."""


class Pointers(Protocol):
    """The SSM parameters of a service."""

    def read(self, service: str) -> Readings:
        """Reads ``current``, ``latest`` and ``policy`` in one call. The answer may be a little old.

        Raises:
            Unavailable: They cannot be read.
        """

    def put(self, service: str, leaf: str, value: str, note: str) -> int:
        """Writes ``current`` or ``latest`` and returns the version that the write became.

        Args:
            service: The service's name.
            leaf: ``current`` or ``latest``.
            value: A pipeline's ARN, or the blank value.
            note: Who writes and why; ``history`` gives it back.

        Raises:
            Unavailable: Nothing was written.
            Uncertain: It is not known whether it was.
        """

    def history(self, service: str, leaf: str, after_version: int) -> tuple[Reading, ...]:
        """The writes of a parameter after a version of it, oldest first, each with its note.

        Raises:
            Unavailable: They cannot be read.
        """

    def services(self) -> tuple[str, ...]:
        """Names of the services that have any parameter, in alphabetical order.

        Raises:
            Unavailable: They cannot be listed.
        """


@dataclass(frozen=True)
class Page:
    """A part of a listing, and where the next part begins; None at the end."""

    items: tuple[Item, ...]
    cursor: str | None = None


class Ledger(Protocol):
    """The table: items by key, conditional commits of several items, two listings."""

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """One item; None when there is none.

        Args:
            key: Its key.
            consistent: False takes an answer that may be a little old, at half the price.

        Raises:
            Unavailable: It cannot be read.
        """

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        """Makes all writes, or none: then the refusal says which clauses did not hold, and against what.

        Raises:
            Unavailable: Nothing was written.
            Uncertain: It is not known whether it was. The same commit may be sent again: its own clauses tell.
        """

    def by_index(
        self, index: str, value: str, *, cursor: str | None = None, limit: int = 100, newest_first: bool = False
    ) -> Page:
        """Items of an index, oldest first unless it is asked for otherwise. It follows the items with a little delay.

        Raises:
            Unavailable: It cannot be read.
        """

    def by_prefix(self, partition: str, prefix: str, *, cursor: str | None = None, limit: int = 100) -> Page:
        """Items of one partition whose sort key begins with a prefix, in the order of their sort keys.

        Raises:
            Unavailable: It cannot be read.
        """


class Outbox(Protocol):
    """Writes that nobody waits for: what they say can be found out without them."""

    def send(self, write: Write) -> None:
        """Sends one write on its way. It happens at once, a little later, or never, and nobody is told which.

        Its clauses must make it harmless whenever it arrives. No error escapes.
        """


@dataclass(frozen=True)
class Accepted:
    """The pipeline ran and answered; a well-behaved one says which execution it started."""

    execution_arn: str | None


@dataclass(frozen=True)
class Refused:
    """The pipeline did not run: throttled, missing, not allowed. Nothing can have been started."""

    reason: str


@dataclass(frozen=True)
class Broke:
    """The pipeline ran and ended in an error of its own. It may have started the job before."""

    reason: str


@dataclass(frozen=True)
class Lost:
    """The answer was lost. The pipeline may have run, and may be running still."""

    reason: str


Invocation: TypeAlias = Accepted | Refused | Broke | Lost


class Invoker(Protocol):
    """Invokes pipeline functions. Everything that can go wrong is an answer; no error escapes."""

    def invoke(self, function_arn: str, payload: dict[str, Any]) -> Invocation:
        """Invokes once and waits for the answer, for no longer than the adapter's time limit."""


@dataclass(frozen=True)
class Execution:
    """An execution as Step Functions knows it.

    Attributes:
        execution_arn: Its ARN.
        status: RUNNING or final.
        error: Of one that ended badly, the error's name; empty where there is none, or it is not told.
        cause: What was said about it, up to 32,768 characters.
    """

    execution_arn: str
    status: Status
    error: str = ""
    cause: str = ""


class Executions(Protocol):
    """Looks executions up."""

    def describe(self, execution_arn: str) -> Execution | None:
        """The execution; None when there is no such execution.

        Raises:
            Unavailable: It cannot be looked up; ``NotVisible`` where asking again would not help.
        """


class Notifier(Protocol):
    """Tells whoever listens what became of a release."""

    def tell(self, announcement: Announcement) -> None:
        """Sends one announcement; the same one may be sent twice.

        Raises:
            Unavailable: It cannot be sent.
        """


class Meter(Protocol):
    """Counts. Never fails: a metric is not worth a request."""

    def count(self, metric: str, service: str, value: float = 1, **dimensions: str) -> None:
        """Adds to a metric of a service."""

    def together(self) -> AbstractContextManager[object]:
        """Counts of this thread inside the block belong to one request, and may be told as one at its end."""


@dataclass(frozen=True)
class Ports:
    """Everything a flow may touch."""

    pointers: Pointers
    ledger: Ledger
    outbox: Outbox
    invoker: Invoker
    executions: Executions
    notifier: Notifier
    meter: Meter
    clock: Clock

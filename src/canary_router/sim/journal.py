"""What an onlooker sees of a run: pointers as they were written, executions, answers, and the table's changes."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from canary_router.core.announcement import Announcement
from canary_router.core.model import Status
from canary_router.core.orders import OrderKind


@dataclass(frozen=True)
class PointerWrite:
    """A parameter was written, or deleted (``value`` None), at a moment, by a task."""

    at: float
    who: str
    leaf: str
    value: str | None
    version: int
    note: str
    modified: int


@dataclass
class Job:
    """An execution that Step Functions has run, or runs."""

    arn: str
    name: str
    tag: str
    document: dict[str, Any]
    started: float
    visible: float
    ends: float | None
    outcome: Status

    def status(self, now: float) -> Status:
        """What Step Functions knows of it."""
        return self.outcome if self.ends is not None and now >= self.ends else Status.RUNNING


@dataclass(frozen=True)
class Arrival:
    """An invocation came through to the state machine, and started its job there, or found it started."""

    name: str
    tag: str
    who: str
    sent: float
    at: float


@dataclass(frozen=True)
class Attempt:
    """One call of a front-end, and what came back: a status and a document, or nothing (0)."""

    request: str
    number: int
    key: str | None
    other_body: bool
    sent: float
    answered: float
    status: int
    document: dict[str, Any]
    faults: tuple[tuple[str, str], ...]
    """What it met, as (fault, port); for the invoker the port is followed by the version that was invoked."""

    @property
    def task(self) -> str:
        """The name of the process that served it."""
        return f"{self.request}.{self.number}"

    def faults_at(self, port: str) -> set[str]:
        """The faults that it met at a port."""
        return {fault for fault, where in self.faults if where.split(maxsplit=1)[0] == port}


@dataclass(frozen=True)
class Admission:
    """The table gave a transform a place of a release; ``state`` is the release's at that moment."""

    at: float
    who: str
    release_id: str
    transform_id: str
    state: str


@dataclass(frozen=True)
class Settlement:
    """The table took note of the end of a transform that a release had admitted: from then on it is on record."""

    at: float
    release_id: str
    transform_id: str
    status: Status


@dataclass(frozen=True)
class Places:
    """The table's release was given so many places in all, and by which plan; empty without a sequential gate's."""

    at: float
    release_id: str
    places: int
    plan: str


@dataclass(frozen=True)
class Transition:
    """The table's release changed its state; ``before`` is empty for a new one. ``counts`` are those of that moment."""

    at: float
    who: str
    release_id: str
    before: str
    after: str
    counts: str
    reason: str


@dataclass(frozen=True)
class GivenOrder:
    """A person has given an order: ``done`` on which release, ``refused``, ``not done``, or nobody knows."""

    order_id: str
    kind: OrderKind
    to: str | None
    sent: float
    answered: float
    answer: str


@dataclass(frozen=True)
class Pass:
    """One run of reconciliation that came to its end; a clean one met no fault, and nobody else's lease."""

    who: str
    began: float
    ended: float
    clean: bool


@dataclass
class Journal:
    """Everything that was seen, in order."""

    writes: list[PointerWrite] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    admissions: list[Admission] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    places: list[Places] = field(default_factory=list)
    told: list[tuple[float, Announcement]] = field(default_factory=list)
    untold: set[tuple[str, str]] = field(default_factory=set)
    without_lease: set[str] = field(default_factory=set)
    passes: list[Pass] = field(default_factory=list)
    orders: list[GivenOrder] = field(default_factory=list)
    began: dict[str, float] = field(default_factory=dict)
    gone: dict[str, float] = field(default_factory=dict)
    """Versions whose stack was deleted."""
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each fault happened, by (kind, where): a port, ``events`` or ``clocks``."""
    fault_places: list[tuple[str, int]] = field(default_factory=list)
    calls: int = 0
    story: list[tuple[float, str, str]] | None = None

    def say(self, at: float, who: str, what: str) -> None:
        """Adds a line to the story, if one is being told."""
        if self.story is not None:
            self.story.append((at, who, what))

    def fault(self, kind: str, port: str, who: str, call: int) -> None:
        """Counts a fault and remembers where it was."""
        self.faults[kind, port] += 1
        self.fault_places.append((who, call))

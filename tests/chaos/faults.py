"""What may happen to a call, and which call it happens to: drawn by a seed, or appointed."""

import json
import random
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import unquote


class Fault(StrEnum):
    """What happens to one call. "After" means: after it had its effect."""

    THROTTLED = "throttled"
    LOST_BEFORE = "lost before"
    LOST_AFTER = "lost after"
    ERROR_BEFORE = "error before"
    ERROR_AFTER = "error after"
    LATE = "late"
    """Beyond the caller's patience: it has given up when the call has its effect."""
    TWICE = "twice"
    KILLED_BEFORE = "killed before"
    """The caller is killed, and the call is not passed on."""
    KILLED_AFTER = "killed after"
    """The call has its effect, and the caller is killed before it learns of it."""
    KILLED_NEXT = "killed at the next call"
    """The caller learns of it, and is killed at its next call, whatever that is, before it is passed on."""
    OVERTAKEN = "overtaken"
    """Somebody else writes the same pointer just before."""
    OVERTAKEN_KILLED = "overtaken and killed after"
    """Both."""


SPARING = (
    Fault.THROTTLED,
    Fault.LOST_BEFORE,
    Fault.LOST_AFTER,
    Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER,
    Fault.LATE,
    Fault.TWICE,
)
"""Those that every process survives."""
DEADLY = (*SPARING, Fault.KILLED_BEFORE, Fault.KILLED_AFTER)
KILLING = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.KILLED_NEXT, Fault.OVERTAKEN_KILLED)


@dataclass(frozen=True)
class Call:
    """A call to AWS.

    Attributes:
        role: Which function makes it.
        operation: Its name.
        label: What it is appointed under: a pointer that it writes (``batch0/current``), a pipeline that it invokes, a
            state machine that it starts; else the operation.
        service: The service whose pointer it writes.
        leaf: Which pointer of it.
    """

    role: str
    operation: str
    label: str
    service: str = ""
    leaf: str = ""


def call_of(role: str, target: str | None, path: str, body: bytes) -> Call:
    """The call that a function's request makes."""
    if path.endswith("/invocations"):
        return Call(role, "Invoke", unquote(path.split("/")[-2]).rpartition(":")[2])
    operation = (target or path).rpartition(".")[2]
    if operation == "StartExecution":
        return Call(role, operation, str(json.loads(body)["stateMachineArn"]).rpartition(":")[2])
    if operation == "PutParameter":
        _, _, _, service, leaf = str(json.loads(body)["Name"]).split("/")
        return Call(role, operation, f"{service}/{leaf}", service, leaf)
    return Call(role, operation, operation)


@dataclass(frozen=True)
class Stroke:
    """What a call meets, and whether it was appointed."""

    fault: Fault
    appointed: bool


@dataclass
class Fate:
    """Decides what happens to each call, and counts what has happened.

    Attributes:
        drawn: The faults that are drawn from.
        rates: Probability of a fault at each call, by the function that makes it. What has no appointment and no
            rate is passed on.
        pointer_rate: The same at the writes of pointers, the most delicate calls of all.
        appointments: The faults that the next calls of a label meet, in their order.
        calls: How many calls there were.
        faults: How many faults of each kind.
        pointer_faults: The same at the writes of pointers alone.
    """

    seed: int
    drawn: Sequence[Fault] = DEADLY
    rates: dict[str, float] = field(default_factory=dict)
    pointer_rate: float = 0.0
    appointments: dict[str, list[Fault]] = field(default_factory=dict)
    calls: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    pointer_faults: Counter[Fault] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - a test's fate
        self._lock = threading.Lock()

    def appoint(self, appointments: Mapping[str, Sequence[Fault]]) -> None:
        """Takes on appointments beside those that there are."""
        with self._lock:
            for label, faults in appointments.items():
                self.appointments.setdefault(label, []).extend(faults)

    def of(self, call: Call) -> Stroke | None:
        """What happens to a call; None for nothing. What has been told is counted as having happened."""
        with self._lock:
            self.calls += 1
            waiting = self.appointments.get(call.label)
            if waiting:
                stroke = Stroke(waiting.pop(0), appointed=True)
            elif self._random.random() < (self.pointer_rate if call.leaf else self.rates.get(call.role, 0.0)):
                stroke = Stroke(self._random.choice(self.drawn), appointed=False)
            else:
                return None
            self._count(call, stroke, 1)
            return stroke

    def take_back(self, call: Call, stroke: Stroke) -> None:
        """What could not happen is not counted; if it was appointed, the next call of that label meets it."""
        with self._lock:
            self._count(call, stroke, -1)
            if stroke.appointed:
                self.appointments[call.label].insert(0, stroke.fault)

    def _count(self, call: Call, stroke: Stroke, by: int) -> None:
        self.faults[stroke.fault] += by
        if call.leaf:
            self.pointer_faults[stroke.fault] += by

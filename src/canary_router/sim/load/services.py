"""The services as the fleet gets them: every call takes time and is counted, and beyond a limit it is throttled.

Assumed, all in milliseconds: a read of either service takes 4, a write 5, a transaction 9, of which it holds its items
for 4; whoever comes then meets a conflict. What is throttled or in conflict is repeated as the adapters repeat it
(``adapters/aws/trouble.py``), and a test holds the two to the same number of attempts.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from canary_router.adapters.memory import MemoryLedger, MemoryPipelines, MemoryPointers
from canary_router.core.conditions import Item, Key, Refusal, Write
from canary_router.core.pointers import Reading, Readings
from canary_router.errors import Throttled
from canary_router.ports import Accepted, Execution, Invocation, Page
from canary_router.settings import PENDING_INDEX_KEY
from canary_router.sim.load.limits import NONE, Bucket, Limits
from canary_router.sim.scheduler import START, Scheduler
from canary_router.sim.world import TrueClock

READ, WRITE, TRANSACTION, HELD = 4.0, 5.0, 9.0, 4.0
LAG = 100.0
"""How old a read that need not be consistent may be."""
ATTEMPTS = 8
PATIENCE = 2_000.0
_FIRST_PAUSE = 5.0


@dataclass
class Counts:
    """What was called, by name and second of the window; attempts that were throttled or in conflict included."""

    begins: float = START
    seconds: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    last: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, now: float, amount: int = 1) -> None:
        """Counts, unless the window has not begun."""
        if now >= self.begins:
            self.seconds[name][int((now - self.begins) // 1000)] += amount
            self.last[name] = (now - self.begins) / 1000

    def total(self, name: str) -> int:
        """All of the window."""
        return sum(self.seconds[name].values()) if name in self.seconds else 0

    def peak(self, name: str) -> int:
        """The most in any one second."""
        return max(self.seconds[name].values(), default=0) if name in self.seconds else 0


class Gate:
    """Time, chance, limits and counts of all calls."""

    def __init__(self, scheduler: Scheduler) -> None:
        """No limits, until they are set."""
        self.scheduler = scheduler
        self.chance: Random = scheduler.chance("services")
        self.counts = Counts()
        self.limit(NONE)

    def limit(self, limits: Limits) -> None:
        """From now on AWS takes no more than this."""
        self.parameters = Bucket(self.scheduler, limits.parameters)
        self.reads = Bucket(self.scheduler, limits.reads)
        self.writes = Bucket(self.scheduler, limits.writes)

    def count(self, name: str, amount: int = 1) -> None:
        """Counts a call."""
        self.counts.add(name, self.scheduler.now, amount)

    def wait(self, milliseconds: float) -> None:
        """A call takes a time, more or less."""
        self.scheduler.pause(milliseconds * (0.75 + 0.5 * self.chance.random()))

    def repeated(self, attempt: Callable[[], bool]) -> None:
        """Repeats what is throttled, as the adapters do.

        Raises:
            Throttled: It was throttled to the end.
        """
        began, count = self.scheduler.now, 1
        while not attempt():
            if count >= ATTEMPTS or self.scheduler.now - began > PATIENCE:
                raise Throttled("too many calls")
            self.scheduler.pause(self.chance.random() * _FIRST_PAUSE * 2**count)
            count += 1


class LoadedPointers(MemoryPointers):
    """Parameter Store, with the names of the instances that have seen ``latest`` hold a version."""

    def __init__(self, gate: Gate) -> None:
        """Args: the gate."""
        super().__init__(TrueClock(gate.scheduler))
        self._gate = gate
        self.woken: dict[str, float] = {}

    def read(self, service: str) -> Readings:
        """GetParameters."""
        self._gate.repeated(self._attempt)
        readings = super().read(service)
        who = self._gate.scheduler.running.name
        if readings.latest is not None and not readings.latest.is_blank and who.startswith("instance"):
            self.woken.setdefault(who, self._gate.scheduler.now)
        return readings

    def put(self, service: str, leaf: str, value: str, note: str) -> int:
        """PutParameter."""
        self._gate.wait(WRITE)
        return super().put(service, leaf, value, note)

    def history(self, service: str, leaf: str, after_version: int) -> tuple[Reading, ...]:
        """GetParameterHistory."""
        self._gate.wait(READ)
        return super().history(service, leaf, after_version)

    def _attempt(self) -> bool:
        self._gate.wait(READ)
        self._gate.count("GetParameters")
        taken = self._gate.parameters.take(1)
        if not taken:
            self._gate.count("GetParameters throttled")
        return taken


class LoadedLedger(MemoryLedger):
    """The table. One partition of it is hot: that of the service's state and releases."""

    def __init__(self, gate: Gate) -> None:
        """Args: the gate."""
        super().__init__()
        self._gate = gate
        self._held_until = 0.0
        self._past: list[tuple[float, Key, Item]] = []

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """GetItem; one that need not be consistent costs half, and may be a little old."""
        gate = self._gate
        hot = key.partition.startswith("SERVICE#")

        def attempt() -> bool:
            gate.wait(READ)
            gate.count("GetItem, hot" if hot else "GetItem")
            taken = not hot or gate.reads.take(1.0 if consistent else 0.5)
            if not taken:
                gate.count("GetItem throttled")
            return taken

        gate.repeated(attempt)
        if consistent or not hot:
            return super().get(key)
        until = gate.scheduler.now - gate.chance.random() * LAG
        return next((item for at, past, item in reversed(self._past) if past == key and at <= until), None)

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        """PutItem, UpdateItem, or a transaction, which other transactions on its hot items get in the way of."""
        gate = self._gate
        if len(writes) == 1:
            gate.count("PutItem" if writes[0].put is not None else "UpdateItem")
            gate.wait(WRITE)
            return self._applied(writes)
        units = 2 * sum(write.key.partition.startswith("SERVICE#") for write in writes)
        gate.repeated(lambda: self._begun(units))
        gate.scheduler.pause(HELD)
        refusal = self._applied(writes)
        gate.count(f"{_purpose(writes)} {'refused' if refusal else 'made'}")
        gate.wait((TRANSACTION - HELD) / 2)
        return refusal

    def send(self, write: Write) -> None:
        """UpdateItem that nobody waits for: the router has answered when it happens."""
        gate = self._gate
        gate.count("UpdateItem")
        gate.scheduler.at(gate.scheduler.now + WRITE, lambda: self._applied((write,)))

    def by_index(
        self, index: str, value: str, *, cursor: str | None = None, limit: int = 100, newest_first: bool = False
    ) -> Page:
        """Query."""
        self._gate.wait(READ)
        return super().by_index(index, value, cursor=cursor, limit=limit, newest_first=newest_first)

    def now(self, key: Key) -> Item | None:
        """An item, for whoever looks at the run from outside."""
        return super().get(key)

    def _begun(self, units: int) -> bool:
        gate = self._gate
        gate.wait((TRANSACTION - HELD) / 2)
        gate.count("TransactWriteItems")
        if not gate.writes.take(units):
            gate.count("TransactWriteItems throttled")
            return False
        if gate.scheduler.now < self._held_until:
            gate.count("TransactWriteItems in conflict")
            return False
        self._held_until = gate.scheduler.now + HELD
        return True

    def _applied(self, writes: Sequence[Write]) -> Refusal | None:
        refusal = super().commit(writes)
        if refusal is not None:
            return refusal
        for write in writes:
            item = self._items[write.key]
            if write.key.partition.startswith("SERVICE#"):
                self._past.append((self._gate.scheduler.now, write.key, item))
            if PENDING_INDEX_KEY in item or PENDING_INDEX_KEY in write.remove:
                self._gate.count("writes of the index of pending jobs")
        return None


def _purpose(writes: Sequence[Write]) -> str:
    if any("open_release" in write.assign for write in writes):
        return "opening"
    return "admission" if any("admitted" in write.add for write in writes) else "outcome or decision"


class LoadedPipelines:
    """The pipelines: each starts what it is given, after the time that its function takes."""

    def __init__(self, gate: Gate, milliseconds: float) -> None:
        """Args: the gate, and the time of an invocation."""
        self._gate = gate
        self._milliseconds = milliseconds
        self.started: dict[str, list[tuple[str, str]]] = defaultdict(list)

    def invoke(self, function_arn: str, payload: dict[str, Any]) -> Invocation:
        """Invoke."""
        self._gate.count("Invoke")
        self._gate.wait(self._milliseconds)
        name = str(payload["transform_id"])
        arn = MemoryPipelines.arn_of(function_arn, name)
        jobs = self.started[str(payload["version"])]
        # The jobs of current are many, and nobody asks for them again.
        if len(jobs) < 10:
            jobs.append((name, arn))
        return Accepted(arn)

    def describe(self, execution_arn: str) -> Execution | None:
        """Nobody looks up what was answered."""
        raise NotImplementedError(execution_arn)

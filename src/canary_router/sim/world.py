"""The services around the router: memory adapters that remember their past, so that a read may show it."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from canary_router import settings
from canary_router.adapters.memory import MemoryLedger, MemoryPipelines, MemoryPointers
from canary_router.core import changes
from canary_router.core.conditions import Item, Key, Refusal, Write
from canary_router.core.model import Status
from canary_router.core.pointers import Reading, Readings, version_of
from canary_router.core.records import RELEASE_PREFIX, release_of
from canary_router.ports import Execution
from canary_router.sim.journal import Admission, Job, Journal, Places, PointerWrite, Settlement, Transition
from canary_router.sim.plans.plan import Behaviour, Deployment
from canary_router.sim.scheduler import Scheduler

SERVICE = "transformer"
BY_HAND = "by hand"
_FLAKY = (Behaviour.FLAKY, Behaviour.FAILS_LATE, Behaviour.FAILS_SOON)
_TRANSFORM_SORTS = ("TRANSFORM", "FALLBACK")


def arn(tag: str) -> str:
    """The ARN of a version's pipeline."""
    return f"arn:aws:lambda:eu-west-1:123456789012:function:{settings.pipeline_function_name(SERVICE, tag)}"


def tag_of(function_arn: str) -> str:
    """The version that an ARN belongs to; empty for a text that is no ARN."""
    version = version_of(SERVICE, function_arn)
    return "" if version is None else version.tag


class TrueClock:
    """The time that the services of AWS go by."""

    def __init__(self, scheduler: Scheduler) -> None:
        """Args: where time is kept."""
        self._scheduler = scheduler

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return int(self._scheduler.now)

    def pause(self, seconds: float) -> None:
        """The running task waits."""
        self._scheduler.pause(seconds * 1000)


class _Replica(MemoryLedger):
    """The table as it was a moment ago."""

    def take(self, key: Key, item: Item) -> None:
        """Takes over an item."""
        self._items[key] = dict(item)


class Table(MemoryLedger):
    """The table, with a replica that follows, and an eye on what the commits change."""

    def __init__(self, scheduler: Scheduler, journal: Journal) -> None:
        """An empty table."""
        super().__init__()
        self._scheduler = scheduler
        self._journal = journal
        self._log: list[tuple[float, Key, Item]] = []
        self._applied = 0
        self._replica = _Replica()

    def commit_as(self, who: str, writes: Sequence[Write]) -> Refusal | None:
        """Commits, and notes for whom."""
        before = [self._items.get(write.key) for write in writes]
        refusal = self.commit(writes)
        if refusal is not None:
            if changes.LEASE_FREE in refusal.names():
                self._journal.without_lease.add(who)
            self._journal.say(self._scheduler.now, who, f"was refused: {', '.join(sorted(refusal.names()))}")
            return refusal
        for write, old in zip(writes, before, strict=True):
            item = self._items[write.key]
            self._log.append((self._scheduler.now, write.key, item))
            self._note(who, write.key, old, item)
        return None

    def behind(self, milliseconds: float) -> MemoryLedger:
        """The table as it was up to so long ago."""
        limit = self._scheduler.now - milliseconds
        while self._applied < len(self._log) and self._log[self._applied][0] <= limit:
            _, key, item = self._log[self._applied]
            self._replica.take(key, item)
            self._applied += 1
        return self._replica

    def everything(self) -> dict[Key, dict[str, Any]]:
        """All items, for the checks."""
        return self._items

    def _note_places(self, now: float, old: Item | None, new: Item) -> None:
        places, plan = int(new.get("requests", 0)), str(new.get("plan", ""))
        if old is None or (places, plan) != (int(old.get("requests", 0)), str(old.get("plan", ""))):
            self._journal.places.append(Places(now, str(new.get("release_id", "")), places, plan))

    def _note(self, who: str, key: Key, old: Item | None, new: Item) -> None:
        now = self._scheduler.now
        if key.sort.startswith(RELEASE_PREFIX):
            before, after = "" if old is None else str(old.get("state", "")), str(new.get("state", ""))
            self._note_places(now, old, new)
            if before != after:
                release_id = str(new.get("release_id", ""))
                reason = str(new.get("reason", ""))
                counts = release_of(new).counts
                self._journal.transitions.append(Transition(now, who, release_id, before, after, counts, reason))
                self._journal.say(
                    now, who, f"release {release_id}: {before or 'new'} -> {after} {new.get('reason', '')}"
                )
        elif key.sort in _TRANSFORM_SORTS:
            transform_id = str(new.get("transform_id", ""))
            if old is None and "release_id" in new:
                release_id = str(new["release_id"])
                release = self._items.get(Key(f"SERVICE#{SERVICE}", f"{RELEASE_PREFIX}{release_id}"), {})
                state = str(release.get("state", "missing"))
                self._journal.admissions.append(Admission(now, who, release_id, transform_id, state))
            before = "new" if old is None else str(old.get("status"))
            status = Status(str(new.get("status")))
            if "release_id" in new and status.is_final and before != status:
                self._journal.settlements.append(Settlement(now, str(new["release_id"]), transform_id, status))
            self._journal.say(
                now, who, f"transform {transform_id} on {new.get('target_tag')}: {before} -> {new.get('status')}"
            )


class Parameters:
    """The parameters, each with its past; a read may show each of them as it was."""

    def __init__(self, scheduler: Scheduler, journal: Journal) -> None:
        """No parameter was ever written."""
        self._scheduler = scheduler
        self._journal = journal
        self._inner = MemoryPointers(TrueClock(scheduler))
        self._past: dict[str, list[tuple[float, Reading | None]]] = defaultdict(list)

    def put(self, who: str, leaf: str, value: str, note: str) -> int:
        """Writes a parameter. In every second run a write by hand keeps the note of the write before it."""
        stored, before = note, self._inner.history(SERVICE, leaf, 0)
        if note == BY_HAND and before and self._scheduler.seed % 2:
            stored = before[-1].note
        version = self._inner.put(SERVICE, leaf, value, stored)
        now = self._scheduler.now
        self._past[leaf].append((now, Reading(value, version, int(now))))
        self._journal.writes.append(PointerWrite(now, who, leaf, value, version, note, int(now)))
        self._journal.say(now, who, f"wrote {leaf} := {tag_of(value) or value} as version {version} ({note})")
        return version

    def delete(self, who: str, leaf: str) -> None:
        """Deletes a parameter."""
        self._inner.delete(SERVICE, leaf)
        now = self._scheduler.now
        self._past[leaf].append((now, None))
        self._journal.writes.append(PointerWrite(now, who, leaf, None, 0, "", int(now)))
        self._journal.say(now, who, f"deleted {leaf}")

    def read(self, lags: tuple[float, float, float] = (0, 0, 0)) -> Readings:
        """The parameters, each as it was so many milliseconds ago."""
        current, latest, policy = (
            self.as_of(leaf, self._scheduler.now - lag)
            for leaf, lag in zip(("current", "latest", "policy"), lags, strict=True)
        )
        return Readings(current, latest, policy)

    def as_of(self, leaf: str, moment: float) -> Reading | None:
        """A parameter as it was at a moment."""
        for at, reading in reversed(self._past[leaf]):
            if at <= moment:
                return reading
        return None

    def history(self, leaf: str, after_version: int, lag: float = 0) -> tuple[Reading, ...]:
        """The writes after a version; the newest ones may be missing still."""
        limit = self._scheduler.now - lag
        return tuple(
            reading for reading in self._inner.history(SERVICE, leaf, after_version) if reading.modified <= limit
        )


class Pipelines:
    """The pipelines of all versions, and the jobs that they have started."""

    def __init__(self, scheduler: Scheduler, journal: Journal, behaviours: dict[str, Behaviour]) -> None:
        """Args: what the jobs of each version do; those of any other are good."""
        self._scheduler = scheduler
        self._journal = journal
        self._behaviours = behaviours
        self._inner = MemoryPipelines()
        self.listeners: list[Callable[[Job], None]] = []

    def behaviour(self, tag: str) -> Behaviour:
        """What a version's jobs do."""
        return Behaviour.MISSING if tag in self._journal.gone else self._behaviours.get(tag, Behaviour.GOOD)

    def start(self, function_arn: str, payload: dict[str, Any], lag: float) -> str:
        """Starts the job under its name, unless there is one of that name in this version's state machine."""
        self._inner.invoke(function_arn, payload)
        arn = self._inner.arn_of(function_arn, str(payload["transform_id"]))
        if arn not in self._journal.jobs:
            job = self._job(arn, tag_of(function_arn), payload, lag)
            self._journal.jobs[arn] = job
            self._journal.say(job.started, job.tag, f"starts {job.name} for {job.document}")
            if job.ends is not None:
                self._scheduler.at(job.ends, lambda: self._end(job))
        return arn

    def describe(self, arn: str) -> Execution | None:
        """The execution, unless it is too new to be seen."""
        job = self._journal.jobs.get(arn)
        if job is None or self._scheduler.now < job.visible:
            return None
        return self._inner.describe(arn)

    def _job(self, arn: str, tag: str, payload: dict[str, Any], lag: float) -> Job:
        chance, now = self._scheduler.chance(arn), self._scheduler.now
        lasts = chance.choice((chance.uniform(0.05, 1), chance.uniform(1, 20), chance.uniform(20, 200)))
        behaviour = self.behaviour(tag)
        outcome = Status.SUCCEEDED
        if behaviour is Behaviour.BAD or (behaviour in _FLAKY and chance.random() < 0.4):
            outcome = chance.choice((Status.FAILED, Status.TIMED_OUT, Status.ABORTED))
        if behaviour in (Behaviour.FAILS_LATE, Behaviour.FAILS_SOON):
            is_late = (outcome is Status.SUCCEEDED) == (behaviour is Behaviour.FAILS_SOON)
            lasts = chance.uniform(40, 120) if is_late else chance.uniform(0.05, 10)
        ends = None if behaviour is Behaviour.STUCK else now + lasts * 1000
        return Job(arn, str(payload["transform_id"]), tag, dict(payload["input"]), now, now + lag, ends, outcome)

    def _end(self, job: Job) -> None:
        self._inner.end(job.arn, job.outcome)
        self._journal.say(self._scheduler.now, job.tag, f"{job.name} ended: {job.outcome}")
        for listener in self.listeners:
            listener(job)


def is_valid(value: str | None) -> bool:
    """Whether a parameter's value is the ARN of a pipeline."""
    return value is not None and version_of(SERVICE, value.strip()) is not None


def behaviours(deployments: Sequence[Deployment]) -> dict[str, Behaviour]:
    """What the jobs of each deployed version do."""
    return {deployment.tag: deployment.behaviour for deployment in deployments}

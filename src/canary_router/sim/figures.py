"""What many runs add up to, as a table and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from canary_router.sim.checks import CHECKS
from canary_router.sim.run import Outcome

FOUND_AT_MOST = 20
PLACES = ("pointers", "ledger", "invoker", "executions", "notifier", "events", "clocks")
"""Where faults happen: the ports, the events that Step Functions sends, and the clocks of the machines."""


@dataclass
class Figures:
    """Sums over runs. ``found`` holds the seeds of runs with violations, and the first violation of each."""

    schedules: int = 0
    requests: int = 0
    jobs: int = 0
    releases: int = 0
    calls: int = 0
    virtual_seconds: float = 0.0
    busy_seconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    found: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, outcome: Outcome, seconds: float) -> None:
        """Adds a run that took so many seconds of a processor."""
        journal = outcome.journal
        self.schedules += 1
        self.requests += len(journal.attempts)
        self.jobs += len(journal.jobs)
        self.releases += outcome.releases
        self.calls += journal.calls
        self.virtual_seconds += outcome.seconds
        self.busy_seconds += seconds
        self.faults.update(journal.faults)
        self.answers.update(str(attempt.status or "none") for attempt in journal.attempts)
        self.ends.update(change.after for change in journal.transitions if change.after in _ENDS)
        self.violations.update({violation.check for violation in outcome.violations})
        if outcome.violations:
            first = outcome.violations[0]
            self.found.append((outcome.plan.seed, first.check, first.what))

    def merge(self, other: "Figures") -> None:
        """Adds what another worker has summed up."""
        for name in ("schedules", "requests", "jobs", "releases", "calls", "virtual_seconds", "busy_seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("answers", "ends", "faults", "violations"):
            getattr(self, name).update(getattr(other, name))
        self.found += other.found

    @property
    def calls_per_second(self) -> int:
        """Port calls a second of one core."""
        return int(self.calls / self.busy_seconds) if self.busy_seconds else 0

    @property
    def faults_by_kind(self) -> dict[str, dict[str, int]]:
        """How often each kind of fault happened at each place; only what happened at all."""
        found: dict[str, dict[str, int]] = {}
        for (kind, place), count in sorted(self.faults.items(), key=lambda one: (one[0][0], PLACES.index(one[0][1]))):
            if count:
                found.setdefault(kind, {})[place] = count
        return found

    def document(self) -> dict[str, Any]:
        """The figures for machines."""
        return {
            "schedules": self.schedules,
            "requests": self.requests,
            "jobs": self.jobs,
            "releases": self.releases,
            "ends": dict(sorted(self.ends.items())),
            "answers": dict(sorted(self.answers.items())),
            "virtual_hours": round(self.virtual_seconds / 3600, 1),
            "port_calls": self.calls,
            "port_calls_per_second_and_core": self.calls_per_second,
            "faults": {kind: sum(places.values()) for kind, places in self.faults_by_kind.items()},
            "faults_by_place": self.faults_by_kind,
            "violations": {name: self.violations[name] for name in (*CHECKS, "unforeseen")},
            "found": [{"seed": seed, "check": check, "what": what} for seed, check, what in self.found[:FOUND_AT_MOST]],
        }

    def json(self) -> str:
        """The figures as one JSON document."""
        return json.dumps(self.document(), indent=2)

    def table(self) -> str:
        """The figures for people."""
        lines: list[str] = []
        for name, value in self.document().items():
            label = name.replace("_", " ")
            if name == "faults":
                lines += self._faults()
            elif name in ("faults_by_place", "found"):
                continue
            elif isinstance(value, dict):
                lines += [label, *(f"  {key:<28}{count:>12,}" for key, count in value.items())]
            else:
                lines.append(f"{label:<30}{value:>12,}")
        return "\n".join(lines)

    def _faults(self) -> Iterator[str]:
        """A column for each place, and the sum of each kind in the column of all other figures."""
        yield f"{'faults':<30}{'':>12}" + "".join(f"{place:>11}" for place in PLACES)
        for kind, places in self.faults_by_kind.items():
            counts = "".join(f"{places[place]:>11,}" if place in places else f"{'-':>11}" for place in PLACES)
            yield f"  {kind:<28}{sum(places.values()):>12,}{counts}"


_ENDS = ("PROMOTED", "ABORTED", "SUPERSEDED")

"""What many runs add up to, as a table and as JSON."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from canary_router.sim.checks import CHECKS
from canary_router.sim.run import Outcome

FOUND_AT_MOST = 20


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
    faults: Counter[str] = field(default_factory=Counter)
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
            "faults": dict(sorted(self.faults.items())),
            "violations": {name: self.violations[name] for name in (*CHECKS, "unforeseen")},
            "found": [{"seed": seed, "check": check, "what": what} for seed, check, what in self.found[:FOUND_AT_MOST]],
        }

    def json(self) -> str:
        """The figures as one JSON document."""
        return json.dumps(self.document(), indent=2)

    def table(self) -> str:
        """The figures for people."""
        document = self.document()
        lines = []
        for name, value in document.items():
            label = name.replace("_", " ")
            if isinstance(value, dict):
                lines += [label, *(f"  {key:<28}{count:>12,}" for key, count in value.items())]
            elif name != "found":
                lines.append(f"{label:<30}{value:>12,}")
        return "\n".join(lines)


_ENDS = ("PROMOTED", "ABORTED", "SUPERSEDED")

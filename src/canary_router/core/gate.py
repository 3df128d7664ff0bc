"""The gate of a release: what its outcomes have to show, as a value in the policy.

There are two. ``all`` is the policy without a ``gate``: so many jobs, so many successes. ``sequential`` is a test of
the release's failure rate that may be looked at after every outcome; this module holds what it promises
(``Sequential``) and what it comes to (``Plan``): whole numbers of jobs and failures, worked out once, when a release
was opened, and kept with it. So neither a request nor a verdict computes a probability, and what a release was judged
by stays on record.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, TypeAlias

from canary_router.core.policy import MOST_JOBS, between, is_number, refused, whole

MEASURED = "measured"
_LEAST = 1e-6
"""Of a rate and of a risk: below it they say nothing that so few jobs could show."""
_INCONCLUSIVE = ("hold", "abort")


@dataclass(frozen=True)
class Counted:
    """A failure rate as it was counted: so many jobs, of which so many failed. What it may be is worked out from both.

    Raises:
        InvalidPolicy: There are no jobs, or more failures than jobs.
    """

    jobs: int
    failed: int

    def __post_init__(self) -> None:
        whole("baseline.jobs", self.jobs, 1, 10**6)
        whole("baseline.failed", self.failed, 0, self.jobs)


Baseline: TypeAlias = float | str | Counted


@dataclass(frozen=True)
class Sequential:
    """A sequential gate: a release as good as ``baseline`` passes, one as bad as ``harm`` does not.

    Attributes:
        baseline: The failure rate of a good release: a number, ``Counted``, or ``measured``, which counts how
            current's own jobs have ended when a release opens.
        harm: The failure rate that must not pass.
        alpha: With what probability a release as good as the baseline may fail to be promoted.
        beta: With what probability a release as bad as ``harm`` may be promoted.
        max: How many jobs may go to the new version in all.
        on_inconclusive: ``abort`` turns a release away that cannot be promoted within ``max`` any more; ``hold`` sends
            it no more jobs and leaves it to a person, until the deadline.
        at_once: How many of its jobs may be under way at a time.

    Raises:
        InvalidPolicy: A value is out of its range, or two contradict each other.
    """

    baseline: Baseline
    harm: float
    alpha: float = 0.05
    beta: float = 0.1
    max: int = 100
    on_inconclusive: str = "abort"
    at_once: int = 2

    def __post_init__(self) -> None:
        between("gate.sequential.harm", self.harm, 0, 1)
        between("gate.sequential.alpha", self.alpha, _LEAST, 0.5)
        between("gate.sequential.beta", self.beta, _LEAST, 0.5)
        whole("gate.sequential.max", self.max, 1, MOST_JOBS)
        whole("gate.sequential.at_once", self.at_once, 1, MOST_JOBS)
        if self.on_inconclusive not in _INCONCLUSIVE:
            raise refused(
                "gate.sequential.on_inconclusive", f"{self.on_inconclusive!r} is none of {', '.join(_INCONCLUSIVE)}"
            )
        if self.baseline == MEASURED or isinstance(self.baseline, Counted):
            return
        if not is_number(self.baseline) or not _LEAST < self.baseline < 1:
            why = f"{self.baseline!r} is neither a number between {_LEAST:g} and 1 nor {MEASURED!r} nor jobs and failed"
            raise refused("gate.sequential.baseline", why)
        if self.baseline >= self.harm:
            raise refused("gate.sequential.harm", f"{self.harm:g} is not above baseline, which is {self.baseline:g}")

    def document(self) -> dict[str, Any]:
        """The gate as the document that ``gate_from`` reads."""
        return {"sequential": asdict(self)}


def gate_from(document: Any) -> Sequential | None:
    """Makes a gate of a decoded document: ``all`` (None), or an object with the key ``sequential``.

    Raises:
        InvalidPolicy: It is neither, or a value in it is refused.
    """
    if document == "all":
        return None
    if not isinstance(document, Mapping) or set(document) != {"sequential"}:
        raise refused("gate", f"{document!r} is neither 'all' nor an object with the one key 'sequential'")
    values = _known("gate.sequential", document["sequential"], set(Sequential.__dataclass_fields__))
    for key in ("baseline", "harm"):
        if key not in values:
            raise refused(f"gate.sequential.{key}", "is missing")
    if isinstance(values["baseline"], Mapping):
        counted = _known("gate.sequential.baseline", values["baseline"], {"jobs", "failed"})
        values["baseline"] = Counted(counted.get("jobs", 0), counted.get("failed", -1))
    return Sequential(**values)


def _known(key: str, document: Any, names: set[str]) -> dict[str, Any]:
    if not isinstance(document, Mapping):
        raise refused(key, f"{document!r} is not an object")
    for name in document:
        if name not in names:
            raise refused(f"{key}.{name}", f"is not known; there are {', '.join(sorted(names))}")
    return dict(document)


@dataclass(frozen=True)
class Plan:
    """What a sequential gate comes to: the boundaries between which a release goes on.

    Both are by failures: ``promote[1]`` is for a release of which one job failed. Both only grow.

    Attributes:
        promote: How many jobs in all, the failed ones included, promote a release with so many failures. One with more
            failures than there are entries cannot be promoted any more.
        abort: Up to how many jobs in all so many failures turn a release away; with more failures than there are
            entries it is turned away however many jobs there were.
        baseline: The failure rate that it was planned for.
        counted: What the baseline was measured from, if it was.

    Raises:
        ValueError: The boundaries do not grow, or meet.
    """

    promote: tuple[int, ...]
    abort: tuple[int, ...]
    baseline: float
    counted: Counted | None = None

    def __post_init__(self) -> None:
        if not self.promote or self.promote[0] < 1 or any(one >= two for one, two in pairwise(self.promote)):
            raise ValueError("the boundary of promotion does not grow")
        if not self.abort or self.abort[0] != 0 or any(one > two for one, two in pairwise(self.abort)):
            raise ValueError("the boundary of refusal does not grow")
        if any(abort >= promote for promote, abort in zip(self.promote, self.abort, strict=False)):
            raise ValueError("the boundaries meet")
        if len(self.abort) < len(self.promote):
            raise ValueError("what is never turned away could be promoted")

    def promotes(self, jobs: int, failures: int) -> bool:
        """Whether so many failures among so many jobs promote a release."""
        return failures < len(self.promote) and jobs >= self.promote[failures]

    def aborts(self, jobs: int, failures: int) -> bool:
        """Whether so many failures among so many jobs turn a release away."""
        return failures >= len(self.abort) or 0 < jobs <= self.abort[failures]

    def reaches(self, failures: int) -> int | None:
        """How many jobs in all promote a release if no other one fails; None if it cannot be promoted any more."""
        return self.promote[failures] if failures < len(self.promote) else None

    def document(self) -> dict[str, Any]:
        """The plan as JSON for people and machines."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def to_json(self) -> str:
        """The plan as the text that ``plan_from`` reads."""
        return json.dumps(self.document(), sort_keys=True)


def plan_from(text: str) -> Plan:
    """Reads a plan.

    Raises:
        ValueError: The text holds none.
    """
    try:
        document = json.loads(text)
        promote, abort = (tuple(int(one) for one in document[name]) for name in ("promote", "abort"))
        counted = document.get("counted")
        return Plan(promote, abort, float(document["baseline"]), None if counted is None else Counted(**counted))
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"no plan of a gate: {error}") from error

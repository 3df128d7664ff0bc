"""What the checks are given of a run that has ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from canary_router.core import records
from canary_router.core.conditions import Item, Key
from canary_router.core.model import Release, ServiceState
from canary_router.core.pointers import Readings
from canary_router.core.policy import parse_policy
from canary_router.errors import InvalidPolicy
from canary_router.sim.journal import Job, Journal, PointerWrite
from canary_router.sim.plans.plan import Behaviour, Plan
from canary_router.sim.world import SERVICE, is_valid, tag_of

BLANKED = "canary-router blanked "
WITHDREW = "canary-router withdrew "
PROMOTED = "canary-router promoted "
PUT_BACK = "canary-router put back version "


@dataclass(frozen=True)
class Violation:
    """A check failed: which one, and what was seen."""

    check: str
    what: str


@dataclass(frozen=True)
class Evidence:
    """A run as it was seen, and the world as it was left."""

    plan: Plan
    journal: Journal
    items: dict[Key, dict[str, str | int]]
    readings: Readings
    now: float

    @cached_property
    def releases(self) -> dict[str, Release]:
        """All releases on record, by id."""
        found = (item for key, item in self.items.items() if key.sort.startswith(records.RELEASE_PREFIX))
        return {release.release_id: release for release in map(records.release_of, found)}

    @cached_property
    def state(self) -> ServiceState:
        """The service's state on record."""
        return records.state_of(SERVICE, self.items.get(records.state_key(SERVICE)))

    @cached_property
    def canaries(self) -> dict[str, list[Item]]:
        """The transforms on record that were admitted to each release."""
        found: dict[str, list[Item]] = {}
        for key, item in self.items.items():
            if key.sort == "TRANSFORM" and "release_id" in item:
                found.setdefault(str(item["release_id"]), []).append(item)
        return found

    def writes(self, leaf: str) -> list[PointerWrite]:
        """What was written to a parameter, in order."""
        return [write for write in self.journal.writes if write.leaf == leaf]

    def held(self, leaf: str, since: float, until: float) -> Iterator[str | None]:
        """The values that a parameter held between two moments."""
        value: str | None = None
        for write in self.writes(leaf):
            if write.at > until:
                break
            if write.at > since:
                yield value
            value = write.value
        yield value

    def jobs_of(self, release: Release) -> list[Job]:
        """The executions that a release's transforms stand for, on its version."""
        names = {str(item["transform_id"]) for item in self.canaries.get(release.release_id, ())}
        return [job for job in self.journal.jobs.values() if job.tag == release.target.tag and job.name in names]

    def is_missing(self, held: list[str | None]) -> bool:
        """Whether one of these pointers leads to a version whose pipeline is not there."""
        missing = {deployment.tag for deployment in self.plan.deployments if deployment.behaviour is Behaviour.MISSING}
        missing |= self.journal.gone.keys()
        return any(value is not None and tag_of(value) in missing for value in held)

    def first_current(self, tag: str) -> float:
        """When a version first was current; the end of time if it never was."""
        moments = (write.at for write in self.writes("current") if write.value and tag_of(write.value) == tag)
        return min(moments, default=float("inf"))

    def most_requests(self) -> int:
        """The largest budget that any policy of this run gave."""
        most = 2
        for write in self.writes("policy"):
            try:
                most = max(most, parse_policy(write.value).budget)
            except InvalidPolicy:
                continue
        return most


def is_by_person(write: PointerWrite) -> bool:
    """Whether a write was not the program's own."""
    return write.who.startswith("person")


def release_id_of(write: PointerWrite) -> str:
    """The release that a write of ``latest`` is."""
    return f"r{write.version}-{write.modified // 1000}"


def original_of(evidence: Evidence, write: PointerWrite) -> PointerWrite:
    """What somebody else has written to ``latest``, of which a write may be a copy."""
    while write.note.startswith(PUT_BACK):
        version = int(write.note.removeprefix(PUT_BACK))
        write = [one for one in evidence.writes("latest") if one.version == version and one.at < write.at][-1]
    return write


def names(evidence: Evidence, blank: PointerWrite, write: PointerWrite) -> bool:
    """Whether a blank of ours was meant for a write of ``latest``, or for a copy of the same."""
    original = original_of(evidence, write)
    copies = (one for one in evidence.writes("latest") if original_of(evidence, one) == original)
    return any(blank.note in (f"{BLANKED}{one}", f"{WITHDREW}{one}") for one in map(release_id_of, copies))


def is_release(write: PointerWrite) -> bool:
    """Whether a write of ``latest`` asks for a release."""
    return is_valid(write.value)

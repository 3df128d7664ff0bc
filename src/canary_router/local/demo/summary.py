"""What the demo claims, checked against what was recorded while it ran."""

from dataclasses import dataclass, field
from typing import Any

from canary_router.core.model import Basis, Release, ReleaseState, Transform
from canary_router.local.demo.delivered import Delivered
from canary_router.local.demo.load import Sent
from canary_router.local.demo.scene import NOTHING

FIRST, GOOD, BAD = "v1.0.0", "v1.1.0", "v1.2.0"


@dataclass(frozen=True)
class Observed:
    """Everything that was recorded.

    Attributes:
        sent: Every request.
        releases: Every release, oldest first.
        canaries: The jobs of each release, by the version's tag.
        current: Version that serves in the end.
        latest: Version that is being tried out in the end, or ``none``.
        seconds: How long it all took.
        delivered: What has become of the jobs.
    """

    sent: tuple[Sent, ...]
    releases: tuple[Release, ...]
    canaries: dict[str, tuple[Transform, ...]]
    current: str
    latest: str
    seconds: float
    delivered: Delivered = field(default_factory=Delivered)

    @property
    def failed_requests(self) -> int:
        """Requests that got no job started."""
        return sum(1 for it in self.sent if it.error)

    @property
    def errors(self) -> list[str]:
        """What those said, each once."""
        return list(dict.fromkeys(it.error for it in self.sent if it.error))

    def document(self) -> dict[str, Any]:
        """The summary as JSON."""
        return {
            "requests": len(self.sent),
            "failed_requests": self.failed_requests,
            "errors": self.errors,
            "releases": [
                {
                    "version": release.target.tag,
                    "state": release.state.value,
                    "admitted": release.admitted,
                    "succeeded": release.succeeded,
                    "failed": release.failures,
                    "reason": release.reason,
                }
                for release in self.releases
            ],
            "current": self.current,
            "latest": self.latest,
            "seconds": round(self.seconds, 1),
            "jobs": self.delivered.counts(),
            "results": len(self.delivered.days),
            "documents": sum(self.delivered.documents.values()),
        }

    def checks(self) -> list[tuple[str, bool]]:
        """What the demo claims, one sentence each, and whether it was so."""
        good, bad = self._canary(GOOD), self._canary(BAD)
        held = self._held(GOOD)
        flipped = sum(1 for it in self.sent if it.version == GOOD and not it.is_canary)
        return [
            (f"{FIRST} became current without a canary: there was nothing to compare it with", self._first()),
            (
                f"exactly {good.policy.requests if good else 2} jobs tried {GOOD} out, and both succeeded",
                good is not None
                and good.admitted == good.succeeded == good.policy.requests == self._routed(GOOD)
                and good.state is ReleaseState.PROMOTED,
            ),
            (f"while they ran, {held} further jobs were sent, and none of them was tried on {GOOD}", held > 0),
            (f"after the flip {flipped} jobs went to {GOOD}", flipped > 0),
            (
                f"at most {bad.policy.requests if bad else 2} jobs tried {BAD} out, and it was turned away",
                bad is not None
                and 0 < bad.failures <= bad.admitted <= bad.policy.requests
                and bad.admitted == self._routed(BAD) == sum(1 for it in self.sent if it.version == BAD)
                and bad.state is ReleaseState.ABORTED,
            ),
            (f"in the end {GOOD} is current and nothing is latest", (self.current, self.latest) == (GOOD, NOTHING)),
            (
                f"of {len(self.sent)} requests, {self.failed_requests} failed"
                + "".join(f": {it}" for it in self.errors),
                self.failed_requests == 0 < len(self.sent),
            ),
            *self._delivered(),
        ]

    def _delivered(self) -> list[tuple[str, bool]]:
        found = self.delivered
        good, bad = found.succeeded, {job for job, status in found.ended.items() if status == "FAILED"}
        ended = f"every job has ended: {len(good)} succeeded, and {len(bad)} failed, all of them on {BAD}"
        there = f"{len(found.days)} results are in S3, and {sum(found.documents.values()):,} days in the index"
        return [
            (
                ended,
                len(found.ended) == len(self.sent) - self.failed_requests == len(good) + len(bad)
                and {found.versions[job] for job in bad} == {BAD},
            ),
            (f"{there}; the warmest was {found.warmest or 'not found'}", found.is_complete and bool(found.warmest)),
        ]

    def _first(self) -> bool:
        first = self.releases[0] if self.releases else None
        return first is not None and (first.target.tag, first.basis, first.state) == (
            FIRST,
            Basis.FIRST,
            ReleaseState.PROMOTED,
        )

    def _canary(self, tag: str) -> Release | None:
        found = [it for it in self.releases if it.target.tag == tag and it.basis is Basis.CANARY]
        return found[0] if len(found) == 1 else None

    def _routed(self, tag: str) -> int:
        return sum(1 for it in self.sent if it.version == tag and it.is_canary)

    def _held(self, tag: str) -> int:
        """Jobs sent between the last admission and the decision, none of which may have gone to the new version."""
        release, canaries = self._canary(tag), self.canaries.get(tag, ())
        if release is None or not canaries or release.decided_at is None:
            return 0
        full_at = max(it.created_at for it in canaries)
        between = [it for it in self.sent if full_at < it.at < release.decided_at and not it.error]
        return 0 if any(it.is_canary for it in between) else len(between)

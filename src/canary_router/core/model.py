"""The nouns of the protocol: versions, releases, transforms and their states.

Times are integers, milliseconds since the epoch, everywhere in the project but in DynamoDB's TTL.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from canary_router.core.policy import Policy

if TYPE_CHECKING:
    from canary_router.core.gate import Plan


class Route(StrEnum):
    """Which of the two pointers a transform was sent to."""

    CURRENT = "current"
    LATEST = "latest"


class Status(StrEnum):
    """What is known of a transform. The last five are final."""

    ADMITTED = "ADMITTED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    NOT_STARTED = "NOT_STARTED"

    @property
    def is_final(self) -> bool:
        """Whether nothing can change this status any more."""
        return self not in UNSETTLED


UNSETTLED = (Status.ADMITTED, Status.RUNNING)
ENDED_BADLY = (Status.FAILED, Status.TIMED_OUT, Status.ABORTED)


class ReleaseState(StrEnum):
    """Each value is an assertion about the world, not a step of a program."""

    OPEN = "OPEN"
    """Requests may be admitted, up to the budget."""
    PAUSED = "PAUSED"
    """No admission; outcomes still count and failures still abort; only a person promotes or resumes."""
    PROMOTING = "PROMOTING"
    """Decided; the pointers are being written."""
    PROMOTED = "PROMOTED"
    """``current`` is the target, ``latest`` was blanked."""
    ABORTING = "ABORTING"
    """Decided; no admission ever again; ``latest`` is being blanked."""
    ABORTED = "ABORTED"
    """``latest`` does not hold this release's write any more, and ``current`` was never touched."""
    SUPERSEDED = "SUPERSEDED"
    """A newer write of ``latest`` took its place."""

    @property
    def can_be_decided(self) -> bool:
        """Whether a verdict may still change this release."""
        return self in UNDECIDED


UNDECIDED = (ReleaseState.OPEN, ReleaseState.PAUSED)


_ALWAYS = 2**31
"""More outcomes than any release will ever have."""


def quiet_outcomes(state: ReleaseState, policy: Policy) -> tuple[int, int]:
    """How many successes, and how many failures, a release in a state can have without being decided by its counts.

    Its deadline is not in it: that is for reconciliation to see. With a sequential gate each outcome may make room for
    more jobs, so while there is anything to decide none is quiet.
    """
    if not state.can_be_decided:
        return _ALWAYS, _ALWAYS
    if policy.gate is not None:
        return (0 if state is ReleaseState.OPEN else _ALWAYS), 0
    failures = min(policy.max_failures, policy.requests - policy.required)
    return (policy.required - 1 if state is ReleaseState.OPEN else _ALWAYS), failures


class Basis(StrEnum):
    """Why a release may become current: by its canary, or because there is nothing to compare with."""

    CANARY = "canary"
    FIRST = "first"
    ALREADY_CURRENT = "already-current"
    ADOPTED = "adopted"
    """``current`` was written by hand; the release only records that."""
    ROLLBACK = "rollback"
    """A person has ordered an older version back."""


@dataclass(frozen=True)
class Version:
    """One deployed stack: its pipeline's ARN and the name that people know it by."""

    arn: str
    tag: str


@dataclass(frozen=True, order=True)
class WriteMark:
    """Which write of a parameter was read.

    Ordered by time first: a parameter that was deleted and made anew starts at version 1 again.
    """

    modified: int
    version: int

    @property
    def sortable(self) -> str:
        """The mark as text whose order is the order of the writes."""
        return f"{self.modified:015d}.{self.version:010d}"

    @property
    def release_id(self) -> str:
        """The id of the release that this write of ``latest`` is, the same on every reader."""
        return f"r{self.version}-{self.modified // 1000}"


@dataclass(frozen=True)
class Release:
    """One attempt to make latest current. The counts are those that its verdict is made from.

    Attributes:
        orders: How many orders of people it has taken.
        ordered_by: Who has ordered its decision; empty for a verdict.
        plan: What its sequential gate comes to; None until that is worked out, and for the gate ``all``.
        granted: How many jobs may be admitted up to now, by a sequential gate.
    """

    service: str
    release_id: str
    target: Version
    write: WriteMark
    state: ReleaseState
    basis: Basis
    policy: Policy
    opened_at: int
    decided_at: int | None = None
    closed_at: int | None = None
    reason: str = ""
    admitted: int = 0
    succeeded: int = 0
    failed: int = 0
    not_started: int = 0
    supersedes: str | None = None
    told: str = ""
    orders: int = 0
    ordered_by: str = ""
    plan: "Plan | None" = None
    granted: int = 0

    @property
    def places(self) -> int:
        """How many jobs may have been admitted up to now. It never shrinks, and never passes the policy's budget."""
        return self.policy.requests if self.policy.gate is None else self.granted

    @property
    def failures(self) -> int:
        """Jobs that count against the release: those that ended badly and those that never started."""
        return self.failed + self.not_started

    @property
    def running(self) -> int:
        """Jobs whose end is not on record yet."""
        return self.admitted - self.succeeded - self.failures

    @property
    def has_write(self) -> bool:
        """Whether a write of ``latest`` goes with it: not with a rollback that took nobody's place."""
        return self.basis is not Basis.ROLLBACK or self.supersedes is not None

    @property
    def counts(self) -> str:
        """The counts in words, as reasons quote them."""
        return f"{self.succeeded} succeeded, {self.failures} failed, {self.running} running"

    @property
    def deadline_at(self) -> int:
        """When an undecided release is overdue."""
        return self.opened_at + self.policy.deadline * 1000


@dataclass(frozen=True)
class Transform:
    """One job, started through the router. ``transform_id`` is the name of its execution.

    Attributes:
        fallback: This is the second half of a record: current took over what latest did not start.
        release_id: The release that it counts for; none for a job of the current version.
        input_hash: SHA-256 of the input in canonical form, to tell a retry from another job.
        attempts: How many invocations may have been sent. Only a sole attempt's own answer can prove
            that nothing was started.
        attempted_at: When the newest of them was sent that may have started, or may yet start, the job.
        kept_input: The input is on record, so that current can run it if this job fails.
        rescue_of: The failed job whose input this one runs once more. While it is free to be attempted its target is
            UNDETERMINED; each attempt settles it.
        rescued_by: The job that runs this one's input once more.
    """

    transform_id: str
    service: str
    route: Route
    target: Version
    status: Status
    created_at: int
    attempted_at: int
    input_hash: str
    release_id: str | None = None
    execution_arn: str | None = None
    settled_at: int | None = None
    attempts: int = 1
    fallback: bool = False
    kept_input: bool = False
    rescue_of: str | None = None
    rescued_by: str | None = None


UNDETERMINED = Version(arn="", tag="")
"""Target of a rescue that is free: what is current when it is attempted."""


@dataclass(frozen=True)
class ServiceState:
    """What the record says of a service as a whole.

    Attributes:
        open_release: The one release that is not closed yet.
        newest: Sortable mark of the newest write of ``latest`` that became a release.
        looked: Sortable mark of the write of ``latest`` up to which somebody has looked for hidden ones.
        pending_cursor: Where the next pass over pending jobs begins; empty for the oldest.
        current_write: Version of the newest write of ``current`` that is on record; with ``current_write_at``, when it
            was made, as well as that is known.
        retirements: How many times somebody began to retire one of its stacks.
    """

    service: str
    open_release: str | None = None
    newest: str = ""
    looked: str = ""
    current: Version | None = None
    previous: Version | None = None
    current_write: int = 0
    current_write_at: int = 0
    pending_cursor: str = ""
    lease_owner: str = ""
    lease_until: int = 0
    retirements: int = 0

    def previous_to(self, target: Version) -> Version | None:
        """What was current before a version that becomes current; one that is written again takes nobody's place."""
        return self.previous if self.current == target else self.current

    @property
    def looked_up_to(self) -> WriteMark | None:
        """The write of ``latest`` up to which nothing is hidden by a write of ours."""
        modified, _, version = self.looked.partition(".")
        return WriteMark(int(modified), int(version)) if self.looked else None

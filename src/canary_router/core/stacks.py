"""A stack that a version was deployed as, and what its state machine does."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from canary_router import settings


@dataclass(frozen=True)
class DeployedStack:
    """A stack as CloudFormation describes it.

    Attributes:
        stack_id: Its ARN; a stack that is made anew under the same name has another.
        status: CloudFormation's word, such as ``CREATE_COMPLETE``.
        created: Epoch milliseconds.
        changed: When it was last deployed, epoch milliseconds.
        is_protected: Whether termination protection is on.
    """

    name: str
    stack_id: str
    status: str
    created: int
    changed: int
    tags: Mapping[str, str] = field(default_factory=dict)
    is_protected: bool = False

    @property
    def tag(self) -> str:
        """The version that its tags say it is of; empty when they do not."""
        return self.tags.get(settings.TAG_VERSION, "")

    @property
    def is_being_deleted(self) -> bool:
        """Whether CloudFormation is deleting it."""
        return self.status == "DELETE_IN_PROGRESS"

    @property
    def is_going(self) -> bool:
        """Whether its deletion was begun, whatever has come of it."""
        return self.status.startswith("DELETE_")


@dataclass(frozen=True)
class Activity:
    """What a stack's state machine does: whether a job runs, and when the last one ended (epoch milliseconds)."""

    is_running: bool
    last_end: int | None = None

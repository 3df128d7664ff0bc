"""How the retirement of a stack stands in the table: who has ordered it, when, why, and what became of it."""

from dataclasses import dataclass
from enum import StrEnum

from canary_router import settings
from canary_router.core.conditions import Item, Key, Value
from canary_router.core.records import reading

RETIREMENT_PREFIX = "RETIREMENT#"


class RetirementState(StrEnum):
    """What is known of a retirement."""

    BEGUN = "BEGUN"
    """Its stack may be deleted any moment, until ``until``."""
    DELETING = "DELETING"
    """CloudFormation was told."""
    RETIRED = "RETIRED"
    """Its stack is gone."""
    FAILED = "FAILED"
    """CloudFormation could not delete it, or would not."""
    LEFT = "LEFT"
    """It was needed after all, and left as it is."""


@dataclass(frozen=True)
class Retirement:
    """One attempt to retire one stack.

    Attributes:
        retirement_id: The same id is the same attempt, also to CloudFormation.
        who: Who has ordered it: the caller's identity.
        why: In that person's words; may be empty.
        at: When, epoch milliseconds.
        reason: Why it could go, as the plan had it.
        until: Before this moment nobody may use the stack again, or begin another attempt: epoch milliseconds.
        outcome: What became of it, in words.
        ended_at: Epoch milliseconds.
    """

    retirement_id: str
    service: str
    version: str
    stack: str
    stack_id: str
    who: str
    why: str
    at: int
    reason: str
    until: int
    state: RetirementState = RetirementState.BEGUN
    outcome: str = ""
    ended_at: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether its end is on record."""
        return self.state not in (RetirementState.BEGUN, RetirementState.DELETING)


def retirement_key(service: str, tag: str) -> Key:
    """Key of the newest retirement of a version: there is one for each, so that two cannot be at it at once."""
    return Key(f"SERVICE#{service}", f"{RETIREMENT_PREFIX}{settings.slug(tag)}")


def retirement_item(it: Retirement) -> dict[str, Value]:
    """A retirement as an item."""
    fields: dict[str, Value] = {
        "retirement_id": it.retirement_id,
        "service": it.service,
        "version": it.version,
        "stack": it.stack,
        "stack_id": it.stack_id,
        "who": it.who,
        "why": it.why,
        "at": it.at,
        "reason": it.reason,
        "until": it.until,
        "state": it.state.value,
        "outcome": it.outcome,
    }
    return fields if it.ended_at is None else {**fields, "ended_at": it.ended_at}


def retirement_of(item: Item) -> Retirement:
    """The retirement that an item holds.

    Raises:
        MalformedRecord: It does not hold one that this version can read.
    """
    with reading(item):
        texts = ("retirement_id", "service", "version", "stack", "stack_id", "who", "why", "reason")
        ended = item.get("ended_at")
        return Retirement(
            **{name: str(item[name]) for name in texts},
            at=int(item["at"]),
            until=int(item["until"]),
            state=RetirementState(str(item["state"])),
            outcome=str(item.get("outcome", "")),
            ended_at=None if ended is None else int(ended),
        )

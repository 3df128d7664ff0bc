"""Which immutable stacks may go, and why the others stay. Facts in, a plan out; nothing here asks anybody.

A stack stays for the first of these reasons that holds:

    it is not a version of this service     its name and its tags must all say so
    something is done to it                 CloudFormation is deploying or deleting it
    nobody can tell what is in use          current is invalid, or was read as it was before a write on record
    it is in use                            current, previous, latest, or the target of an unfinished release
    it is protected                         by CloudFormation's termination protection
    it is among the newest                  by the time at which it was made
    a job of it runs                        or nobody can tell
    the drain window is not over            Step Functions may redrive an execution for 14 days
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from canary_router import settings
from canary_router.core.durations import duration
from canary_router.core.last_use import Use, last_uses
from canary_router.core.lifecycle import is_behind
from canary_router.core.model import Release, ReleaseState, ServiceState, Version
from canary_router.core.pointers import Invalid, Pointers, Reading
from canary_router.core.stacks import Activity, DeployedStack

KEEP = 5
DRAIN_SECONDS = 14 * 86_400
"""So long after its end an execution may be redriven: its state machine must be there."""
_SLUG = re.compile(r"v\d+-\d+-\d+(?:-[0-9A-Za-z-]+)?", re.ASCII)
_FINISHED = (ReleaseState.PROMOTED, ReleaseState.ABORTED, ReleaseState.SUPERSEDED)


@dataclass(frozen=True)
class Rules:
    """How many of the newest versions stay, and milliseconds for which a version stays after its last use."""

    keep: int = KEEP
    drain: int = DRAIN_SECONDS * 1000


@dataclass(frozen=True)
class Facts:
    """All that a plan is made from.

    Attributes:
        activity: By the stack's id; None where nobody can tell.
        writes: The histories of ``current`` and of ``latest``, oldest first.
        now: Epoch milliseconds.
    """

    environment: str
    pointers: Pointers
    state: ServiceState
    releases: tuple[Release, ...]
    writes: tuple[tuple[Reading, ...], tuple[Reading, ...]]
    stacks: tuple[DeployedStack, ...]
    activity: Mapping[str, Activity | None]
    now: int


@dataclass(frozen=True)
class Judged:
    """What becomes of a stack, and why.

    Attributes:
        may_go_at: When it may go if nothing else happens, epoch milliseconds; None when no time can be named.
    """

    stack: DeployedStack
    goes: bool
    reason: str
    may_go_at: int | None = None


def is_named_like_a_version(service: str, name: str) -> bool:
    """Whether a stack's name is that of a version of the service, by the contract."""
    return name.startswith(f"{service}-") and _SLUG.fullmatch(name[len(service) + 1 :]) is not None


def plan(facts: Facts, rules: Rules) -> tuple[Judged, ...]:
    """Judges each stack, newest first."""
    stacks = sorted(facts.stacks, key=lambda it: (it.created, it.name), reverse=True)
    ours = [it for it in stacks if not _foreign(facts, it)]
    newest = frozenset(it.stack_id for it in ours[: rules.keep])
    used = _in_use(facts)
    ends = last_uses(facts.state.service, facts.releases, facts.writes, facts.now)
    return tuple(_judged(facts, rules, it, newest, used, ends) for it in stacks)


def _judged(  # noqa: PLR0913, PLR0917 - what is the same for all stacks is found out once
    facts: Facts,
    rules: Rules,
    stack: DeployedStack,
    newest: frozenset[str],
    used: Mapping[str, str],
    ends: Mapping[str, Use],
) -> Judged:
    stays = _foreign(facts, stack) or _busy(stack) or _doubt(facts) or used.get(settings.slug(stack.tag), "")
    if stays:
        return _stays(stack, stays)
    if stack.is_protected:
        return _stays(stack, "termination protection is on")
    if stack.stack_id in newest:
        return _stays(stack, f"one of the newest {rules.keep} versions")
    activity = facts.activity.get(stack.stack_id)
    if activity is None:
        return _stays(stack, "whether a job of it runs cannot be told")
    if activity.is_running:
        return _stays(stack, "a job of it runs")
    last = _last_use(stack, activity, ends.get(settings.slug(stack.tag)))
    since = duration(facts.now - last.until)
    if facts.now < last.until + rules.drain:
        left = duration(last.until + rules.drain - facts.now)
        return _stays(stack, f"it {last.ended} {since} ago: it drains for {left} more", last.until + rules.drain)
    return Judged(stack, goes=True, reason=f"it {last.ended} {since} ago", may_go_at=facts.now)


def _stays(stack: DeployedStack, reason: str, may_go_at: int | None = None) -> Judged:
    return Judged(stack, goes=False, reason=reason, may_go_at=may_go_at)


def _last_use(stack: DeployedStack, activity: Activity, known: Use | None) -> Use:
    """The latest of what is known; a version that nobody ever released counts from its deployment."""
    uses = [Use(stack.changed, "was deployed" if known else "was deployed, and never released,")]
    uses += [known] if known else []
    uses += [Use(activity.last_end, "ended its last job")] if activity.last_end is not None else []
    return max(uses, key=lambda it: it.until)


def _foreign(facts: Facts, stack: DeployedStack) -> str:
    service = facts.state.service
    if stack.tags.get(settings.TAG_ENVIRONMENT) != facts.environment:
        return f"its tag {settings.TAG_ENVIRONMENT} is not {facts.environment!r}"
    if stack.tags.get(settings.TAG_SERVICE) != service:
        return f"its tag {settings.TAG_SERVICE} is not {service!r}"
    if not stack.tag or stack.name != settings.stack_name(service, stack.tag):
        return f"its tag {settings.TAG_VERSION} is {stack.tag!r}, which is not the version in its name"
    return ""


def _busy(stack: DeployedStack) -> str:
    if stack.is_being_deleted:
        return "it is being deleted already"
    return f"CloudFormation is at it ({stack.status})" if stack.status.endswith("_IN_PROGRESS") else ""


def _doubt(facts: Facts) -> str:
    if isinstance(facts.pointers.current, Invalid):
        return "current is invalid, so nobody can tell what is in use"
    if is_behind(facts.pointers, facts.state, facts.now):
        return "current was read as it was a moment ago"
    return ""


def _in_use(facts: Facts) -> dict[str, str]:
    """Why a version must stay, by its slug. What serves is said first."""
    pointers, state = facts.pointers, facts.state
    reasons: dict[str, str] = {}
    pointed = (
        (pointers.current, "it is current"),
        (state.current, "it is current, by the record"),
        (state.previous, "it is the previous version, to which a rollback goes"),
        (pointers.latest, "latest names it"),
        *((it.target, f"its release {it.release_id} is {it.state}") for it in _unfinished(facts)),
    )
    for content, reason in pointed:
        if isinstance(content, Version):
            reasons.setdefault(settings.slug(content.tag), reason)
    return reasons


def _unfinished(facts: Facts) -> Iterable[Release]:
    return (it for it in facts.releases if it.state not in _FINISHED or it.release_id == facts.state.open_release)

"""Retires stacks that nobody needs any more: looks, plans, and deletes one after the other.

A stack is judged anew right before it is deleted. In this order, since others act meanwhile:

    look and judge -> mark it on record, if no release came between -> wait until SSM shows every write
                   -> look and judge once more -> delete -> wait -> record what became of it

A rollback, and `canary-router release`, refuse a version that is marked. Whoever dies in between leaves a mark that
runs out; the next run begins anew, or records the end of what is gone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from canary_router import settings
from canary_router.core import records
from canary_router.core.changes import Commit
from canary_router.core.changes import retirements as changes
from canary_router.core.orders import TEXT_AT_MOST
from canary_router.core.pointers import understand
from canary_router.core.retirement import Facts, Judged, Rules, is_named_like_a_version, plan
from canary_router.core.retirement_records import Retirement, RetirementState
from canary_router.core.stacks import DeployedStack
from canary_router.errors import CanaryRouterError, InvalidInput, NotFound, Unavailable, Uncertain
from canary_router.flows.inspect import releases
from canary_router.flows.retired import retirements
from canary_router.ports import Ledger, Ports
from canary_router.ports.operation import Activities, Stacks

_MARK = 90_000
"""Milliseconds for which a mark keeps others off. CloudFormation is told within the first 60 s of them, or not at all,
so a run that stalls deletes nothing that a rollback was let to."""
_TOLD_BY = 60_000
_GOING = 4 * 3_600_000
"""Milliseconds for which a version is kept from use once CloudFormation was told: longer than a deletion takes. The
next run ends it earlier."""
_POLL_SECONDS = 2.0
_ROUNDS = 3
_WORDS = 1000
_NO_REASON = "CloudFormation does not say why"


@dataclass(frozen=True)
class Place:
    """Where stacks are retired, and by which rules; ``patience`` is for how many seconds a deletion is waited for."""

    ports: Ports
    stacks: Stacks
    activities: Activities
    environment: str
    service: str
    rules: Rules
    patience: float = 900.0


@dataclass(frozen=True)
class Who:
    """Who orders it, and why; ``new_id`` gives each attempt an id.

    Raises:
        InvalidInput: It takes too many words.
    """

    who: str
    why: str
    new_id: Callable[[], str]

    def __post_init__(self) -> None:
        if len(self.why) > TEXT_AT_MOST:
            raise InvalidInput(
                f"The reason has {len(self.why)} characters, {TEXT_AT_MOST} are allowed",
                advice="Say it in fewer words.",
            )


@dataclass(frozen=True)
class Retired:
    """What became of one stack of the plan."""

    stack: DeployedStack
    state: RetirementState
    outcome: str

    @property
    def is_well(self) -> bool:
        """Whether nobody has to come back to it: it is gone, or is needed after all."""
        return self.state in (RetirementState.RETIRED, RetirementState.LEFT)

    @property
    def in_words(self) -> str:
        """What became of it, as one clause."""
        return {
            RetirementState.RETIRED: "it is gone",
            RetirementState.LEFT: f"left as it is: {self.outcome}",
            RetirementState.FAILED: f"not deleted: {self.outcome}",
        }.get(self.state, self.outcome)


def facts_of(place: Place) -> Facts:
    """Looks at all that a plan is made from.

    Raises:
        NotFound: Nothing was ever written for the service.
        Unavailable: A dependency does not answer.
    """
    ports, service = place.ports, place.service
    readings = ports.pointers.read(service)
    if not readings.exist:
        raise NotFound(f"There is no service {service!r}", advice="Nothing was ever released for it here.")
    writes = ports.pointers.history(service, "current", 0), ports.pointers.history(service, "latest", 0)
    state = records.state_of(service, ports.ledger.get(records.state_key(service)))
    stacks = tuple(it for it in place.stacks.named_after(service) if is_named_like_a_version(service, it.name))
    return Facts(
        environment=place.environment,
        pointers=understand(service, readings),
        state=state,
        releases=tuple(releases(ports.ledger, service)),
        writes=writes,
        stacks=stacks,
        activity={it.stack_id: place.activities.of(it) for it in stacks},
        now=ports.clock.now(),
    )


def planned(place: Place) -> tuple[Judged, ...]:
    """What would become of each stack of the service by now, newest first. Nothing is changed.

    Raises:
        NotFound, Unavailable: As ``facts_of``.
    """
    return plan(facts_of(place), place.rules)


def retire(place: Place, judged: Judged, by: Who) -> Retired:
    """Deletes one stack of a plan, if it may still go, and puts on record what became of it.

    Raises:
        NotFound, Unavailable, Uncertain: As ``facts_of``; before anything was deleted.
    """
    begun: Retirement | None = None
    for _ in range(_ROUNDS):
        facts = facts_of(place)
        now = _still(facts, place.rules, judged.stack)
        if not now.goes:
            return Retired(judged.stack, RetirementState.LEFT, now.reason)
        attempt = _attempt(place, now, by, facts.now)
        if place.ports.ledger.commit(changes.begin(attempt, facts.state)) is None:
            begun = attempt
            break
    if begun is None:
        return Retired(
            judged.stack, RetirementState.LEFT, "somebody else is at it, or the releases change all the time"
        )
    # A write of a pointer that came before the mark shows by now; one that came after it has seen the mark.
    place.ports.clock.pause(settings.LOOK_UP_SECONDS)
    now = _still(facts_of(place), place.rules, judged.stack)
    if now.goes and place.ports.clock.now() - begun.at > _TOLD_BY:
        now = replace(now, goes=False, reason="looking once more took too long; run it again")
    if not now.goes:
        return _ended(place, judged.stack, begun, RetirementState.LEFT, now.reason)
    return _deleted(place, judged.stack, begun)


def _still(facts: Facts, rules: Rules, stack: DeployedStack) -> Judged:
    found = next((it for it in plan(facts, rules) if it.stack.stack_id == stack.stack_id), None)
    return Judged(stack, goes=False, reason="it is gone already") if found is None else found


def _attempt(place: Place, judged: Judged, by: Who, now: int) -> Retirement:
    stack = judged.stack
    return Retirement(
        retirement_id=by.new_id(),
        service=place.service,
        version=stack.tag,
        stack=stack.name,
        stack_id=stack.stack_id,
        who=by.who,
        why=by.why,
        at=now,
        reason=judged.reason,
        until=now + _MARK,
    )


def _deleted(place: Place, stack: DeployedStack, begun: Retirement) -> Retired:
    """Tells CloudFormation, and waits for the end."""
    try:
        place.stacks.delete(stack, begun.retirement_id)
    except Unavailable as error:
        return _ended(place, stack, begun, RetirementState.FAILED, str(error))
    except Uncertain:
        pass  # it may be going: that is looked at next
    clock = place.ports.clock
    _note(place.ports.ledger, changes.deleting(begun, clock.now() + _GOING))
    until = clock.now() + int(place.patience * 1000)
    while clock.now() < until:
        clock.pause(_POLL_SECONDS)
        try:
            found = place.stacks.find(stack.stack_id)
            if found is None:
                return _ended(place, stack, begun, RetirementState.RETIRED, "deleted")
            if found.is_going and not found.is_being_deleted:
                failed = place.stacks.what_failed(stack) or _NO_REASON
                return _ended(place, stack, begun, RetirementState.FAILED, failed)
        except Unavailable:
            pass  # it is on its way whether anybody looks or not
    return Retired(stack, RetirementState.DELETING, "its deletion goes on; run it again to learn the end")


def _ended(place: Place, stack: DeployedStack, begun: Retirement, state: RetirementState, outcome: str) -> Retired:
    _note(place.ports.ledger, changes.end(begun, state, outcome[:_WORDS], place.ports.clock.now()))
    return Retired(stack, state, outcome)


def _note(ledger: Ledger, commit: Commit) -> None:
    """Records what has happened in any case. If that fails, the next run does it: ``finish_interrupted``."""
    try:
        ledger.commit(commit)
    except CanaryRouterError:
        return


def finish_interrupted(place: Place) -> Iterator[Retirement]:
    """Records the end of retirements whose callers died, or waited no longer.

    Raises:
        Unavailable: A dependency does not answer.
    """
    for begun in retirements(place.ports.ledger, place.service):
        if begun.is_over:
            continue
        now, found = place.ports.clock.now(), place.stacks.find(begun.stack_id)
        if found is None:
            state, outcome = RetirementState.RETIRED, "deleted, as a later run found"
        elif found.is_going and not found.is_being_deleted:
            state, outcome = RetirementState.FAILED, place.stacks.what_failed(found) or _NO_REASON
        elif not found.is_going and begun.until < now:
            state, outcome = RetirementState.LEFT, "whoever began it was gone before it was deleted"
        else:
            continue
        place.ports.ledger.commit(changes.end(begun, state, outcome[:_WORDS], now))
        yield replace(begun, state=state, outcome=outcome)

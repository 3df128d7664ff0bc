"""Retiring a stack while others act: whoever comes first on record, the other one sees it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from tests.unit.retirement_world import Estate
from tests.unit.world import SERVICE, FaultyLedger, arn

from canary_router.adapters.memory import MemoryPointers, MemoryStacks
from canary_router.core.conditions import Refusal, Write
from canary_router.core.model import Version
from canary_router.core.orders import Order, OrderKind
from canary_router.core.pointers import Readings
from canary_router.core.retirement_records import RetirementState
from canary_router.core.stacks import DeployedStack
from canary_router.errors import NotVisible, OrderRefused, Unavailable, Uncertain
from canary_router.flows.orders import roll_back
from canary_router.flows.retired import check_not_marked, check_stays, retirements
from canary_router.flows.retiring import finish_interrupted

RETIRED, FAILED, LEFT, DELETING = (RetirementState(it) for it in ("RETIRED", "FAILED", "LEFT", "DELETING"))


def order(estate: Estate, number: int = 1) -> Order:
    return Order(f"o-{number}", OrderKind.ROLLBACK, SERVICE, "ben", "", estate.world.clock.now())


def test_a_stack_is_deleted_and_who_when_and_why_is_on_record() -> None:
    estate = Estate()
    begun_at = estate.world.clock.now()
    done = estate.retire(estate.plan()["v1.0.0"])
    assert (done.state, done.outcome) == (RETIRED, "deleted")
    assert estate.named("v1.0.0") is None
    kept = retirements(estate.world.ledger, SERVICE)[0]
    assert (kept.version, kept.stack, kept.who, kept.why, kept.at) == (
        "v1.0.0", "transformer-v1-0-0", "arn:aws:iam::123456789012:user/ann", "spring", begun_at,
    )  # fmt: skip
    assert (kept.reason, kept.state, kept.outcome) == ("it stopped being current 80 d 7 min ago", RETIRED, "deleted")
    assert kept.ended_at is not None


def test_a_plan_that_is_old_by_now_deletes_nothing() -> None:
    estate = Estate()
    judged = estate.plan()["v1.0.0"]
    estate.world.pointers.put(SERVICE, "latest", arn("v1.0.0"), "")
    done = estate.retire(judged)
    assert (done.state, done.outcome) == (LEFT, "latest names it")
    assert estate.stacks.told == []
    assert retirements(estate.world.ledger, SERVICE) == []


def test_a_stack_that_was_made_anew_since_is_not_the_one_that_was_judged() -> None:
    estate = Estate()
    judged = estate.plan()["v1.0.0"]
    estate.stacks.there.clear()
    estate.deploy("v1.0.0", stack_id="arn:aws:cloudformation:eu-west-1:123456789012:stack/transformer-v1-0-0/2")
    assert estate.retire(judged).outcome == "it is gone already"
    assert estate.stacks.told == []


class Interrupting(MemoryPointers):
    """Lets something happen right before the pointers are read for the n-th time."""

    def __init__(self, inner: MemoryPointers, at: int, happens: Callable[[], object]) -> None:
        self.__dict__.update(inner.__dict__)
        self._reads, self._at, self._happens = 0, at, happens

    def read(self, service: str) -> Readings:
        self._reads += 1
        if self._reads == self._at:
            self._happens()
        return super().read(service)


class Interrupted(FaultyLedger):
    """Lets something happen right before a commit."""

    def __init__(self, inner: FaultyLedger, happens: Callable[[], object]) -> None:
        super().__init__()
        self.__dict__.update(inner.__dict__)
        self._happens: Callable[[], object] | None = happens

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        happens, self._happens = self._happens, None
        if happens is not None:
            happens()
        return super().commit(writes)


def test_a_version_that_latest_names_after_it_was_marked_is_left_as_it_is() -> None:
    estate = Estate()
    judged = estate.plan()["v1.0.0"]
    pointers = estate.world.pointers
    late = Interrupting(pointers, 2, lambda: pointers.put(SERVICE, "latest", arn("v1.0.0"), ""))
    estate.world.replace_ports(pointers=late)
    done = estate.retire(judged)
    assert (done.state, done.outcome) == (LEFT, "latest names it")
    assert estate.stacks.told == []
    kept = retirements(estate.world.ledger, SERVICE)[0]
    assert (kept.state, kept.until) == (LEFT, 0)


def test_a_rollback_that_comes_first_keeps_the_stack_that_it_goes_to() -> None:
    estate = Estate()
    judged, ports = estate.plan()["v1.0.0"], estate.world.ports
    rolled = Interrupted(estate.world.ledger, lambda: roll_back(ports, order(estate), "v1.0.0"))
    estate.world.replace_ports(ledger=rolled)
    done = estate.retire(judged)
    assert done.state is LEFT
    assert done.outcome == "its release b-o-1 is PROMOTING"
    assert estate.stacks.told == []


def test_a_rollback_that_comes_second_is_refused_though_it_has_seen_no_mark() -> None:
    estate = Estate()
    judged, ledger = estate.plan()["v1.0.0"], estate.world.ledger
    estate.stacks.slow.add("transformer-v1-0-0")

    def prune() -> None:
        estate.world.replace_ports(ledger=ledger)
        assert estate.retire(judged).state is DELETING

    ports = replace(estate.world.ports, ledger=Interrupted(ledger, prune))
    with pytest.raises(OrderRefused, match=r"v1\.0\.0 is being retired: arn:.*/ann"):
        roll_back(ports, order(estate), "v1.0.0")
    assert estate.world.state.open_release is None


def test_a_rollback_to_another_version_goes_through() -> None:
    estate = Estate()
    estate.retire(estate.plan()["v1.0.0"])
    assert roll_back(estate.world.ports, order(estate), "v1.3.0").target.tag == "v1.3.0"


def test_two_at_once_delete_a_stack_once() -> None:
    estate = Estate()
    judged = estate.plan()["v1.0.0"]
    first: list[RetirementState] = []
    ledger = estate.world.ledger

    def other() -> None:
        estate.world.replace_ports(ledger=ledger)
        estate.stacks.slow.add("transformer-v1-0-0")
        first.append(estate.retire(judged).state)

    estate.world.replace_ports(ledger=Interrupted(ledger, other))
    second = estate.retire(judged)
    assert first == [DELETING]
    assert (second.state, second.outcome) == (LEFT, "it is being deleted already")
    assert estate.stacks.told == ["transformer-v1-0-0"]


class Stalling(MemoryStacks):
    """Takes its time to list the stacks once the version is marked."""

    def __init__(self, inner: MemoryStacks, stall: Callable[[], object]) -> None:
        super().__init__()
        self.there, self._stall, self._looks = inner.there, stall, 0

    def named_after(self, service: str) -> tuple[DeployedStack, ...]:
        self._looks += 1
        if self._looks == 2:
            self._stall()
        return super().named_after(service)


def test_a_run_that_stalls_deletes_nothing_that_others_were_let_to() -> None:
    estate = Estate()
    judged = estate.plan()["v1.0.0"]
    estate.stacks = Stalling(estate.stacks, lambda: estate.world.clock.advance(61))
    done = estate.retire(judged)
    assert (done.state, done.outcome) == (LEFT, "looking once more took too long; run it again")
    assert estate.stacks.told == []


def test_a_failed_deletion_is_told_with_cloudformations_reason_and_tried_again() -> None:
    estate = Estate()
    estate.stacks.failing["transformer-v1-0-0"] = "Results: The bucket you tried to delete is not empty"
    done = estate.retire(estate.plan()["v1.0.0"])
    assert (done.state, done.outcome) == (FAILED, "Results: The bucket you tried to delete is not empty")
    assert retirements(estate.world.ledger, SERVICE)[0].state is FAILED
    estate.stacks.failing.clear()
    assert estate.retire(estate.plan()["v1.0.0"]).state is RETIRED


def test_what_cloudformation_refuses_is_told_and_nobody_is_kept_off_any_longer() -> None:
    estate = Estate()
    judged = estate.plan()["v1.0.0"]

    class Refusing(MemoryStacks):
        def delete(self, stack: DeployedStack, token: str) -> None:
            raise Unavailable("deleting it: an export of it is imported by another stack")

    refusing = Refusing()
    refusing.there = estate.stacks.there
    estate.stacks = refusing
    done = estate.retire(judged)
    assert (done.state, done.outcome) == (FAILED, "deleting it: an export of it is imported by another stack")
    check_not_marked(estate.world.ledger, SERVICE, Version(arn("v1.0.0"), "v1.0.0"), estate.world.clock.now())


def test_a_deletion_whose_answer_was_lost_is_looked_at() -> None:
    estate = Estate()
    judged = estate.plan()["v1.0.0"]

    class Losing(MemoryStacks):
        def delete(self, stack: DeployedStack, token: str) -> None:
            super().delete(stack, token)
            raise Uncertain("the answer was lost")

    losing = Losing()
    losing.there = estate.stacks.there
    estate.stacks = losing
    assert estate.retire(judged).state is RETIRED


def test_who_dies_after_the_deletion_leaves_a_record_that_the_next_run_completes() -> None:
    estate = Estate()
    estate.stacks.slow.add("transformer-v1-0-0")
    assert estate.retire(estate.plan()["v1.0.0"]).state is DELETING
    assert list(finish_interrupted(estate.place())) == []
    estate.stacks.there = {key: it for key, it in estate.stacks.there.items() if it.tag != "v1.0.0"}
    assert [it.version for it in finish_interrupted(estate.place())] == ["v1.0.0"]
    kept = retirements(estate.world.ledger, SERVICE)[0]
    assert (kept.state, kept.outcome) == (RETIRED, "deleted, as a later run found")
    assert list(finish_interrupted(estate.place())) == []


def test_a_deletion_that_failed_after_nobody_waited_any_longer_is_on_record_by_the_next_run() -> None:
    estate = Estate()
    estate.stacks.slow.add("transformer-v1-0-0")
    estate.retire(estate.plan()["v1.0.0"])
    estate.stacks.failing["transformer-v1-0-0"] = "Results: the bucket is not empty"
    estate.deploy("v1.0.0", status="DELETE_FAILED")
    assert [(it.state, it.outcome) for it in finish_interrupted(estate.place())] == [
        (FAILED, "Results: the bucket is not empty")
    ]
    check_not_marked(estate.world.ledger, SERVICE, Version(arn("v1.0.0"), "v1.0.0"), estate.world.clock.now())


def test_who_dies_before_the_deletion_keeps_others_off_for_a_while_only() -> None:
    estate = Estate()
    judged = estate.plan()["v1.0.0"]
    pointers = estate.world.pointers

    def dies() -> None:
        raise KeyboardInterrupt

    ports = estate.world.ports
    estate.world.replace_ports(pointers=Interrupting(pointers, 2, dies))
    with pytest.raises(KeyboardInterrupt):
        estate.retire(judged)
    estate.world.ports = ports
    with pytest.raises(OrderRefused, match="is being retired"):
        roll_back(estate.world.ports, order(estate), "v1.0.0")
    assert estate.retire(judged).outcome == "somebody else is at it, or the releases change all the time"
    assert list(finish_interrupted(estate.place())) == [], "it may be at it yet"
    estate.world.clock.advance(91)
    assert [it.state for it in finish_interrupted(estate.place())] == [LEFT]
    assert roll_back(estate.world.ports, order(estate, 2), "v1.0.0").target.tag == "v1.0.0"


@pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "DELETE_FAILED"])
def test_nobody_goes_back_to_a_stack_that_is_going_by_whomever(status: str) -> None:
    estate = Estate()
    estate.deploy("v1.3.0", status=status)
    with pytest.raises(OrderRefused, match=rf"v1\.3\.0 cannot serve: its stack transformer-v1-3-0 .*{status}"):
        roll_back(estate.world.ports, order(estate), None, None, estate.stacks)
    target = Version(arn("v1.3.0"), "v1.3.0")
    estate.stacks.hidden = True
    check_stays(estate.world.ledger, estate.stacks, SERVICE, target, estate.world.clock.now())
    with pytest.raises(NotVisible):
        estate.plan()

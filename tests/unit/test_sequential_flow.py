"""A release under a sequential gate from its opening to its end: planned by the controller, sent no job before that."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.unit.world import SERVICE, World, arn

from canary_router.adapters.memory import MemoryLedger
from canary_router.core import changes
from canary_router.core.conditions import Clause, Refusal, Write
from canary_router.core.gate import Counted
from canary_router.core.model import ReleaseState, Route, Status, Transform, Version
from canary_router.core.orders import Order, OrderKind
from canary_router.core.outlook import waiting_for
from canary_router.core.sequential.baseline import count_of
from canary_router.flows.inspect import service_view
from canary_router.flows.orders import give_order
from canary_router.flows.planning import measured
from canary_router.settings import FULL_RELEASE_TTL

GATE = {"baseline": 0.05, "harm": 0.6, "alpha": 0.1, "beta": 0.1, "max": 8, "at_once": 2}
"""Promoted after 3 clean runs, or 7 with one failure; turned away by two failures among the first 5 jobs."""
CURRENT = Version(arn("v1.0.0"), "v1.0.0")


def on_trial(*, plan: bool = True, rest: dict[str, Any] | None = None, **changed: Any) -> World:
    world = World()
    policy = {"gate": {"sequential": {**GATE, **changed}}, "share": 1, **(rest or {})}
    world.pointers.put(SERVICE, "policy", json.dumps(policy), "")
    world.reconcile()
    world.write_latest("v1.1.0")
    if plan:
        world.reconcile()
    return world


def sent(world: World, count: int) -> list[Transform]:
    """So many jobs, one after the other, each seen by a router that has forgotten what it knew."""
    found = []
    for _ in range(count):
        world.clock.advance(int(FULL_RELEASE_TTL) + 1)
        found.append(world.submit())
    return found


def routes(transforms: Sequence[Transform]) -> list[str]:
    return [str(it.route) for it in transforms]


def test_a_release_is_sent_no_job_before_its_gate_is_planned() -> None:
    world = on_trial(plan=False)
    assert routes(sent(world, 2)) == ["current", "current"]
    assert (world.release.state, world.release.plan, world.release.places) == (ReleaseState.OPEN, None, 0)
    world.reconcile()
    assert world.release.plan is not None
    assert (world.release.plan.promote, world.release.places) == ((3, 7), 2)
    assert routes(sent(world, 3)) == ["latest", "latest", "current"]


def test_a_router_that_has_seen_a_release_full_asks_again_after_five_seconds() -> None:
    world = on_trial(at_once=1)
    (first,) = sent(world, 1)
    # The first of them is refused by the record, and the second one looks what is there.
    assert routes([world.submit(), world.submit()]) == ["current", "current"]
    world.end(first)
    gets = world.ledger.gets
    world.clock.advance(int(FULL_RELEASE_TTL) - 1)
    assert (routes([world.submit()]), world.ledger.gets) == (["current"], gets)
    world.clock.advance(1)
    assert routes([world.submit()]) == ["latest"]


def test_the_next_place_comes_with_the_end_of_a_job_and_the_last_end_promotes() -> None:
    world = on_trial()
    first, second = sent(world, 2)
    world.end(second)
    assert (world.release.places, world.release.state) == (3, ReleaseState.OPEN)
    third, other = sent(world, 2)
    assert routes([third, other]) == ["latest", "current"]
    world.end(third)
    assert world.release_state() is ReleaseState.OPEN
    world.end(first)
    assert (world.release_state(), world.pointer("current")) == (ReleaseState.PROMOTED, arn("v1.1.0"))
    assert world.release.reason == "3 of 3 jobs succeeded, which promotes it (3 succeeded, 0 failed, 0 running)"


def test_one_failure_asks_for_more_clean_runs_and_two_early_ones_turn_it_away() -> None:
    world = on_trial()
    first, second = sent(world, 2)
    world.end(first, Status.FAILED)
    assert (world.release_state(), world.release.places) == (ReleaseState.OPEN, 3)
    view = service_view(world.ports, SERVICE)
    assert "6 more clean runs needed, 1 of them under way" in waiting_for(
        view.pointers, view.release, world.clock.now()
    )
    world.end(second, Status.TIMED_OUT)
    assert (world.release_state(), world.pointer("latest")) == (ReleaseState.ABORTED, "none")
    assert "2 of 2 jobs failed" in world.release.reason


def test_slow_failures_weigh_as_much_as_quick_successes() -> None:
    world = on_trial(at_once=3)
    slow, *quick = sent(world, 3)
    for job in quick:
        world.end(job)
    # Two clean runs and one that nobody knows yet: no third place is to be had until it has ended.
    assert (world.release_state(), world.release.places) == (ReleaseState.OPEN, 3)
    assert routes(sent(world, 1)) == ["current"]
    world.end(slow, Status.FAILED)
    assert (world.release_state(), world.release.places) == (ReleaseState.OPEN, 6)


def test_with_every_event_lost_reconciliation_grants_and_promotes() -> None:
    world = on_trial()
    for _ in range(2):
        for job in sent(world, 2):
            if job.route == "latest":
                world.end(job, tell=False)
        world.reconcile()
    assert (world.release_state(), world.release.admitted) == (ReleaseState.PROMOTED, 3)


def test_a_duplicate_end_neither_counts_nor_grants_twice() -> None:
    world = on_trial()
    first, _ = sent(world, 2)
    for _ in range(3):
        world.end(first)
    assert (world.release.succeeded, world.release.places) == (1, 3)


def test_a_paused_release_gets_its_places_when_it_goes_on() -> None:
    world = on_trial()
    first, _ = sent(world, 2)
    order(world, OrderKind.PAUSE)
    world.end(first)
    assert (world.release.succeeded, world.release.places) == (1, 2)
    order(world, OrderKind.RESUME)
    world.reconcile()
    assert world.release.places == 3


def order(world: World, kind: OrderKind) -> None:
    world.clock.advance(1)
    give_order(world.ports, Order(f"o-{kind}", kind, SERVICE, "ann", "", world.clock.now()))


def test_what_is_inconclusive_is_held_for_a_person_or_turned_away_as_the_policy_says() -> None:
    states = {}
    for choice in ("hold", "abort"):
        world = on_trial(on_inconclusive=choice)
        failed = 0
        for _ in range(20):
            for job in sent(world, 1):
                if job.route == "latest":
                    # The third and the seventh fail: too late to be turned away, too many to be promoted.
                    bad = world.release.admitted in (3, 7)
                    failed += bad
                    world.end(job, Status.FAILED if bad else Status.SUCCEEDED)
        states[choice] = (world.release_state(), world.release.admitted, failed)
        if choice == "hold":
            assert "a person" in waiting_for(
                service_view(world.ports, SERVICE).pointers, world.release, world.clock.now()
            )
    assert states == {"hold": (ReleaseState.OPEN, 7, 2), "abort": (ReleaseState.ABORTED, 7, 2)}


def test_a_gate_that_cannot_keep_its_promise_is_turned_away_with_the_reason_and_no_job_is_sent() -> None:
    world = on_trial(max=2)
    assert world.release_state() is ReleaseState.ABORTED
    assert "its gate cannot keep what it promises" in world.release.reason
    assert "Raise 'max' to" in world.release.reason
    assert (world.release.admitted, world.pointer("current")) == (0, arn("v1.0.0"))


def test_two_controllers_that_plan_at_once_make_one_plan() -> None:
    world = on_trial()
    before = world.release
    assert before.plan is not None
    other = replace(before.plan, promote=(2, 4), abort=(0, 1))
    refusal = world.ledger.commit(changes.plan_gate(before, other, 8))
    assert refusal is not None
    assert refusal.names() == {changes.UNPLANNED}
    assert world.release == before


class LosesGrants(MemoryLedger):
    """Refuses the first grants, as if another outcome had come in between each time."""

    def __init__(self, ledger: MemoryLedger, times: int) -> None:
        super().__init__()
        self._items, self.times = ledger._items, times

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        if self.times and any("requests" in write.assign for write in writes):
            self.times -= 1
            return super().commit(tuple(replace(write, clauses=_changed(write.clauses)) for write in writes))
        return super().commit(writes)


def _changed(clauses: tuple[Clause, ...]) -> tuple[Clause, ...]:
    return tuple(replace(one, operand=99) if one.field == "admitted" else one for one in clauses)


def test_an_outcome_that_was_judged_by_counts_that_have_changed_is_judged_anew() -> None:
    world = on_trial()
    first, _ = sent(world, 2)
    world.replace_ports(ledger=LosesGrants(world.ledger, 2))
    world.end(first)
    assert (world.release.succeeded, world.release.places) == (1, 3)


def finished(world: World, count: int, failed: int = 0) -> None:
    """Jobs of current, with keys, so that they are recorded."""
    for number in range(count):
        world.clock.advance(1)
        job = world.submit({"n": number}, key=f"key-{world.clock.now()}")
        world.end(job, Status.FAILED if number < failed else Status.SUCCEEDED)


def test_a_baseline_is_measured_from_currents_own_jobs_and_what_was_counted_is_on_record() -> None:
    world = on_trial(plan=False, baseline="measured", harm=0.6, max=60)
    world.pointers.put(SERVICE, "latest", "none", "")
    finished(world, 20, failed=1)
    world.write_latest("v1.1.0")
    world.reconcile()
    plan = world.release.plan
    assert plan is not None
    assert plan.counted == Counted(20, 1)
    assert 0.05 < plan.baseline < 0.6


def test_a_baseline_that_nothing_was_measured_of_turns_the_release_away_and_says_what_to_do() -> None:
    world = on_trial(baseline="measured")
    assert world.release_state() is ReleaseState.ABORTED
    assert "record: all" in world.release.reason


def test_a_release_is_not_measured_by_its_own_jobs_nor_by_another_versions_nor_by_rescues() -> None:
    world = World()
    world.reconcile()
    finished(world, 4, failed=1)
    old = Version(arn("v0.9.0"), "v0.9.0")
    job = Transform("other", SERVICE, Route.CURRENT, old, Status.FAILED, 1, 1, "h")
    world.ledger.commit(changes.record(job))
    world.ledger.commit(changes.record(replace(job, transform_id="r", target=CURRENT, rescue_of="x")))
    world.ledger.commit(changes.record(replace(job, transform_id="c", target=CURRENT, release_id="r2-1")))
    assert measured(world.ledger, SERVICE, CURRENT) == Counted(4, 1)


def test_jobs_after_one_whose_end_is_not_known_do_not_count_yet() -> None:
    job = Transform("t", SERVICE, Route.CURRENT, CURRENT, Status.SUCCEEDED, 1, 1, "h")
    newest_first = [
        job,
        replace(job, status=Status.FAILED),
        replace(job, status=Status.RUNNING),
        replace(job, status=Status.NOT_STARTED),
        job,
    ]
    assert count_of(newest_first, CURRENT) == Counted(2, 1)
    assert count_of(newest_first[:3], CURRENT) is None


def test_only_the_newest_thousand_jobs_are_counted() -> None:
    world = World()
    for number in range(1_100):
        status = Status.FAILED if number < 100 else Status.SUCCEEDED
        job = Transform(f"t-{number}", SERVICE, Route.CURRENT, CURRENT, status, number, number, "h")
        world.ledger.commit(changes.record(job))
    assert measured(world.ledger, SERVICE, CURRENT) == Counted(1_000, 0)


def test_a_first_version_needs_no_plan() -> None:
    world = World(current="")
    world.pointers.put(SERVICE, "policy", json.dumps({"gate": {"sequential": GATE}}), "")
    world.write_latest("v1.0.0")
    world.reconcile()
    assert (world.release_state(), world.release.plan) == (ReleaseState.PROMOTED, None)

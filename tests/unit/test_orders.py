"""What people order: done with the record of it or not at all, and never against a decision."""

from itertools import count

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.adapters.memory import MemoryFunctions
from canary_router.core import order_records, records
from canary_router.core.model import Basis, Release, ReleaseState, Route, Status
from canary_router.core.orders import GivenOrder, Order, OrderKind
from canary_router.errors import NotFound, OrderRefused, Unavailable, Uncertain
from canary_router.flows.orders import give_order, roll_back

_IDS = count(1)


def order(world: World, kind: OrderKind, why: str = "") -> Order:
    return Order(f"o{next(_IDS)}", kind, SERVICE, "arn:aws:iam::123456789012:user/ann", why, world.clock.now())


def give(world: World, kind: OrderKind, why: str = "") -> Release:
    return give_order(world.ports, order(world, kind, why))


def back(world: World, to: str | None = None) -> Release:
    return roll_back(world.ports, order(world, OrderKind.ROLLBACK), to)


def orders(world: World) -> list[GivenOrder]:
    page = world.ledger.by_prefix(records.state_key(SERVICE).partition, order_records.ORDER_PREFIX)
    return [order_records.order_of(item) for item in page.items]


def told(world: World) -> list[str]:
    return [announcement.detail_type for announcement in world.notifier.told]


def promoted(*tags: str) -> World:
    """v1.0.0 and then each of the versions became current."""
    world = World()
    world.reconcile()
    for tag in tags:
        world.write_latest(tag)
        for _ in range(2):
            world.end(world.submit())
        assert world.pointer("current") == arn(tag)
    return world


def test_a_paused_release_takes_no_job_and_a_resumed_one_does() -> None:
    world = World()
    world.write_latest("v1.1.0")
    assert give(world, OrderKind.PAUSE).state is ReleaseState.PAUSED
    assert world.submit().route is Route.CURRENT
    assert give(world, OrderKind.RESUME).state is ReleaseState.OPEN
    world.clock.advance(2)
    assert world.submit().route is Route.LATEST


def test_a_paused_release_is_not_promoted_by_its_successes_but_by_whoever_resumes_it() -> None:
    world = World()
    world.write_latest("v1.1.0")
    jobs = [world.submit(), world.submit()]
    give(world, OrderKind.PAUSE)
    for job in jobs:
        world.end(job)
    world.reconcile()
    assert (world.release_state(), world.pointer("current")) == (ReleaseState.PAUSED, arn("v1.0.0"))
    give(world, OrderKind.RESUME)
    world.reconcile()
    assert (world.release_state(), world.pointer("current")) == (ReleaseState.PROMOTED, arn("v1.1.0"))


def test_a_paused_release_is_aborted_by_a_failure() -> None:
    world = World()
    world.write_latest("v1.1.0")
    job = world.submit()
    give(world, OrderKind.PAUSE)
    world.end(job, Status.FAILED)
    assert world.release_state() is ReleaseState.ABORTED


def test_a_first_version_needs_no_order() -> None:
    world = World(current="")
    world.write_latest("v1.0.0")
    with pytest.raises(OrderRefused, match="no open release"):
        give(world, OrderKind.PAUSE)
    world.reconcile()
    assert world.pointer("current") == arn("v1.0.0")


def test_people_hear_of_a_pause_and_of_its_end() -> None:
    world = World()
    world.write_latest("v1.1.0")
    give(world, OrderKind.PAUSE)
    world.reconcile()
    world.reconcile()
    give(world, OrderKind.RESUME)
    world.reconcile()
    world.reconcile()
    assert told(world) == ["Release Opened", "Release Paused", "Release Resumed"]


def test_a_person_promotes_before_the_jobs_have_ended_and_that_is_on_record() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    given = give(world, OrderKind.PROMOTE, "the night's run cannot wait")
    assert given.state is ReleaseState.PROMOTING
    world.reconcile()
    assert world.pointer("current") == arn("v1.1.0")
    release = world.release
    assert (release.state, release.ordered_by) == (ReleaseState.PROMOTED, "arn:aws:iam::123456789012:user/ann")
    assert release.reason == (
        "promoted by order of arn:aws:iam::123456789012:user/ann: the night's run cannot wait "
        "(0 succeeded, 0 failed, 1 running)"
    )
    [recorded] = orders(world)
    assert (recorded.release_id, recorded.version) == (release.release_id, "v1.1.0")
    assert recorded.counts == "0 succeeded, 0 failed, 1 running"
    assert told(world) == ["Release Opened", "Release Promoted"]


def test_a_release_that_no_request_has_opened_is_opened_by_the_order() -> None:
    world = World()
    world.write_latest("v1.1.0")
    assert give(world, OrderKind.ABORT, "wrong branch").state is ReleaseState.ABORTING
    assert world.submit().route is Route.CURRENT
    world.reconcile()
    assert (world.release_state(), world.pointer("latest")) == (ReleaseState.ABORTED, "none")


@pytest.mark.parametrize("kind", [kind for kind in OrderKind if kind is not OrderKind.ROLLBACK])
def test_without_an_open_release_there_is_nothing_to_order(kind: OrderKind) -> None:
    world = promoted("v1.1.0")
    with pytest.raises(OrderRefused, match="transformer has no open release"):
        give(world, kind)
    assert orders(world) == []


@pytest.mark.parametrize("kind", [OrderKind.PROMOTE, OrderKind.PAUSE, OrderKind.RESUME, OrderKind.ABORT])
def test_a_decision_stands_whatever_is_ordered_after_it(kind: OrderKind) -> None:
    world = World()
    world.write_latest("v1.1.0")
    give(world, OrderKind.ABORT, "no")
    with pytest.raises(OrderRefused, match="ABORTING already: aborted by order of"):
        give(world, kind)
    assert len(orders(world)) == 1


def test_what_is_so_already_is_not_ordered_again() -> None:
    world = World()
    world.write_latest("v1.1.0")
    with pytest.raises(OrderRefused, match="is OPEN already"):
        give(world, OrderKind.RESUME)
    give(world, OrderKind.PAUSE)
    with pytest.raises(OrderRefused, match="is PAUSED already"):
        give(world, OrderKind.PAUSE)


@pytest.mark.parametrize("happened", [True, False])
def test_an_order_whose_answer_was_lost_is_carried_out_once(happened: bool) -> None:  # noqa: FBT001 - a case
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    world.ledger.lose_answers = [happened]
    assert give(world, OrderKind.PAUSE).state is ReleaseState.PAUSED
    assert len(orders(world)) == 1
    assert world.release.orders == 1


def test_the_same_order_given_again_finds_its_own_effect() -> None:
    world = World()
    world.write_latest("v1.1.0")
    same = order(world, OrderKind.PAUSE)
    give_order(world.ports, same)
    give(world, OrderKind.RESUME)
    assert give_order(world.ports, same).state is ReleaseState.OPEN
    assert len(orders(world)) == 2


def test_once_an_answer_was_lost_a_refusal_is_no_longer_certain() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    world.ledger.lose_answers = [False] * 9
    with pytest.raises(Uncertain):
        give(world, OrderKind.PAUSE)


def test_nothing_is_promoted_over_an_invalid_current_by_order_either() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    world.pointers.put(SERVICE, "current", "rubbish", "")
    with pytest.raises(OrderRefused, match="'rubbish', which nothing is written over"):
        give(world, OrderKind.PROMOTE)
    assert give(world, OrderKind.PAUSE).state is ReleaseState.PAUSED


def test_an_unknown_service_is_said_to_be_unknown() -> None:
    world = World(current="")
    with pytest.raises(NotFound, match="There is no service 'transformer'"):
        give(world, OrderKind.PAUSE)
    with pytest.raises(NotFound, match="There is no service 'transformer'"):
        back(world)


def test_a_rollback_makes_the_previous_version_current_again() -> None:
    world = promoted("v1.1.0")
    given = back(world)
    assert (given.target.tag, given.state, given.basis) == ("v1.0.0", ReleaseState.PROMOTING, Basis.ROLLBACK)
    world.reconcile()
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.0.0"), "none")
    state = world.state
    assert state.current is not None
    assert state.previous is not None
    assert (state.current.tag, state.previous.tag, state.open_release) == ("v1.0.0", "v1.1.0", None)
    assert world.submit().target.tag == "v1.0.0"
    assert told(world)[-1] == "Release RolledBack"
    back(world)
    world.reconcile()
    assert world.pointer("current") == arn("v1.1.0")


def test_a_rollback_aborts_the_open_release_and_blanks_its_write() -> None:
    world = promoted("v1.1.0")
    world.write_latest("v1.2.0")
    job = world.submit()
    assert job.route is Route.LATEST
    given = back(world)
    world.end(job)
    world.reconcile()
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.0.0"), "none")
    by_id = {release.release_id: release for release in world.releases}
    assert given.supersedes is not None
    aborted = by_id[given.supersedes]
    assert (aborted.state, by_id[given.release_id].state) == (ReleaseState.ABORTED, ReleaseState.PROMOTED)
    assert aborted.reason.startswith("rolled back to v1.0.0 by order of")
    assert told(world)[-2:] == ["Release Aborted", "Release RolledBack"]
    assert world.meter.sums["ReleaseAborted", SERVICE] == 1


def test_a_release_that_is_written_during_a_rollback_is_opened_after_it() -> None:
    world = promoted("v1.1.0")
    back(world)
    world.write_latest("v1.2.0")
    assert world.submit().target.tag == "v1.1.0"
    world.reconcile()
    assert world.release.target.tag == "v1.2.0"
    assert world.submit().target.tag == "v1.2.0"
    assert world.pointer("current") == arn("v1.0.0")


def test_a_rollback_goes_to_any_version_that_was_current_and_to_no_other() -> None:
    world = promoted("v1.1.0", "v1.2.0")
    with pytest.raises(NotFound, match=r"v9.9.9 of transformer was never current") as refused:
        back(world, "v9.9.9")
    assert refused.value.advice == "Those that were: v1.2.0, v1.1.0, v1.0.0. Any other is released."
    assert back(world, "v1.0.0").target.tag == "v1.0.0"


def test_there_must_be_something_to_go_back_to() -> None:
    world = World()
    world.reconcile()
    with pytest.raises(OrderRefused, match="has no previous version"):
        back(world)
    with pytest.raises(OrderRefused, match=r"v1\.0\.0 is current already"):
        back(world, "v1.0.0")


def test_a_current_written_by_hand_is_what_a_rollback_goes_back_from() -> None:
    world = promoted("v1.1.0")
    world.clock.advance(120)
    world.pointers.put(SERVICE, "current", arn("v1.3.0"), "")
    assert back(world).target.tag == "v1.1.0"
    world.reconcile()
    assert world.pointer("current") == arn("v1.1.0")
    assert world.state.previous is not None
    assert world.state.previous.tag == "v1.3.0"


def test_a_current_written_again_as_it_was_leaves_what_was_before_it() -> None:
    world = promoted("v1.1.0")
    world.clock.advance(120)
    world.pointers.put(SERVICE, "current", arn("v1.1.0"), "")
    assert back(world).target.tag == "v1.0.0", "whether or not that write is on record yet"
    world = promoted("v1.1.0")
    world.clock.advance(120)
    world.pointers.put(SERVICE, "current", arn("v1.1.0"), "")
    world.reconcile()
    assert world.state.previous is not None
    assert world.state.previous.tag == "v1.0.0"
    assert back(world).target.tag == "v1.0.0"


def test_pointers_that_are_being_written_are_waited_for() -> None:
    world = promoted("v1.1.0")
    world.write_latest("v1.2.0")
    give(world, OrderKind.PROMOTE)
    with pytest.raises(OrderRefused, match=r"pointers of v1.2.0 are being written") as refused:
        back(world)
    assert refused.value.advice == "Try again in a moment."


def test_a_rollback_whose_answer_was_lost_happens_once() -> None:
    world = promoted("v1.1.0")
    world.ledger.lose_answers = [True]
    given = back(world)
    world.reconcile()
    assert world.pointer("current") == arn("v1.0.0")
    assert [one.release_id for one in orders(world)] == [given.release_id]


def test_an_order_needs_the_record() -> None:
    world = promoted("v1.1.0")
    world.ledger.down = True
    with pytest.raises(Unavailable):
        give(world, OrderKind.PAUSE)
    with pytest.raises(Unavailable):
        back(world)


def test_nobody_promotes_what_was_withdrawn() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    world.clock.advance(1)
    world.pointers.put(SERVICE, "latest", "none", "by hand")
    with pytest.raises(OrderRefused, match="latest was blanked"):
        give(world, OrderKind.PROMOTE)


def test_a_rollback_looks_whether_the_versions_pipeline_is_still_there() -> None:
    world = promoted("v1.1.0")
    functions = MemoryFunctions()
    functions.gone.add(arn("v1.0.0"))
    with pytest.raises(OrderRefused, match=r"v1\.0\.0 cannot serve"):
        roll_back(world.ports, order(world, OrderKind.ROLLBACK), None, functions)
    assert orders(world) == []
    functions.gone.clear()
    assert roll_back(world.ports, order(world, OrderKind.ROLLBACK), None, functions).target.tag == "v1.0.0"

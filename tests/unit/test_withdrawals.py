"""A deployment that was rolled back, and whoever puts its write back, blanks it or decides it in the same moment."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.core.model import ReleaseState, Status
from canary_router.core.orders import Order, OrderKind
from canary_router.core.pointers import Reading
from canary_router.core.writes import blank_note, hidden, put_back_note
from canary_router.errors import Unavailable, Uncertain
from canary_router.flows.operate import Released, release, withdraw
from canary_router.flows.orders import give_order


class Through:
    """Pointers as they are; the test overrides one call."""

    def __init__(self, world: World) -> None:
        self.world = world
        inner = world.pointers
        self.inner = inner
        self.read, self.put, self.history, self.services = inner.read, inner.put, inner.history, inner.services


def hide(world: World, tag: str, by: str = "v1.1.0") -> tuple[int, int]:
    """by is released, then tag; a blank that was meant for by comes over tag. Versions of both."""
    world.write_latest(by)
    old = world.readings.latest
    world.write_latest(tag)
    new = world.readings.latest
    assert old is not None
    assert new is not None
    world.pointers.put(SERVICE, "latest", "none", blank_note(old.mark.release_id))
    return old.version, new.version


def test_a_deployment_whose_write_was_put_back_can_still_withdraw_it() -> None:
    world = World()
    _, version = hide(world, "v1.2.0")
    world.reconcile()
    world.reconcile()
    assert world.pointer("latest") == arn("v1.2.0")
    jobs = [world.submit() for _ in range(2)]
    assert all(job.target.tag == "v1.2.0" for job in jobs)
    withdraw(world.pointers, SERVICE, Released(arn("v1.2.0"), version))  # then CloudFormation deletes its functions
    for job in jobs:
        world.end(job)  # what was started ends well
    world.reconcile()
    assert world.pointer("current") == arn("v1.0.0")


def test_a_withdrawal_does_not_put_its_own_version_back() -> None:
    world = World()
    world.write_latest("v1.1.0")
    old = world.readings.latest
    world.write_latest("v1.2.0")
    mine = world.readings.latest
    assert old is not None
    assert mine is not None
    older, version = old.mark.release_id, mine.version

    class Stalls(Through):
        def __init__(self, world: World) -> None:
            super().__init__(world)
            self.first = True
            self.put = self._put

        def _put(self, service: str, leaf: str, value: str, note: str) -> int:
            if self.first:  # between its look and its blank, the controller blanks for the older one and puts this back
                self.first = False
                self.inner.put(SERVICE, "latest", "none", blank_note(older))
                self.inner.put(SERVICE, "latest", arn("v1.2.0"), put_back_note(version))
            return self.inner.put(service, leaf, value, note)

    withdraw(Stalls(world), SERVICE, Released(arn("v1.2.0"), version))
    assert world.pointer("latest") == "none"


def test_fold_a_blank_names_the_original_of_a_copy_though_the_history_begins_at_the_copy() -> None:
    history = (
        Reading("a", 5, 5000),
        Reading("b", 6, 6000),
        Reading("none", 7, 7000, "canary-router blanked r5-5"),
        Reading("b", 8, 8000, "canary-router put back version 6"),
        Reading("none", 9, 9000, "canary-router blanked r6-6"),
    )
    for begin in range(5):
        assert hidden(history[begin:]) is None, begin


@pytest.mark.parametrize("who", ["person", "deployment"])
def test_a_withdrawal_that_slips_in_before_a_putting_back_stays(who: str) -> None:
    world = World()
    _, version = hide(world, "v1.2.0")
    lost = world.pointers.history(SERVICE, "latest", version - 1)[0]

    class Slips(Through):
        def __init__(self, world: World) -> None:
            super().__init__(world)
            self.done = False
            self.put = self._put

        def _put(self, service: str, leaf: str, value: str, note: str) -> int:
            if not self.done and note.startswith("canary-router put back"):
                self.done = True
                slipped = {
                    "person": "by hand",
                    "deployment": blank_note(lost.mark.release_id),
                }[who]
                self.inner.put(SERVICE, "latest", "none", slipped)
            return self.inner.put(service, leaf, value, note)

    world.replace_ports(pointers=Slips(world))
    for _ in range(3):
        with contextlib.suppress(Unavailable):
            world.reconcile()
    assert world.pointer("latest") == "none", world.releases


def test_hidden_in_a_latest_that_was_made_anew_and_counts_further_than_the_look() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.reconcile()
    for _ in range(2):
        world.end(world.submit())
    world.pointers.put(SERVICE, "latest", "none", "by hand")
    world.reconcile()  # v1 release, v2 our blank, v3 by hand: somebody has looked up to v3
    assert world.state.looked_up_to is not None
    assert world.state.looked_up_to.version == 3
    world.pointers.delete(SERVICE, "latest")
    world.clock.advance(40)
    world.write_latest("v1.2.0")
    first = world.readings.latest
    world.write_latest("v1.3.0")
    assert first is not None
    world.pointers.put(SERVICE, "latest", "none", blank_note(first.mark.release_id))  # withdrawal that died
    for _ in range(3):
        world.reconcile()
    assert world.pointer("latest") == arn("v1.3.0")


@pytest.mark.parametrize("gap", [3, 14, 16])
def test_a_current_made_anew_soon_does_not_stop_the_service_for_ever(gap: int) -> None:
    world = World()
    world.write_latest("v1.1.0")
    for transform in [world.submit() for _ in range(2)]:
        world.end(transform)
    assert world.pointer("current") == arn("v1.1.0")
    world.pointers.delete(SERVICE, "current")
    world.clock.advance(gap)
    world.pointers.put(SERVICE, "current", arn("v1.0.0"), "by hand")
    world.clock.advance(3_600)
    world.reconcile()
    assert world.state.current is not None
    assert world.state.current.tag == "v1.0.0"


def test_a_close_that_comes_late_widens_that_window() -> None:
    # The parameter is made anew 30 s after it was deleted, as SSM asks; the run that promoted closes 40 s later.
    world = World()

    class SlowTeller:
        def __init__(self, inner: Any) -> None:
            self.inner = inner
            self.once = False

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def tell(self, *given: Any) -> Any:
            if not self.once and world.pointer("current") == arn("v1.1.0"):
                self.once = True
                world.clock.advance(1)
                world.pointers.delete(SERVICE, "current")
                world.clock.advance(30)
                world.pointers.put(SERVICE, "current", arn("v1.0.0"), "by hand")
                world.clock.advance(9)
            return self.inner.tell(*given)

    world.replace_ports(notifier=SlowTeller(world.notifier))
    world.write_latest("v1.1.0")
    for transform in [world.submit() for _ in range(2)]:
        world.end(transform)
    world.clock.advance(3_600)
    world.reconcile()
    assert world.state.current is not None
    assert world.state.current.tag == "v1.0.0"


def test_a_release_that_is_aborted_while_it_is_put_back_does_not_come_back() -> None:
    world = World()
    world.write_latest("v1.1.0")
    old = world.readings.latest
    world.write_latest("v1.2.0")
    job = world.submit()
    assert job.target.tag == "v1.2.0"
    assert old is not None
    world.pointers.put(SERVICE, "latest", "none", blank_note(old.mark.release_id))  # late

    class Fails(Through):
        def __init__(self, world: World) -> None:
            super().__init__(world)
            self.done = False
            self.put = self._put

        def _put(self, service: str, leaf: str, value: str, note: str) -> int:
            if not self.done:
                self.done = True
                world.end(job, Status.FAILED)
            return self.inner.put(service, leaf, value, note)

    world.replace_ports(pointers=Fails(world))
    for _ in range(3):
        with contextlib.suppress(Unavailable):
            world.reconcile()
    assert all(release.state is not ReleaseState.OPEN for release in world.releases), world.releases


def test_hidden_by_a_late_put_back_is_not_withdrawn_while_history_lags_and_policy_is_refused() -> None:
    world = World()
    world.write_latest("v1.1.0")
    old = world.readings.latest
    world.write_latest("v1.2.0")
    world.reconcile()
    assert old is not None
    world.clock.advance(1)
    world.pointers.put(SERVICE, "latest", arn("v1.1.0"), put_back_note(old.version))  # arrives late
    world.pointers.put(SERVICE, "policy", "rubbish", "")

    class Lags(Through):
        def __init__(self, world: World) -> None:
            super().__init__(world)
            self.history = lambda service, leaf, after_version: self.inner.history(service, leaf, after_version)[:-1]

    world.replace_ports(pointers=Lags(world))
    with contextlib.suppress(Unavailable):
        world.reconcile()
    world.replace_ports(pointers=world.pointers)
    world.pointers.put(SERVICE, "policy", "{}", "")
    for _ in range(3):
        world.reconcile()
    assert world.pointer("latest") == arn("v1.2.0"), world.releases


def test_an_order_that_was_hidden_and_put_back_is_not_released_twice() -> None:
    world = World()
    world.write_latest("v1.1.0")
    old = world.readings.latest
    given = release(world.pointers, SERVICE, arn("v1.2.0"), "req-1")
    assert old is not None
    world.pointers.put(SERVICE, "latest", "none", blank_note(old.mark.release_id))
    world.reconcile()
    again = release(world.pointers, SERVICE, arn("v1.2.0"), "req-1")
    assert again == given


def test_put_back_that_arrives_after_its_copy_was_decided() -> None:
    history = (
        Reading("a", 5, 5000),
        Reading("b", 6, 6000),
        Reading("none", 7, 7000, "canary-router blanked r5-5"),
        Reading("b", 8, 8000, "canary-router put back version 6"),
        Reading("none", 9, 9000, "canary-router blanked r8-8"),
        Reading("c", 10, 10000),
        Reading("b", 11, 11000, "canary-router put back version 6"),
    )
    found = hidden(history)
    assert found is not None
    assert found.version == 10


@pytest.mark.parametrize("before", ["missing", "older"])
def test_a_withdrawal_does_not_believe_a_read_that_is_older_than_its_own_write(before: str) -> None:
    world = World()
    if before == "older":
        world.pointers.put(SERVICE, "latest", "none", "")
    old = world.readings.latest
    given = release(world.pointers, SERVICE, arn("v1.2.0"), "req-1")

    class Stale(Through):
        def __init__(self, world: World) -> None:
            super().__init__(world)
            self.read = lambda service: replace(self.inner.read(service), latest=old)

    try:
        done = withdraw(Stale(world), SERVICE, given)
    except Unavailable:
        return  # CloudFormation's order is tried again
    assert done or world.pointer("latest") == "none"


def test_a_promotion_that_was_not_written_yet_is_not_carried_out_after_the_withdrawal() -> None:
    world = World()
    given = release(world.pointers, SERVICE, arn("v1.2.0"), "req-1")
    world.reconcile()
    give_order(world.ports, Order("o1", OrderKind.PROMOTE, SERVICE, "ann", "", world.clock.now()))  # controller dies
    assert withdraw(world.pointers, SERVICE, given)  # answered True: CloudFormation deletes the functions
    world.reconcile()
    assert world.pointer("current") == arn("v1.0.0")


def test_a_promotion_that_was_not_written_yet_gives_way_to_a_newer_release() -> None:
    world = World()
    release(world.pointers, SERVICE, arn("v1.1.0"), "req-1")
    world.reconcile()
    give_order(world.ports, Order("o1", OrderKind.PROMOTE, SERVICE, "ann", "", world.clock.now()))  # controller dies
    world.clock.advance(1)
    release(world.pointers, SERVICE, arn("v1.2.0"), "req-2")
    world.reconcile()
    assert world.pointer("current") == arn("v1.0.0")
    first, second = world.releases[1], world.releases[0]
    assert (first.state, first.reason) == (
        ReleaseState.ABORTED,
        "withdrawn: latest was written again, before it became current",
    )
    assert (second.target.tag, second.state) == ("v1.2.0", ReleaseState.OPEN)


def test_a_current_that_was_deleted_after_our_write_and_made_anew_by_hand_stands() -> None:
    world = World()

    class KilledAfterItsBlank(Through):
        def __init__(self, world: World) -> None:
            super().__init__(world)
            self.put = self._put

        def _put(self, service: str, leaf: str, value: str, note: str) -> int:
            version = self.inner.put(service, leaf, value, note)
            if leaf == "latest":
                raise Uncertain("killed")
            return version

    world.write_latest("v1.1.0")
    first, second = world.submit(), world.submit()
    world.end(first)
    world.replace_ports(pointers=KilledAfterItsBlank(world))
    with pytest.raises(Uncertain):
        world.end(second)
    world.replace_ports(pointers=world.pointers)
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.1.0"), "none")
    world.pointers.delete(SERVICE, "current")
    world.clock.advance(30)
    world.pointers.put(SERVICE, "current", arn("v0.9.0"), "by hand")
    for _ in range(3):
        world.reconcile()
    assert world.pointer("current") == arn("v0.9.0")
    assert world.state.current is not None
    assert world.state.current.tag == "v0.9.0"
    assert next(one for one in world.releases if one.target.tag == "v1.1.0").state is ReleaseState.PROMOTED

"""A blank of ours may overwrite a release that came in the same moment. Whoever made the blank, it is put back."""

import contextlib
from dataclasses import replace

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.core import changes
from canary_router.core.lifecycle import release_from
from canary_router.core.model import Basis, ReleaseState, Status
from canary_router.core.pointers import Reading, Readings, understand
from canary_router.core.writes import blank_note, put_back_note, withdrawal_note
from canary_router.errors import Unavailable, Uncertain
from canary_router.flows.blanking import put_back
from canary_router.flows.operate import Released, withdraw


class BlanksUnseenAndDies:
    """While its holder blanks latest somebody else releases; the holder is killed right after its blank."""

    def __init__(self, world: World, tag: str) -> None:
        self.world = world
        self.tag = tag
        self.read = world.pointers.read
        self.history = world.pointers.history
        self.services = world.pointers.services

    def put(self, service: str, leaf: str, value: str, note: str) -> int:
        self.world.write_latest(self.tag)
        self.world.pointers.put(service, leaf, value, note)
        raise Uncertain("killed")


def withdrawn_unseen(world: World, tag: str) -> None:
    world.write_latest("v1.1.0")
    write = world.readings.latest
    assert write is not None
    with pytest.raises(Uncertain):
        withdraw(BlanksUnseenAndDies(world, tag), SERVICE, Released(arn("v1.1.0"), write.version))


def test_a_release_that_a_withdrawal_has_blanked_unseen_is_put_back_by_the_next_pass() -> None:
    world = World()
    withdrawn_unseen(world, "v1.2.0")
    assert world.pointer("latest") == "none"
    world.reconcile()
    world.reconcile()
    assert world.pointer("latest") == arn("v1.2.0")
    assert (world.release.target.tag, world.release.state) == ("v1.2.0", ReleaseState.OPEN)


def test_a_release_that_was_opened_before_such_a_blank_is_not_taken_for_withdrawn() -> None:
    world = World()

    class OpenedMeanwhile(BlanksUnseenAndDies):
        def put(self, service: str, leaf: str, value: str, note: str) -> int:
            self.world.write_latest(self.tag)
            self.world.reconcile()
            self.world.pointers.put(service, leaf, value, note)
            raise Uncertain("killed")

    world.write_latest("v1.1.0")
    write = world.readings.latest
    assert write is not None
    with pytest.raises(Uncertain):
        withdraw(OpenedMeanwhile(world, "v1.2.0"), SERVICE, Released(arn("v1.1.0"), write.version))
    for _ in range(2):
        world.reconcile()
    assert world.pointer("latest") == arn("v1.2.0")
    assert [release.state for release in world.releases[:2]] == [ReleaseState.OPEN, ReleaseState.SUPERSEDED]


def test_what_a_person_has_blanked_stays_blank() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.clock.advance(1)
    world.pointers.put(SERVICE, "latest", "none", "by hand")
    for _ in range(3):
        world.reconcile()
    assert world.pointer("latest") == "none"
    assert world.releases[0].basis is Basis.ADOPTED


def test_a_release_that_was_withdrawn_in_order_stays_withdrawn() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.write_latest("v1.2.0")
    write = world.readings.latest
    assert write is not None
    world.clock.advance(1)
    assert withdraw(world.pointers, SERVICE, Released(arn("v1.2.0"), write.version))
    for _ in range(3):
        world.reconcile()
    assert world.pointer("latest") == "none"
    assert world.pointers.history(SERVICE, "latest", 0)[-1].note == withdrawal_note(write.mark.release_id)


def test_a_first_version_is_not_written_over_what_a_person_has_made_current_meanwhile() -> None:
    world = World(current="")

    class KilledBeforeItWrites(BlanksUnseenAndDies):
        def put(self, service: str, leaf: str, value: str, note: str) -> int:
            raise Uncertain("killed")

    world.write_latest("v1.1.0")
    world.replace_ports(pointers=KilledBeforeItWrites(world, ""))
    with pytest.raises(Uncertain):
        world.reconcile()
    world.replace_ports(pointers=world.pointers)
    world.pointers.put(SERVICE, "current", arn("v1.0.0"), "by hand")
    for _ in range(3):
        world.reconcile()
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.0.0"), "none")
    assert "by hand" in next(one for one in world.releases if one.basis is Basis.FIRST).reason
    assert world.state.current is not None
    assert world.state.current.tag == "v1.0.0"


def test_a_release_of_what_is_current_already_does_not_undo_a_person_s_change() -> None:
    world = World()

    class KilledBeforeItWrites(BlanksUnseenAndDies):
        def put(self, service: str, leaf: str, value: str, note: str) -> int:
            raise Uncertain("killed")

    world.write_latest("v1.0.0")
    world.replace_ports(pointers=KilledBeforeItWrites(world, ""))
    with pytest.raises(Uncertain):
        world.reconcile()
    world.replace_ports(pointers=world.pointers)
    world.pointers.put(SERVICE, "current", arn("v0.9.0"), "by hand")
    for _ in range(4):
        world.reconcile()
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v0.9.0"), "none")
    assert world.state.current is not None
    assert world.state.current.tag == "v0.9.0"


def test_a_run_that_failed_after_it_wrote_keeps_the_lease_until_every_read_shows_the_write() -> None:
    world = World(current="")

    class HistoryLags(BlanksUnseenAndDies):
        def put(self, service: str, leaf: str, value: str, note: str) -> int:
            if value == "none":
                raise Unavailable("throttled")
            return self.world.pointers.put(service, leaf, value, note)

    world.write_latest("v1.1.0")
    world.replace_ports(pointers=HistoryLags(world, ""))
    with pytest.raises(Unavailable):
        world.reconcile()
    assert world.state.lease_until > world.clock.now()


def test_the_second_version_needs_a_canary_although_the_pass_that_opens_it_has_just_written_the_first() -> None:
    world = World(current="")

    class SecondComesDuringTheFirst:
        """The second version is released while the first one's opening is under way; one more read does not show it."""

        def __init__(self) -> None:
            self.put = world.pointers.put
            self.history = world.pointers.history
            self.services = world.pointers.services
            self.reads = 0

        def read(self, service: str) -> Readings:
            self.reads += 1
            if self.reads == 1:
                world.write_latest("v1.2.0")
            readings = world.pointers.read(service)
            return replace(readings, latest=before.latest) if self.reads in (2, 3) else readings

    world.write_latest("v1.1.0")
    before = world.readings
    asked = release_from(understand(SERVICE, world.readings), world.clock.now())
    assert asked is not None
    assert world.ledger.commit(changes.open_release(asked, None)) is None
    world.replace_ports(pointers=SecondComesDuringTheFirst())
    world.reconcile()
    world.replace_ports(pointers=world.pointers)
    assert world.pointer("current") == arn("v1.1.0")
    world.reconcile()
    assert (world.release.target.tag, world.release.basis) == ("v1.2.0", Basis.CANARY)


def test_a_write_of_current_that_was_sent_twice_is_not_taken_for_a_person_s() -> None:
    world = World(current="")

    class SentTwiceThenKilled(BlanksUnseenAndDies):
        def put(self, service: str, leaf: str, value: str, note: str) -> int:
            for _ in range(2):
                self.world.pointers.put(service, leaf, value, note)
            raise Uncertain("killed")

    world.write_latest("v1.1.0")
    world.replace_ports(pointers=SentTwiceThenKilled(world, ""))
    with pytest.raises(Uncertain):
        world.reconcile()
    world.replace_ports(pointers=world.pointers)
    for _ in range(4):
        world.reconcile()
    assert world.state.current_write == 2
    assert [release.basis for release in world.releases] == [Basis.FIRST]


class WritesJustBefore:
    """Each write of latest, by whomever, is preceded by one of somebody else's, as long as there are tags for it."""

    def __init__(self, world: World, *tags: str, dies_after: int = 100) -> None:
        self.world = world
        self.tags = list(tags)
        self.writes_left = dies_after
        self.read = world.pointers.read
        self.history = world.pointers.history
        self.services = world.pointers.services

    def put(self, service: str, leaf: str, value: str, note: str) -> int:
        if leaf == "latest" and self.tags:
            self.world.clock.advance(1)
            self.world.write_latest(self.tags.pop(0))
            self.world.clock.advance(1)
        version = self.world.pointers.put(service, leaf, value, note)
        self.writes_left -= leaf == "latest"
        if self.writes_left <= 0:
            raise Uncertain("killed")
        return version


def aborted_while(world: World, pointers: WritesJustBefore) -> None:
    world.write_latest("v1.1.0")
    world.reconcile()
    world.clock.advance(world.release.policy.deadline)
    world.replace_ports(pointers=pointers)
    with contextlib.suppress(Uncertain):
        world.reconcile()
    world.replace_ports(pointers=world.pointers)


@pytest.mark.parametrize("dies_after", [100, 2, 3], ids=["nobody dies", "dies over it", "dies when it is back"])
def test_a_release_that_comes_just_before_an_older_one_is_put_back_is_put_back_in_turn(dies_after: int) -> None:
    world = World()
    aborted_while(world, WritesJustBefore(world, "v1.2.0", "v1.3.0", dies_after=dies_after))
    for _ in range(4):
        world.clock.advance(60)
        world.reconcile()
    assert world.pointer("latest") == arn("v1.3.0")
    assert (world.release.target.tag, world.release.state) == ("v1.3.0", ReleaseState.OPEN)
    assert world.releases[-2].reason.startswith("the deadline passed")


def test_who_cannot_see_its_own_write_in_the_history_does_not_say_that_it_hid_nothing() -> None:
    world = World()

    class Lagging(WritesJustBefore):
        def __init__(self, world: World, *tags: str) -> None:
            super().__init__(world, *tags)
            self.history = self._all_but_the_newest

        def _all_but_the_newest(self, service: str, leaf: str, after_version: int) -> tuple[Reading, ...]:
            return self.world.pointers.history(service, leaf, after_version)[:-1]

    lost = world.pointers.put(SERVICE, "latest", arn("v1.2.0"), "")
    world.pointers.put(SERVICE, "latest", "none", blank_note("r9-1"))
    hidden, blank = world.pointers.history(SERVICE, "latest", 0)
    assert hidden.version == lost
    with pytest.raises(Unavailable, match="lags behind version 4"):
        put_back(Lagging(world, "v1.3.0"), SERVICE, hidden, blank.mark)


def test_what_a_withdrawal_has_hidden_is_not_put_back_over_a_newer_release() -> None:
    world = World()
    withdrawn_unseen(world, "v1.2.0")
    world.replace_ports(pointers=WritesJustBefore(world, "v1.3.0"))
    world.reconcile()
    world.reconcile()
    assert world.pointer("latest") == arn("v1.3.0")
    assert (world.release.target.tag, world.release.state) == ("v1.3.0", ReleaseState.OPEN)


def put_back_late(world: World) -> None:
    """Writes 2 to 5 of latest: v1.2.0, a late blank for v1.1.0, v1.3.0, and v1.2.0 put back by a run that is dead."""
    world.write_latest("v1.1.0")
    write = world.readings.latest
    assert write is not None
    lost = world.pointers.put(SERVICE, "latest", arn("v1.2.0"), "")
    world.pointers.put(SERVICE, "latest", "none", blank_note(write.mark.release_id))
    world.write_latest("v1.3.0")
    world.clock.advance(1)
    world.pointers.put(SERVICE, "latest", arn("v1.2.0"), put_back_note(lost))


@pytest.mark.parametrize("meanwhile", ["nothing", "a router opened it", "it was promoted", "it was aborted"])
def test_a_release_that_a_late_putting_back_of_an_older_one_hides_is_put_back(meanwhile: str) -> None:
    world = World()
    put_back_late(world)
    if meanwhile != "nothing":
        jobs = [world.submit(), world.submit()]
        if meanwhile != "a router opened it":
            for job in jobs:
                world.end(job, Status.SUCCEEDED if meanwhile == "it was promoted" else Status.FAILED)
            world.clock.advance(60)
            world.controller().advance(SERVICE, world.release.release_id)
    for _ in range(3):
        world.reconcile()
    assert world.pointer("latest") == arn("v1.3.0")
    assert (world.release.target.tag, world.release.state) == ("v1.3.0", ReleaseState.OPEN)


def test_a_hidden_release_that_was_decided_does_not_come_back() -> None:
    world = World()
    world.write_latest("v1.1.0")
    for job in (world.submit(), world.submit()):
        world.end(job, Status.FAILED)
    assert world.release.state is ReleaseState.ABORTED
    # As if its own blank had never been written, and one for another release had come instead.
    world.pointers.delete(SERVICE, "latest")
    written = Reading(arn("v1.1.0"), world.release.write.version, world.release.write.modified)
    blank = Reading("none", 2, world.clock.now(), blank_note("r9-1"))

    class Told(BlanksUnseenAndDies):
        def __init__(self) -> None:
            super().__init__(world, "")
            self.read = lambda service: replace(world.pointers.read(service), latest=blank)
            self.history = lambda service, leaf, after_version: (written, blank)
            self.put = lambda *given: pytest.fail(f"wrote {given}")  # type: ignore[method-assign]

    world.replace_ports(pointers=Told())
    world.reconcile()
    assert world.state.looked_up_to == blank.mark, "nobody looks again"


def test_while_the_history_lags_a_new_release_is_opened_all_the_same_and_looked_behind_later() -> None:
    world = World()

    class Lagging(BlanksUnseenAndDies):
        def __init__(self) -> None:
            super().__init__(world, "")
            self.history = lambda service, leaf, after_version: world.pointers.history(service, leaf, after_version)[
                :-1
            ]
            self.put = world.pointers.put  # type: ignore[method-assign]

    world.write_latest("v1.1.0")
    world.replace_ports(pointers=Lagging())
    world.reconcile()
    assert (world.release.state, world.state.looked_up_to) == (ReleaseState.OPEN, None)
    world.replace_ports(pointers=world.pointers)
    world.reconcile()
    assert world.readings.latest is not None
    assert world.state.looked_up_to == world.readings.latest.mark


def test_a_write_that_was_looked_behind_costs_no_further_look() -> None:
    world = World()
    looks: list[int] = []

    class Counting(BlanksUnseenAndDies):
        def __init__(self) -> None:
            super().__init__(world, "")
            self.history = self._counted

        def _counted(self, service: str, leaf: str, after_version: int) -> tuple[Reading, ...]:
            looks.append(after_version)
            return world.pointers.history(service, leaf, after_version)

    world.write_latest("v1.1.0")
    world.replace_ports(pointers=Counting())
    for _ in range(3):
        world.reconcile()
    assert looks == [0]


def test_whoever_puts_back_over_one_new_write_after_the_other_stops_and_leaves_the_rest_to_the_next_pass() -> None:
    world = World()
    world.pointers.put(SERVICE, "latest", arn("v1.2.0"), "")
    world.pointers.put(SERVICE, "latest", "none", blank_note("r9-1"))
    hidden, blank = world.pointers.history(SERVICE, "latest", 0)
    busy = WritesJustBefore(world, *(f"v2.{number}.0" for number in range(9)))
    with pytest.raises(Unavailable, match="written all the time"):
        put_back(busy, SERVICE, hidden, blank.mark)
    world.reconcile()
    assert world.pointer("latest") == arn("v2.3.0")

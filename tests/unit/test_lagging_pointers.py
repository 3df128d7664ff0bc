"""SSM may answer with what was true a few seconds ago. Nothing may be concluded from that."""

from dataclasses import replace

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.core.model import ReleaseState
from canary_router.core.pointers import Readings
from canary_router.errors import Unavailable, Uncertain


class Lagging:
    """Reads of some parameters show an older state."""

    def __init__(self, world: World, **old: object) -> None:
        self.world = world
        self.old = old
        self.put = world.pointers.put
        self.history = world.pointers.history

    def read(self, service: str) -> Readings:
        return replace(self.world.pointers.read(service), **self.old)  # type: ignore[arg-type]


class KilledAtTheBlank(Lagging):
    """Dies with the function that would blank latest."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.put = self._put

    def _put(self, service: str, leaf: str, value: str, note: str) -> int:
        if value == "none":
            raise Uncertain("the function was killed")
        return self.world.pointers.put(service, leaf, value, note)


def promoted(world: World, tag: str) -> None:
    world.write_latest(tag)
    for transform in [world.submit() for _ in range(2)]:
        world.end(transform)
    assert world.pointer("current") == arn(tag)


@pytest.mark.parametrize("old", ["missing", "before"])
def test_a_second_version_never_passes_for_the_first_or_for_the_current_one(old: str) -> None:
    world = World(current="" if old == "missing" else "v1.1.0")
    before = world.readings.current
    world.write_latest("v1.0.0")
    world.reconcile()
    if old == "before":
        for transform in [world.submit() for _ in range(2)]:
            world.end(transform)
    world.write_latest("v1.1.0")
    world.replace_ports(pointers=Lagging(world, current=before))
    world.clock.advance(-59)
    with pytest.raises(Unavailable):
        world.reconcile()
    world.replace_ports(pointers=world.pointers)
    world.reconcile()
    assert (world.release.target.tag, world.release.state) == ("v1.1.0", ReleaseState.OPEN)


@pytest.mark.parametrize("how", ["older value", "missing"])
def test_latest_is_not_taken_for_blanked_on_an_old_read(how: str) -> None:
    world = World(current="")
    if how == "older value":
        world.pointers.put(SERVICE, "latest", "none", "")
    before = world.readings.latest
    world.write_latest("v1.0.0")

    class LaggingDuringTheDrive(Lagging):
        reads = 0

        def read(self, service: str) -> Readings:
            self.reads += 1
            return super().read(service) if self.reads == 3 else world.pointers.read(service)

    world.clock.advance(-60)
    world.replace_ports(pointers=LaggingDuringTheDrive(world, latest=before))
    with pytest.raises(Unavailable):
        world.reconcile()
    world.replace_ports(pointers=world.pointers)
    world.reconcile()
    # The failed run has written current, which a read might not show yet: its lease has to run out.
    assert world.pointer("latest") == arn("v1.0.0")
    world.reconcile()
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.0.0"), "none")
    assert world.release.state is ReleaseState.PROMOTED


@pytest.mark.parametrize("writes", [1, 2, 3, 4])
def test_a_current_that_was_deleted_and_made_anew_is_told_from_an_old_read_by_its_time(writes: int) -> None:
    world = World()
    for tag in ("v1.1.0", "v1.2.0"):
        promoted(world, tag)
    assert world.state.current_write == 3
    world.pointers.delete(SERVICE, "current")
    world.clock.advance(30)
    for _ in range(writes):
        world.pointers.put(SERVICE, "current", arn("v1.0.0"), "by hand")
    assert world.readings.current is not None
    assert world.readings.current.version == writes
    world.write_latest("v1.3.0")
    world.reconcile()
    assert (world.release.target.tag, world.release.state) == ("v1.3.0", ReleaseState.OPEN)
    assert world.state.current is not None
    assert (world.state.current.tag, world.state.current_write) == ("v1.0.0", writes)


def test_our_write_of_a_current_made_anew_is_known_again_after_a_crash() -> None:
    world = World()
    promoted(world, "v1.1.0")
    world.pointers.delete(SERVICE, "current")
    world.clock.advance(30)
    world.write_latest("v1.2.0")

    world.replace_ports(pointers=KilledAtTheBlank(world))
    with pytest.raises(Uncertain):
        world.reconcile()
    world.replace_ports(pointers=world.pointers)
    world.pointers.put(SERVICE, "current", arn("v0.9.0"), "by hand")
    for _ in range(3):
        world.reconcile()
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v0.9.0"), "none")
    assert world.state.current is not None
    assert world.state.previous is not None
    assert (world.state.current.tag, world.state.previous.tag, world.state.current_write) == ("v0.9.0", "v1.2.0", 2)


@pytest.mark.parametrize("keeps_the_note", [False, True])
def test_a_current_written_by_hand_after_the_promotion_is_not_overwritten_by_its_repetition(
    keeps_the_note: bool,  # noqa: FBT001 - a case: a write without a description may keep that of the one before
) -> None:
    world = World()
    world.write_latest("v1.1.0")
    first, second = world.submit(), world.submit()
    world.end(first)

    world.replace_ports(pointers=KilledAtTheBlank(world))
    with pytest.raises(Uncertain):
        world.end(second)
    ours = world.pointers.history(SERVICE, "current", 0)[-1].note
    world.pointers.put(SERVICE, "current", arn("v0.9.0"), ours if keeps_the_note else "by hand")
    world.replace_ports(pointers=world.pointers)
    for _ in range(3):
        world.reconcile()
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v0.9.0"), "none")
    assert world.state.current is not None
    assert world.state.current.tag == "v0.9.0"
    assert world.state.previous is not None
    assert world.state.previous.tag == "v1.1.0"

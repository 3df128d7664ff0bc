"""How seldom requests ask the record: a large fleet that asked more often would keep the controller from deciding."""

from collections.abc import Sequence
from dataclasses import replace

from tests.unit.world import SERVICE, FaultyLedger, World

from canary_router.core import records
from canary_router.core.conditions import Refusal, Write
from canary_router.core.model import ReleaseState, Route
from canary_router.core.routing import may_have_room_again
from canary_router.errors import Throttled


def awake(*, draw: float = 0.0) -> World:
    """A release that a request has opened, and nobody was admitted to."""
    world = World(draw=1.0)
    world.write_latest("v1.1.0")
    world.submit()
    world.draw = draw
    return world


def looks(world: World, requests: int, seconds: float = 0.0) -> int:
    """How many reads of the record so many requests cost, each some seconds after the one before."""
    before = world.ledger.gets
    for _ in range(requests):
        world.clock.advance(seconds)
        world.submit()
    return world.ledger.gets - before


def put_state(world: World, state: ReleaseState) -> None:
    release = replace(world.release, state=state)
    key = records.release_key(SERVICE, release.release_id)
    assert world.ledger.commit((Write(key, (), put=records.release_item(release)),)) is None


def test_a_full_release_is_looked_at_once_and_not_again_until_its_jobs_have_ended() -> None:
    world = awake()
    canaries = [world.submit() for _ in range(2)]
    world.clock.advance(1)
    assert looks(world, 1) == 1
    assert looks(world, 50, seconds=600) == 0
    assert world.release.admitted == 2
    for canary in canaries:
        world.end(canary)
    assert world.submit().target.tag == "v1.1.0"


def test_a_decided_release_is_not_looked_at_again() -> None:
    world = awake()
    put_state(world, ReleaseState.ABORTED)
    world.clock.advance(1)
    assert looks(world, 1) == 1
    assert looks(world, 20, seconds=2) == 0


def test_a_release_with_room_is_looked_at_every_second() -> None:
    world = awake(draw=1.0)
    assert looks(world, 20, seconds=0.5) == 10


def test_a_paused_release_is_looked_at_every_second_and_takes_jobs_once_it_is_resumed() -> None:
    world = awake()
    put_state(world, ReleaseState.PAUSED)
    world.clock.advance(1)
    assert looks(world, 20, seconds=0.5) == 10
    put_state(world, ReleaseState.OPEN)
    world.clock.advance(1)
    assert world.submit().route is Route.LATEST


def test_the_next_release_is_looked_at_though_the_one_before_was_full() -> None:
    world = awake()
    assert looks(world, 5) > 0
    world.write_latest("v1.2.0")
    assert world.submit().target.tag == "v1.2.0"


def test_a_table_that_does_not_answer_is_asked_once_a_second() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.ledger.down = True
    assert looks(world, 1) == 1
    assert looks(world, 40, seconds=0.1) == 4
    world.ledger.down = False
    world.clock.advance(1)
    assert world.submit().route is Route.LATEST


def test_what_cannot_be_opened_yet_is_tried_once_a_second() -> None:
    world = awake()
    put_state(world, ReleaseState.PROMOTING)
    world.write_latest("v1.2.0")
    assert looks(world, 1) > 0
    asked = len(world.ledger.commits)
    assert looks(world, 9, seconds=0.1) == 0
    assert len(world.ledger.commits) == asked
    world.clock.advance(1)
    world.submit()
    assert len(world.ledger.commits) == asked + 1


class ThrottledTransactions(FaultyLedger):
    """A table that takes no transaction, for as long as it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = False
        self.refused = 0

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        if self.busy and len(writes) > 1:
            self.refused += 1
            raise Throttled("too many writes")
        return super().commit(writes)


def test_an_admission_that_is_throttled_is_not_asked_for_again_by_every_request() -> None:
    world = World(draw=1.0)
    world.ledger = ledger = ThrottledTransactions()
    world.replace_ports(ledger=ledger)
    world.write_latest("v1.1.0")
    world.submit()
    world.draw, ledger.busy = 0.0, True
    assert {world.submit().route for _ in range(20)} == {Route.CURRENT}
    assert ledger.refused == 1
    ledger.busy = False
    world.clock.advance(1)
    assert world.submit().route is Route.LATEST


def test_a_new_write_of_latest_does_not_wait_for_what_the_one_before_has_to_wait_for() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.ledger.down = True
    world.submit()
    world.ledger.down = False
    # A second of the parameter's clock, which is also the time that the older one has to wait: the same moment.
    world.pointers.put(SERVICE, "latest", world.pointer("latest").replace("v1-1-0", "v1-2-0"), "")
    assert world.submit().target.tag == "v1.2.0"


def test_a_full_or_decided_release_never_has_room_again_and_a_paused_one_may() -> None:
    release = awake().release
    cases = {
        (ReleaseState.OPEN, 1): True,
        (ReleaseState.PAUSED, 1): True,
        (ReleaseState.OPEN, 2): False,
        (ReleaseState.PAUSED, 2): False,
    }
    cases |= {(state, 0): False for state in ReleaseState if state not in (ReleaseState.OPEN, ReleaseState.PAUSED)}
    for (state, admitted), expected in cases.items():
        assert may_have_room_again(replace(release, state=state, admitted=admitted)) is expected

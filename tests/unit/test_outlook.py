"""What is being waited for, as a person on call reads it."""

from dataclasses import replace

import pytest
from tests.unit.cli_desk import Person
from tests.unit.world import SERVICE, World, arn

from canary_router.adapters.memory import MemoryNudge
from canary_router.core.model import Basis, ReleaseState, Status
from canary_router.core.orders import Order, OrderKind
from canary_router.core.outlook import waiting_for
from canary_router.flows.inspect import service_view
from canary_router.flows.orders import give_order

Capsys = pytest.CaptureFixture[str]


def outlook(world: World) -> str:
    view = service_view(world.ports, SERVICE)
    return waiting_for(view.pointers, view.release, world.clock.now())


def on_trial() -> World:
    world = World()
    world.reconcile()
    world.write_latest("v1.1.0")
    world.reconcile()
    return world


def pause(world: World) -> None:
    give_order(world.ports, Order("o1", OrderKind.PAUSE, SERVICE, "ann", "", world.clock.now()))


def test_a_router_that_sleeps_waits_for_nothing() -> None:
    world = World()
    assert outlook(world) == ""
    world.reconcile()
    assert outlook(world) == ""


def test_a_write_of_latest_waits_for_the_router_until_it_is_a_release() -> None:
    world = World()
    world.reconcile()
    world.write_latest("v1.1.0")
    world.clock.advance(20)
    assert outlook(world) == "the router to look at v1.1.0, which was written to latest 20 s ago"
    world.reconcile()
    assert outlook(world) == "2 jobs to be sent to it"


def test_a_release_waits_for_jobs_to_be_sent_and_then_for_their_ends() -> None:
    world = on_trial()
    first = world.submit()
    assert outlook(world) == "1 job to be sent to it, and 1 job to end"
    second = world.submit()
    assert outlook(world) == "2 jobs to end"
    world.end(first)
    assert outlook(world) == "1 job to end"
    world.end(second)
    assert outlook(world) == ""


def test_a_read_of_latest_that_is_older_than_the_end_of_its_release_waits_for_nothing() -> None:
    world = on_trial()
    before = service_view(world.ports, SERVICE).pointers
    for _ in range(2):
        world.end(world.submit())
    assert world.release_state() is ReleaseState.PROMOTED
    assert waiting_for(before, world.release, world.clock.now()) == ""


def test_a_paused_release_waits_for_somebody() -> None:
    world = on_trial()
    pause(world)
    assert outlook(world) == "somebody to resume, promote or abort it"


def test_a_verdict_that_is_due_waits_for_the_controller() -> None:
    world = on_trial()
    world.clock.advance(86_400)
    assert outlook(world).startswith("the controller to carry out its verdict: the deadline passed after 86400 seconds")


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (ReleaseState.PROMOTING, "the controller to write the pointers: it becomes current"),
        (ReleaseState.ABORTING, "the controller to blank latest: it is turned away"),
    ],
)
def test_a_decided_release_waits_for_the_pointers(state: ReleaseState, text: str) -> None:
    world = on_trial()
    view = service_view(world.ports, SERVICE)
    assert view.release is not None
    assert waiting_for(view.pointers, replace(view.release, state=state), world.clock.now()) == text


def test_a_first_version_waits_for_the_controller_and_its_absence_for_a_release() -> None:
    world = World(current="")
    world.pointers.put(SERVICE, "current", "none", "")
    assert outlook(world) == "a first version to be released: until then every request is refused"
    world.write_latest("v1.0.0")
    view = service_view(world.ports, SERVICE)
    assert view.release is None
    world.reconcile()
    first = replace(world.release, state=ReleaseState.OPEN, closed_at=None, basis=Basis.FIRST)
    assert waiting_for(view.pointers, first, 0).startswith("the controller to carry out its verdict: first version")


def test_what_is_invalid_waits_for_somebody_to_correct_it() -> None:
    world = World()
    world.reconcile()
    world.pointers.put(SERVICE, "latest", "v1.1.0", "")
    assert outlook(world) == "somebody to correct what is invalid: until then nothing is tried out"
    world.pointers.put(SERVICE, "current", "oops", "")
    assert "until then every request is refused, and nothing is tried out" in outlook(world)


def test_status_shows_what_is_waited_for_the_time_left_and_what_is_invalid(capsys: Capsys) -> None:
    world = on_trial()
    world.submit()
    world.clock.advance(3600)
    person = Person(world, capsys)
    text = person.types("status", SERVICE).out
    for said in ("waiting for 1 job to be sent to it, and 1 job to end", "23 h to its deadline", "▣□"):
        assert said in text
    document = person.gets("status", SERVICE)
    assert document["waiting_for"] == "1 job to be sent to it, and 1 job to end"
    assert document["seconds_to_deadline"] == 82_800
    (row,) = person.gets("status")["services"]
    assert row == document
    assert "1 job to be sent" in " ".join(person.types("status").out.split())

    world.pointers.put(SERVICE, "current", "not an arn", "")
    text = person.types("status", SERVICE).out
    assert "! The pointer 'current' of transformer holds 'not an arn'" in text


def test_status_of_a_decided_release_has_no_deadline(capsys: Capsys) -> None:
    world = on_trial()
    for _ in range(2):
        world.end(world.submit())
    document = Person(world, capsys).gets("status", SERVICE)
    assert (document["waiting_for"], document["seconds_to_deadline"]) == (None, None)
    assert document["previous"] == {"version": "v1.0.0", "arn": arn("v1.0.0")}


@pytest.mark.parametrize(("end", "code"), [(Status.SUCCEEDED, 0), (Status.FAILED, 1)])
def test_watch_ends_with_the_verdicts_exit_code(end: Status, code: int, capsys: Capsys) -> None:
    world = on_trial()
    for _ in range(2):
        if world.release_state() is ReleaseState.OPEN:
            world.end(world.submit(), end)
    seen = Person(world, capsys).types("watch", SERVICE)
    assert seen.code == code
    assert ("PROMOTED" if code == 0 else "ABORTED") in seen.out


def test_watch_that_runs_out_of_time_is_a_no_that_says_so(capsys: Capsys) -> None:
    world = on_trial()
    person = Person(world, capsys)
    person.nudge = MemoryNudge(None)
    seen = person.types("watch", SERVICE, "--timeout", "0.01")
    assert seen.code == 1
    assert "was not decided within 0.01 s" in seen.err
    assert person.gets("watch", SERVICE, "--timeout", "0.01", code=1)["state"] == "OPEN"

"""Watching a release: what is shown at each look, which look is the last, and the same facts as JSON."""

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console, RenderableType
from tests.unit.world import SERVICE, World, arn

from canary_router import documents
from canary_router.cli import render
from canary_router.cli.following import Sight, follow
from canary_router.cli.screen import sight_line
from canary_router.core.durations import duration
from canary_router.core.model import ReleaseState, Status, Transform
from canary_router.errors import InvalidInput, NotFound, Unavailable
from canary_router.flows.inspect import service_view, transforms_of


def looks(world: World, *steps: Callable[[], object]) -> list[Sight]:
    """Follows, with one step of the world between two looks, until the release is decided or the steps are over."""
    rest = list(steps)

    def keep_on() -> bool:
        if not rest:
            return False
        rest.pop(0)()
        return True

    return list(follow(world.ports, SERVICE, keep_on))


def states(sights: list[Sight]) -> list[str | None]:
    return [None if it.release is None else f"{it.release.target.tag} {it.release.state}" for it in sights]


def shown(renderable: RenderableType) -> str:
    terminal = Console(file=io.StringIO(), width=160, force_terminal=False)
    terminal.print(renderable)
    text: str = terminal.file.getvalue()  # type: ignore[attr-defined]
    return text


def released(world: World, tag: str = "v1.1.0") -> None:
    world.write_latest(tag)
    world.reconcile()


def jobs(world: World) -> list[Transform]:
    view = service_view(world.ports, SERVICE)
    assert view.release is not None
    return transforms_of(world.ledger, SERVICE, view.release.release_id)


def end_all(world: World, status: Status = Status.SUCCEEDED) -> None:
    for transform in jobs(world):
        world.end(transform, status)


def test_a_release_is_followed_from_the_write_of_latest_to_its_promotion() -> None:
    world = World()
    world.write_latest("v1.1.0")
    sights = looks(world, world.reconcile, world.submit, world.submit, lambda: end_all(world))
    assert states(sights) == [None, "v1.1.0 OPEN", "v1.1.0 OPEN", "v1.1.0 OPEN", "v1.1.0 PROMOTED"]
    assert [len(it.transforms) for it in sights] == [0, 0, 1, 2, 2]
    assert [it.is_last for it in sights] == [False, False, False, False, True]
    assert sight_line(sights[0]) == "latest was written; the router has not looked at it yet"
    assert sight_line(sights[3]) == "v1.1.0  OPEN  2 of 2 admitted, 2 running, 0 of 2 succeeded, 0 failed"


def test_a_release_is_followed_to_its_abort() -> None:
    world = World()
    released(world)
    sights = looks(world, world.submit, lambda: end_all(world, Status.FAILED))
    assert states(sights)[-1] == "v1.1.0 ABORTED"
    assert "1 job failed" in sight_line(sights[-1])


def test_a_release_that_is_superseded_is_followed_by_the_one_that_took_its_place() -> None:
    world = World()
    released(world)
    sights = looks(world, lambda: released(world, "v1.2.0"), world.submit, world.submit, lambda: end_all(world))
    assert states(sights)[0] == "v1.1.0 OPEN"
    assert states(sights)[-1] == "v1.2.0 PROMOTED"


def test_without_an_open_release_the_last_one_is_told_of_at_once() -> None:
    world = World()
    released(world)
    world.submit()
    end_all(world, Status.FAILED)
    assert states(looks(world, world.reconcile)) == ["v1.1.0 ABORTED"]


def test_a_new_write_of_latest_is_waited_for_rather_than_taken_for_the_last_release() -> None:
    world = World()
    released(world)
    world.submit()
    end_all(world, Status.FAILED)
    world.write_latest("v1.1.0")
    assert states(looks(world, world.reconcile)) == [None, "v1.1.0 OPEN"]


def test_a_service_that_was_never_released_cannot_be_watched() -> None:
    with pytest.raises(NotFound, match="There is no service"):
        looks(World(current=""))
    with pytest.raises(NotFound, match="Nothing was ever released"):
        looks(World())


def test_watching_outlives_a_table_that_is_away_for_a_while_and_not_one_that_stays_away() -> None:
    world = World()
    released(world)
    warnings: list[str] = []
    tries = iter(range(100))

    def keep_on() -> bool:
        world.ledger.down = next(tries) in range(1, 4)
        return next(tries) < 20

    sights = list(follow(world.ports, SERVICE, keep_on, warnings.append))
    assert sights
    assert warnings
    assert "the table is down" in warnings[0]

    later = iter(range(100))

    def goes_away() -> bool:
        world.ledger.down = True
        return next(later) < 99

    with pytest.raises(Unavailable):
        list(follow(world.ports, SERVICE, goes_away))
    assert next(later) == 30


def test_watching_does_not_begin_where_the_first_look_fails() -> None:
    world = World()
    released(world)
    world.ledger.down = True
    warnings: list[str] = []
    with pytest.raises(Unavailable, match="the table is down"):
        list(follow(world.ports, SERVICE, lambda: True, warnings.append))
    assert warnings == []


def test_the_last_verdict_is_not_told_for_a_write_of_latest_that_is_no_release() -> None:
    world = World()
    world.reconcile()
    world.pointers.put(SERVICE, "latest", "v1.1.0", "")
    with pytest.raises(InvalidInput, match=r"latest.*v1\.1\.0"):
        list(follow(world.ports, SERVICE, lambda: False))


def test_json_has_the_facts_of_the_table() -> None:
    world = World()
    released(world)
    world.submit()
    view = service_view(world.ports, SERVICE)
    document = json.loads(json.dumps(documents.service_document("test", view, world.clock.now())))
    assert (document["environment"], document["service"]) == ("test", SERVICE)
    assert document["current"] == {"state": "version", "version": "v1.0.0", "arn": arn("v1.0.0")}
    assert document["latest"] == {"state": "version", "version": "v1.1.0", "arn": arn("v1.1.0")}
    assert document["policy"]["requests"] == 2
    assert document["problems"] == []
    assert document["release"]["state"] == "OPEN"
    assert (document["release"]["admitted"], document["release"]["running"]) == (1, 1)
    (job,) = documents.release_document(world.release, tuple(jobs(world)))["transforms"]
    assert (job["route"], job["version"], job["status"]) == ("latest", "v1.1.0", "RUNNING")

    text = shown(render.service_panel("test", view, world.clock.now()))
    for fact in (SERVICE, "v1.0.0", "v1.1.0", "OPEN", "1 of 2 admitted, 1 running", "▣□"):
        assert fact in text
    assert "v1.1.0" in shown(render.transforms_table(jobs(world), world.clock.now()))
    assert "OPEN" in shown(render.services_table("test", [view], world.clock.now()))
    assert "No service" in shown(render.services_table("test", [], world.clock.now()))


def test_blank_and_invalid_pointers_and_a_refused_policy_are_told() -> None:
    world = World()
    world.pointers.put(SERVICE, "latest", "v1.1.0", "")
    world.pointers.put(SERVICE, "policy", '{"requests": 9}', "")
    view = service_view(world.ports, SERVICE)
    document = documents.service_document("test", view, world.clock.now())
    assert document["latest"] == {"state": "invalid", "version": None, "arn": None, "value": "v1.1.0"}
    assert document["policy"] is None
    assert len(document["problems"]) == 2
    assert document["release"] is None
    text = shown(render.service_panel("test", view, world.clock.now()))
    assert "invalid" in text
    assert "'requests'" in text

    world.pointers.put(SERVICE, "latest", "none", "")
    assert documents.service_document("test", service_view(world.ports, SERVICE), 0)["latest"]["state"] == "blank"


def test_what_is_in_brackets_is_shown_as_it_is() -> None:
    world = World()
    world.pointers.put(SERVICE, "latest", "[red]x[/red]", "")
    assert "[red]x[/red]" in shown(render.service_panel("test", service_view(world.ports, SERVICE), 0))


def test_a_promoted_release_shows_its_end() -> None:
    world = World()
    released(world)
    looks(world, world.submit, world.submit, lambda: end_all(world))
    assert world.release.state is ReleaseState.PROMOTED
    text = shown(render.release_block(world.release, world.clock.now()))
    assert "■■" in text
    assert "because 2 of 2" in text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(-5, "0 s"), (999, "0 s"), (61_000, "1 min 1 s"), (3_600_000, "1 h"), (90_061_000, "1 d 1 h")],
)
def test_a_length_of_time_is_told_in_two_units(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text

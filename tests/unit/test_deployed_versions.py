"""Which versions an environment has seen: all that were ever released there."""

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router import settings
from canary_router.core.tags import highest
from canary_router.core.writes import commit_of
from canary_router.flows.deployed import deployed_versions
from canary_router.flows.operate import release


def promoted(world: World, tag: str) -> None:
    world.write_latest(tag)
    for canary in [world.submit() for _ in range(2)]:
        world.end(canary)


def test_a_service_that_was_never_released_has_none() -> None:
    assert deployed_versions(World(current="").ports, SERVICE) == {}


def test_versions_that_serve_that_were_replaced_and_that_were_turned_away_all_count() -> None:
    world = World()
    promoted(world, "v1.1.0")
    promoted(world, "v1.2.0")
    world.write_latest("v1.4.0")
    world.reconcile()
    world.pointers.put(SERVICE, "latest", settings.BLANK, "")
    world.reconcile()
    world.write_latest("v1.3.0-rc.1")
    found = deployed_versions(world.ports, SERVICE)
    assert sorted(found) == ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0-rc.1", "v1.4.0"]
    assert str(highest(found)) == "v1.4.0"


def test_what_was_made_current_by_hand_counts_and_what_has_no_tag_is_no_version() -> None:
    world = World()
    world.pointers.put(SERVICE, "current", arn("v3.0.0"), "")
    world.pointers.put(SERVICE, "latest", "arn:aws:lambda:eu-west-1:123456789012:function:odd", "")
    found = deployed_versions(world.ports, SERVICE)
    assert set(found) == {"v3.0.0", "odd"}
    assert str(highest(found)) == "v3.0.0"


def test_the_commit_of_a_version_is_what_its_release_has_put_on_record() -> None:
    world = World()
    for tag, commit in (("v1.1.0", "a" * 40), ("v1.2.0", ""), ("v1.3.0", "b" * 64)):
        world.clock.advance(1)
        release(world.pointers, SERVICE, arn(tag), f"order-of-{tag}", commit)
    found = deployed_versions(world.ports, SERVICE)
    assert found == {"v1.0.0": "", "v1.1.0": "a" * 40, "v1.3.0": "b" * 64}


def test_a_commit_is_not_taken_from_a_note_that_another_write_has_kept() -> None:
    world = World()
    release(world.pointers, SERVICE, arn("v1.1.0"), "order", "a" * 40)
    note = world.pointers.history(SERVICE, "latest", 0)[-1].note
    world.write_latest("v1.2.0", note)
    assert deployed_versions(world.ports, SERVICE) == {"v1.0.0": "", "v1.1.0": "a" * 40, "v1.2.0": ""}


@pytest.mark.parametrize("note", ["", "canary-router released on order x", "of commit " + "a" * 40, "x" * 900])
def test_a_note_without_a_commit_tells_none(note: str) -> None:
    assert commit_of(note) == ""


def test_an_order_that_is_given_again_finds_its_write_whatever_its_commit() -> None:
    world = World()
    first = release(world.pointers, SERVICE, arn("v1.1.0"), "order", "a" * 40)
    assert release(world.pointers, SERVICE, arn("v1.1.0"), "order", "a" * 40) == first

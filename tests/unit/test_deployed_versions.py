"""Which versions an environment has seen: all that were ever released there."""

from tests.unit.world import SERVICE, World, arn

from canary_router import settings
from canary_router.core.tags import highest
from canary_router.flows.deployed import deployed_tags


def promoted(world: World, tag: str) -> None:
    world.write_latest(tag)
    for canary in [world.submit() for _ in range(2)]:
        world.end(canary)


def test_a_service_that_was_never_released_has_none() -> None:
    assert deployed_tags(World(current="").ports, SERVICE) == ()


def test_versions_that_serve_that_were_replaced_and_that_were_turned_away_all_count() -> None:
    world = World()
    promoted(world, "v1.1.0")
    promoted(world, "v1.2.0")
    world.write_latest("v1.4.0")
    world.reconcile()
    world.pointers.put(SERVICE, "latest", settings.BLANK, "")
    world.reconcile()
    world.write_latest("v1.3.0-rc.1")
    found = deployed_tags(world.ports, SERVICE)
    assert sorted(found) == ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0-rc.1", "v1.4.0"]
    assert str(highest(found)) == "v1.4.0"


def test_what_was_made_current_by_hand_counts_and_what_has_no_tag_is_no_version() -> None:
    world = World()
    world.pointers.put(SERVICE, "current", arn("v3.0.0"), "")
    world.pointers.put(SERVICE, "latest", "arn:aws:lambda:eu-west-1:123456789012:function:odd", "")
    found = deployed_tags(world.ports, SERVICE)
    assert set(found) == {"v3.0.0", "odd"}
    assert str(highest(found)) == "v3.0.0"

"""Everybody who listens hears of each opening and each end, whoever opened a release and whoever died meanwhile."""

import pytest
from tests.unit.world import World

from canary_router.core.announcement import Announcement


def told(world: World) -> list[tuple[str, str]]:
    return [(one.detail_type.removeprefix("Release "), str(one.detail["version"])) for one in world.notifier.told]


def test_the_pass_that_opens_a_release_tells_of_the_one_that_it_supersedes() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.reconcile()
    world.write_latest("v1.2.0")
    world.reconcile()
    assert told(world) == [("Opened", "v1.1.0"), ("Superseded", "v1.1.0"), ("Opened", "v1.2.0")]


class Dies(BaseException):
    pass


class DiesAtItsSecond:
    """A run that puts its first announcement on record, and is gone at the next one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.heard = 0

    def tell(self, announcement: Announcement) -> None:
        self.heard += 1
        if self.heard > 1:
            raise Dies
        self.world.notifier.tell(announcement)


def test_a_run_that_dies_between_two_announcements_leaves_none_of_them_out() -> None:
    world = World(draw=1.0)
    world.write_latest("v1.1.0")
    world.reconcile()
    for tag in ("v1.2.0", "v1.3.0"):
        # Requests open these, so nobody was told of them yet.
        world.write_latest(tag)
        world.submit()
    world.replace_ports(notifier=DiesAtItsSecond(world))
    with pytest.raises(Dies):
        world.reconcile()
    world.replace_ports(notifier=world.notifier)
    world.reconcile()
    assert told(world)[1:] == [("Superseded", "v1.1.0"), ("Superseded", "v1.2.0"), ("Opened", "v1.3.0")]

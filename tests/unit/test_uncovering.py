"""Two passes look behind the same blank at once."""

from tests.unit.world import SERVICE, World, arn

from canary_router.core.model import ReleaseState
from canary_router.core.pointers import Readings
from canary_router.core.writes import blank_note, put_back_note


def test_what_another_run_has_put_back_since_latest_was_read_is_not_called_withdrawn() -> None:
    world = World()
    world.write_latest("v1.1.0")
    older = world.readings.latest
    world.write_latest("v1.2.0")
    world.reconcile()
    opened = world.readings.latest
    assert older is not None
    assert opened is not None
    version = opened.version
    world.pointers.put(SERVICE, "latest", "none", blank_note(older.mark.release_id))

    class PutBackMeanwhile:
        def __init__(self) -> None:
            self.put = world.pointers.put
            self.history = world.pointers.history
            self.services = world.pointers.services
            self.read = self._read

        def _read(self, service: str) -> Readings:
            readings = world.pointers.read(service)
            if readings.latest is not None and readings.latest.is_blank:
                world.clock.advance(1)
                world.pointers.put(SERVICE, "latest", arn("v1.2.0"), put_back_note(version))
            return readings

    world.replace_ports(pointers=PutBackMeanwhile())
    world.reconcile()
    world.replace_ports(pointers=world.pointers)
    world.reconcile()
    assert world.pointer("latest") == arn("v1.2.0")
    assert (world.release.target.tag, world.release.state) == ("v1.2.0", ReleaseState.OPEN)

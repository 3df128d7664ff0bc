"""The dashboard over a world in memory, served on loopback as it is to a person."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.unit.dashboard_states import ANN
from tests.unit.world import World

from canary_router.adapters.memory import MemoryCaller, MemoryFunctions, MemoryNudge, MemoryStacks
from canary_router.cli.trouble import explain
from canary_router.dashboard import Application, Controls, Server


@dataclass
class Served:
    """A dashboard that is up."""

    server: Server
    application: Application
    world: World

    @property
    def entrance(self) -> str:
        """The address that is printed."""
        return f"{self.server.url}/enter?key={self.application.door.key}"


@contextmanager
def served(world: World, *, port: int = 0, controller: Callable[[], object] | None = None) -> Iterator[Served]:
    """Serves a world. ``controller`` is what happens when it is woken; None does at once what there is to do."""
    nudge = MemoryNudge(controller or world.reconcile)
    controls = Controls(
        "staging",
        world.ports,
        MemoryFunctions(),
        MemoryCaller(ANN),
        nudge,
        MemoryStacks(),
        lambda error: explain(error)[0],
    )
    application = Application(controls, patience=0)
    server = Server(port, application)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Served(server, application, world)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

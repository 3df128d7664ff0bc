"""``canary-router dashboard`` over a world in memory, as a process of its own."""

import sys

from tests.unit.dashboard_states import ANN, holding

from canary_router.adapters.memory import (
    MemoryActivities,
    MemoryCaller,
    MemoryDoor,
    MemoryFunctions,
    MemoryLimits,
    MemoryNudge,
    MemoryRights,
    MemoryStacks,
)
from canary_router.cli.app import run
from canary_router.cli.desk import Desk
from canary_router.errors import Unavailable
from canary_router.flows.doctor import Instruments


class LoggedOut(MemoryCaller):
    """Nobody, as AWS sees it."""

    def who(self) -> str:
        raise Unavailable("asking who you are: no credentials", advice="Log in.")


def main() -> int:
    arguments = sys.argv[1:]
    missing = "--without-jinja" in arguments
    if missing:
        sys.modules["jinja2"] = None  # type: ignore[assignment] # as where it is not installed
    world = holding()
    desk = Desk(
        "staging",
        world.ports,
        MemoryFunctions(),
        LoggedOut() if "--logged-out" in arguments else MemoryCaller(ANN),
        MemoryNudge(world.reconcile),
        lambda: Instruments(MemoryRights(), MemoryLimits(), MemoryDoor()),
        MemoryStacks(),
        MemoryActivities(),
    )
    return run([it for it in arguments if it not in ("--without-jinja", "--logged-out")], desk)


if __name__ == "__main__":
    sys.exit(main())

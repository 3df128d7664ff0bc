"""A service with a stack for each of its versions, some of which may go."""

from itertools import count
from typing import Any

from tests.unit.world import SERVICE, World

from canary_router import settings
from canary_router.adapters.memory import MemoryActivities, MemoryStacks
from canary_router.core.retirement import Judged, Rules
from canary_router.core.stacks import DeployedStack
from canary_router.flows.retiring import Place, Retired, Who, planned, retire

DAY = 86_400
ENVIRONMENT = "test"


def tags_of(tag: str, **changed: str) -> dict[str, str]:
    tags = {
        settings.TAG_ENVIRONMENT: ENVIRONMENT,
        settings.TAG_SERVICE: SERVICE,
        settings.TAG_VERSION: tag,
    }
    return tags | {f"canary-router:{name}": value for name, value in changed.items()}


def stack(tag: str, created: int = 0, **changed: Any) -> DeployedStack:
    name = settings.stack_name(SERVICE, tag)
    fields: dict[str, Any] = {
        "name": name,
        "stack_id": f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{name}/1",
        "status": "CREATE_COMPLETE",
        "created": created,
        "changed": created,
        "tags": tags_of(tag),
    }
    return DeployedStack(**{**fields, **changed})


class Estate:
    """v1.4.0 is current and v1.3.0 was before; v1.0.0 to v1.2.0 were, months ago."""

    def __init__(self) -> None:
        self.world = World(current="")
        self.stacks = MemoryStacks()
        self.activities = MemoryActivities()
        self._ids = count(1)
        for minor in range(5):
            self.promote(f"v1.{minor}.0")
            self.world.clock.advance(20 * DAY)

    def promote(self, tag: str) -> None:
        """Deploys a version and makes it current, as the first one or by its canary."""
        self.deploy(tag)
        self.world.write_latest(tag)
        self.world.reconcile()
        while self.world.release_state().can_be_decided:
            self.world.end(self.world.submit())
        self.world.reconcile()

    def deploy(self, tag: str, **changed: Any) -> DeployedStack:
        made = stack(tag, self.world.clock.now(), **changed)
        self.stacks.there[made.stack_id] = made
        return made

    def place(self, keep: int = 1, drain: int = 14 * DAY) -> Place:
        return Place(self.world.ports, self.stacks, self.activities, ENVIRONMENT, SERVICE, Rules(keep, drain * 1000))

    def plan(self, **rules: int) -> dict[str, Judged]:
        """By the versions' tags."""
        return {it.stack.tag: it for it in planned(self.place(**rules))}

    def retire(self, judged: Judged, **rules: int) -> Retired:
        by = Who("arn:aws:iam::123456789012:user/ann", "spring", lambda: f"retirement-{next(self._ids)}")
        return retire(self.place(**rules), judged, by)

    def named(self, tag: str) -> DeployedStack | None:
        return self.stacks.find(settings.stack_name(SERVICE, tag))

"""Stacks in memory, and what their state machines do."""

from dataclasses import replace

from canary_router.core.stacks import Activity, DeployedStack
from canary_router.errors import NotVisible, Unavailable


class MemoryStacks:
    """Stacks that go at once when they are deleted, unless they are told otherwise.

    Attributes:
        there: The stacks, by their ids; put them there.
        told: Names of the stacks whose deletion was begun, in that order.
        failing: Why the deletion of a stack fails, by its name.
        slow: Names of stacks whose deletion goes on and on.
        hidden: The caller may look nothing up.
    """

    def __init__(self) -> None:
        """There is none."""
        self.there: dict[str, DeployedStack] = {}
        self.told: list[str] = []
        self.failing: dict[str, str] = {}
        self.slow: set[str] = set()
        self.hidden = False

    def named_after(self, service: str) -> tuple[DeployedStack, ...]:
        """Those of that name."""
        self._look()
        return tuple(it for it in self.there.values() if it.name.startswith(f"{service}-"))

    def find(self, name: str) -> DeployedStack | None:
        """By name or id."""
        self._look()
        return next((it for it in self.there.values() if name in (it.name, it.stack_id)), None)

    def delete(self, stack: DeployedStack, token: str) -> None:
        """Removes it; a failing one stays, as CloudFormation leaves it."""
        found = self.there.get(stack.stack_id)
        if found is None:
            return
        if found.is_protected:
            raise Unavailable(f"deleting {stack.name}: termination protection is on ({token})")
        self.told.append(stack.name)
        if stack.name in self.slow:
            self.there[stack.stack_id] = replace(found, status="DELETE_IN_PROGRESS")
        elif stack.name in self.failing:
            self.there[stack.stack_id] = replace(found, status="DELETE_FAILED")
        else:
            del self.there[stack.stack_id]

    def what_failed(self, stack: DeployedStack) -> str:
        """As it was said."""
        return self.failing.get(stack.name, "")

    def _look(self) -> None:
        if self.hidden:
            raise NotVisible("looking up stacks: not allowed")


class MemoryActivities:
    """State machines that never did anything, until it is said what they do.

    Attributes:
        known: What is said, by the stack's name; None hides it.
    """

    def __init__(self) -> None:
        """Nobody does anything."""
        self.known: dict[str, Activity | None] = {}

    def of(self, stack: DeployedStack) -> Activity | None:
        """As it was said."""
        return self.known.get(stack.name, Activity(is_running=False))

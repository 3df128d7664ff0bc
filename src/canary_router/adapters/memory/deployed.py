"""Functions, a caller and a controller to nudge, in memory."""

from collections.abc import Callable

from canary_router.errors import NotVisible, Unavailable
from canary_router.ports import Function


class MemoryFunctions:
    """Every function is deployed, until it is removed.

    Attributes:
        known: What is said of a function, by name or ARN; of one that is not named here, that it is active.
        gone: Names and ARNs of those that are not there.
        hidden: The caller may look nothing up.
    """

    def __init__(self) -> None:
        """Everything is there."""
        self.known: dict[str, Function] = {}
        self.gone: set[str] = set()
        self.hidden = False

    def find(self, name: str) -> Function | None:
        """The function, unless it is gone."""
        if self.hidden:
            raise NotVisible(f"looking up the function {name}: not allowed")
        if name in self.gone:
            return None
        return self.known.get(name, Function(name))


class MemoryCaller:
    """Somebody."""

    def __init__(self, arn: str = "arn:aws:iam::123456789012:user/ann") -> None:
        """Takes the ARN that is answered."""
        self._arn = arn

    def who(self) -> str:
        """The ARN."""
        return self._arn


class MemoryNudge:
    """Runs the controller at once, or cannot be reached."""

    def __init__(self, controller: Callable[[], object] | None) -> None:
        """Takes what the controller does; None for one that cannot be reached."""
        self._controller = controller

    def nudge(self) -> None:
        """Runs it."""
        if self._controller is None:
            raise Unavailable("telling the controller: not allowed")
        self._controller()

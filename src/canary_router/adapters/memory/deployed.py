"""What a person at the controls asks, in memory: functions, the caller, the controller's bell, rights and limits."""

from collections.abc import Callable, Mapping

from canary_router.errors import CanaryRouterError, NotVisible, Unavailable
from canary_router.ports.operation import Function, MissingRight, Throttle


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

    def __init__(self, arn: str = "arn:aws:iam::123456789012:user/ann", ahead: float = 0.0) -> None:
        """Takes the ARN that is answered, and how many seconds the clock is ahead."""
        self._arn = arn
        self._ahead = ahead

    def who(self) -> str:
        """The ARN."""
        return self._arn

    def seconds_ahead(self) -> float:
        """As it was given."""
        return self._ahead


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


class MemoryRights:
    """The caller may do everything but what is listed."""

    def __init__(self, missing: Mapping[str, tuple[MissingRight, ...]] | None = None) -> None:
        """Takes what the caller may not do, by service."""
        self._missing = missing or {}

    def missing(self, service: str) -> tuple[MissingRight, ...]:
        """Those of the service."""
        return self._missing.get(service, ())


class MemoryLimits:
    """Limits as a new account has them, until they are changed."""

    def __init__(self) -> None:
        """An API with the router's defaults."""
        self.of_api: Throttle | None = Throttle(50, 100)
        self.of_account = Throttle(10_000, 5_000)
        self.at_once = 1_000
        self.hidden = False

    def api(self) -> Throttle | None:
        """The API's."""
        self._look()
        return self.of_api

    def account(self) -> Throttle:
        """The account's."""
        self._look()
        return self.of_account

    def concurrency(self) -> int:
        """Lambda's."""
        self._look()
        return self.at_once

    def _look(self) -> None:
        if self.hidden:
            raise NotVisible("looking up the limits: not allowed")


class MemoryDoor:
    """Opens, or fails as it is told."""

    def __init__(self, error: CanaryRouterError | None = None) -> None:
        """Takes what goes wrong."""
        self._error = error
        self.asked: list[str] = []

    def knock(self, service: str) -> None:
        """Nothing, or the error."""
        self.asked.append(service)
        if self._error is not None:
            raise self._error

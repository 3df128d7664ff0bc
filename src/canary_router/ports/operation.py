"""What looking after a router asks of the world: what is deployed, who asks, what they may do, and people to tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from canary_router.core.messages import Message
from canary_router.core.stacks import Activity, DeployedStack


@dataclass(frozen=True)
class Function:
    """A deployed function, as far as its configuration tells.

    Attributes:
        state: ``Active``; anything else, such as ``Failed`` or ``Pending``, may not run what it is sent.
        variables: Its environment variables.
    """

    arn: str
    state: str = "Active"
    variables: Mapping[str, str] = field(default_factory=dict)


class Functions(Protocol):
    """Looks deployed functions up."""

    def find(self, name: str) -> Function | None:
        """The function; None when there is none.

        Args:
            name: Its name or ARN, with a qualifier if it has one.

        Raises:
            Unavailable: It cannot be looked up; ``NotVisible`` where the caller may not.
        """


class Stacks(Protocol):
    """The stacks that versions are deployed as. All raise ``NotVisible`` where the caller may not look."""

    def named_after(self, service: str) -> tuple[DeployedStack, ...]:
        """The stacks whose names begin with the service's, whatever their tags say, without those that are gone.

        Raises:
            Unavailable: They cannot be listed.
        """

    def find(self, name: str) -> DeployedStack | None:
        """A stack by its name or its id; None when there is none, or none any more.

        Raises:
            Unavailable: It cannot be looked up.
        """

    def delete(self, stack: DeployedStack, token: str) -> None:
        """Begins to delete that very stack, never a later one of the same name. The same token is the same deletion.

        Raises:
            Unavailable: Nothing was begun; the message says what CloudFormation has against it.
            Uncertain: It is not known whether it was.
        """

    def what_failed(self, stack: DeployedStack) -> str:
        """Why its deletion failed, as its events tell; empty when they do not.

        Raises:
            Unavailable: They cannot be read.
        """


class Activities(Protocol):
    """What the state machines of stacks do."""

    def of(self, stack: DeployedStack) -> Activity | None:
        """What the state machine does that the contract names for a stack; None where the caller is not told.

        Raises:
            Unavailable: Step Functions does not answer.
        """


class Caller(Protocol):
    """Who the person at the controls is to AWS."""

    def who(self) -> str:
        """The caller's ARN.

        Raises:
            Unavailable: AWS does not say.
        """

    def seconds_ahead(self) -> float:
        """How far this machine's clock is ahead of AWS's, to a second or so; negative when it is behind.

        Raises:
            Unavailable: AWS does not say.
        """


class Nudge(Protocol):
    """Wakes the controller."""

    def nudge(self) -> None:
        """Asks it to look at once. Its schedule would come to it within a minute.

        Raises:
            Unavailable: It could not be asked.
        """


@dataclass(frozen=True)
class MissingRight:
    """Something that the caller may not do. ``needed_for`` names the verbs that need it."""

    action: str
    resource: str
    needed_for: str


class Rights(Protocol):
    """What the caller may do, found out without doing it."""

    def missing(self, service: str) -> tuple[MissingRight, ...]:
        """What a person who looks after a service needs and the caller lacks.

        Raises:
            Unavailable: AWS does not answer.
        """


@dataclass(frozen=True)
class Throttle:
    """Calls that are let through: per second in the long run, and at once. None where there is no limit."""

    rate: float | None
    burst: int | None


class Limits(Protocol):
    """How much gets through. All raise ``Unavailable``; ``NotVisible`` where the caller may not look."""

    def api(self) -> Throttle | None:
        """The throttle of the router's API; None when there is no such API."""

    def account(self) -> Throttle:
        """The throttle that all APIs of the account share in this region."""

    def concurrency(self) -> int:
        """How many functions may run at once that have no share of their own reserved."""


class Door(Protocol):
    """The router's API, seen from outside."""

    def knock(self, service: str) -> None:
        """Asks for a job that does not exist, with the key that front-ends find.

        Raises:
            AccessRefused: The key is refused, or may not be read.
            NotFound: No router is registered.
            Unavailable: It cannot be reached, or does not answer as a router does.
            ConfigurationError: What is registered cannot be right.
        """


class Messenger(Protocol):
    """One way to people."""

    def send(self, message: Message) -> None:
        """Sends a message; the same one may be sent twice.

        Raises:
            Unavailable: It cannot be sent now.
            ConfigurationError: It cannot be sent until somebody changes something.
        """

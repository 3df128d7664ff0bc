"""What the dashboard works with: the world, who orders, the controller's bell, and words for what goes wrong."""

from collections.abc import Callable
from dataclasses import dataclass

from canary_router.ports import Ports
from canary_router.ports.operation import Caller, Functions, Nudge, Stacks


@dataclass(frozen=True)
class Controls:
    """Everything that the dashboard may touch.

    Attributes:
        advise: One line for an error, saying what to do; raises the error itself when it is none that a person can do
            something about.
        read_only: Nothing can be ordered.
    """

    environment: str
    ports: Ports
    functions: Functions
    caller: Caller
    nudge: Nudge
    stacks: Stacks
    advise: Callable[[Exception], str]
    read_only: bool = False

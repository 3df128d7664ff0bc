"""What an operator's verb works with: the world, who orders, the controller's bell, and somebody to ask."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from canary_router import settings
from canary_router.cli.trouble import NO
from canary_router.errors import InvalidInput, Unavailable
from canary_router.ports import Ports
from canary_router.ports.operation import Activities, Caller, Functions, Nudge, Stacks

if TYPE_CHECKING:
    import boto3

    from canary_router.flows.doctor import Instruments


def ask_at_terminal(question: str) -> bool | None:
    """Asks whoever sits at the terminal. None when nobody does: a pipe cannot mean yes."""
    if not sys.stdin.isatty():
        return None
    print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)  # stdout is for the answer
    try:
        return input().strip().lower() in ("y", "yes")
    except EOFError:
        print(file=sys.stderr)
        return False


@dataclass(frozen=True)
class Desk:
    """Everything that an operator's verb may touch."""

    environment: str
    ports: Ports
    functions: Functions
    caller: Caller
    nudge: Nudge
    instruments: "Callable[[], Instruments]"
    stacks: Stacks
    activities: Activities
    ask: Callable[[str], bool | None] = ask_at_terminal

    def confirm(self, question: str, *, yes: bool) -> None:
        """Goes on only if a person wants it.

        Raises:
            InvalidInput: Nobody can be asked, and nobody has said yes beforehand.
            Exit: The answer is no.
        """
        answer = yes or self.ask(question)
        if answer is None:
            raise InvalidInput(
                f"{question} There is nobody to ask, so nothing was done", advice="Give --yes if you mean it."
            )
        if not answer:
            print("Nothing was done.", file=sys.stderr)
            raise typer.Exit(NO)

    def wake_controller(self) -> bool:
        """Asks the controller to look at once; whether it was told. Its schedule comes to it within a minute anyway."""
        try:
            self.nudge.nudge()
        except Unavailable as error:
            name = settings.function_name(self.environment, "outcome")
            print(f"{name} could not be told ({error}); it will notice within a minute.", file=sys.stderr)
            return False
        return True


def aws_desk(environment: str, session: "boto3.Session") -> Desk:
    """The desk in front of AWS, with the session's credentials."""
    from canary_router import wiring
    from canary_router.cli.late import late

    def instruments() -> "Instruments":
        from canary_router.cli.door import ClientDoor
        from canary_router.flows.doctor import Instruments

        rights, limits = wiring.aws_instruments(late(session), environment)
        return Instruments(rights, limits, ClientDoor(environment, session))

    functions, caller, nudge = wiring.aws_controls(late(session), environment)
    stacks, activities = wiring.aws_stacks(late(session))
    ports = wiring.aws_ports(late(session), environment)
    return Desk(environment, ports, functions, caller, nudge, instruments, stacks, activities)

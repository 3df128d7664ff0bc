"""One call of the command: which environment it means, how it reaches AWS, and how it answers."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from canary_router import settings
from canary_router.errors import ConfigurationError

if TYPE_CHECKING:
    from types import ModuleType

    import boto3
    from rich.console import Console, RenderableType

    from canary_router.cli.desk import Desk
    from canary_router.local.record import Emulator
    from canary_router.ports import Ports


class Output(StrEnum):
    """What a verb writes to stdout."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True)
class Invocation:
    """The shared options, and what follows from them. Empty text means that an option was not given.

    Attributes:
        given: A world to work in, instead of the one that the options lead to.
    """

    output: Output = Output.TABLE
    chosen_environment: str = ""
    region: str = ""
    profile: str = ""
    endpoint_url: str = ""
    given: "Desk | None" = None

    @property
    def is_json(self) -> bool:
        """Whether stdout belongs to one JSON document."""
        return self.output is Output.JSON

    def reach(self) -> "tuple[str, boto3.Session]":
        """The environment, and a session that reaches the AWS that it is in.

        Raises:
            ConfigurationError: No environment is named and no emulator is up, or the name cannot be one.
        """
        environment = self._place()
        return environment, self.session()

    def _place(self) -> str:
        """The environment; this process's variables lead to the AWS that it is in from here on.

        An emulator of ours is used when its environment is meant, by name or because none is named, and nothing
        says that AWS is somewhere else.

        Raises:
            ConfigurationError: No environment is named and no emulator is up, or the name cannot be one.
        """
        elsewhere = bool(self.profile or self.endpoint_url or os.environ.get("AWS_ENDPOINT_URL"))
        emulator = None if elsewhere and self.chosen_environment else _emulator()
        environment = self.chosen_environment or (emulator.environment if emulator and not self.profile else "")
        if not environment:
            raise ConfigurationError(
                "No environment is named",
                advice=f"Give --environment or set {settings.ENV_ENVIRONMENT}; without AWS: canary-router local up.",
            )
        if not settings.NAME_PATTERN.fullmatch(environment):
            raise ConfigurationError(
                f"{environment!r} is not the name of an environment",
                advice="Names have 2 to 40 lower-case letters, digits and dashes, for example staging.",
            )
        if emulator is not None and emulator.environment == environment and not elsewhere:
            # This process is one command: its environment is what every AWS client in it is made from.
            os.environ |= emulator.client_environment()
        if self.endpoint_url:
            os.environ["AWS_ENDPOINT_URL"] = self.endpoint_url
        return environment

    def ports(self) -> "tuple[str, Ports]":
        """The environment, and the ports to its pointers and its record. They announce nothing.

        Raises:
            ConfigurationError: As ``reach``.
        """
        if self.given is not None:
            return self.given.environment, self.given.ports
        from canary_router.cli.light import light_ports

        environment = self._place()
        light = light_ports(environment, self.profile, self.region)
        if light is not None:
            return environment, light
        from canary_router import wiring
        from canary_router.cli.late import late

        return environment, wiring.aws_ports(late(self.session()), environment)

    def desk(self) -> "Desk":
        """The ports, and what orders need besides.

        Raises:
            ConfigurationError: As ``reach``.
        """
        if self.given is not None:
            return self.given
        from canary_router.cli.desk import aws_desk

        return aws_desk(*self.reach())

    def say(self, line: str) -> None:
        """Tells a person something that is not the answer."""
        print(line, file=sys.stderr, flush=True)

    def answer(self, document: dict[str, Any], draw: "Callable[[ModuleType], RenderableType]") -> None:
        """Prints the answer, once: the document as JSON, or what is drawn of the same facts.

        Args:
            document: The answer as JSON.
            draw: Draws it for people, given the module ``render``, which is imported only for that.
        """
        if self.is_json:
            self.print_json(document)
            return
        from canary_router.cli import render

        console().print(draw(render))

    def print_json(self, document: dict[str, Any]) -> None:
        """Prints the one JSON document of this call."""
        print(json.dumps(document, indent=2, ensure_ascii=False))

    def session(self) -> "boto3.Session":
        """A session for what belongs to no environment, such as a key."""
        import boto3

        if self.endpoint_url:
            os.environ["AWS_ENDPOINT_URL"] = self.endpoint_url
        return boto3.Session(profile_name=self.profile or None, region_name=self.region or None)


def console(*, stderr: bool = False) -> "Console":
    """A terminal, or a file that lines are never folded in."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=200)


def _emulator() -> "Emulator | None":
    from canary_router.local import record
    from canary_router.local.home import state_home

    try:
        home = state_home()
        found = record.read(home)
        if found is not None and not found.process.is_alive:
            from canary_router.local import emulator

            found = emulator.running(home)  # cleans up what is left of a dead one
    except (ConfigurationError, OSError):  # no place for an emulator's record is no emulator
        return None
    return found if found is not None and found.environment else None

"""The command line in front of a world in memory: what somebody types, and what they see."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from tests.unit.world import World

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
from canary_router.flows.doctor import Instruments


@dataclass(frozen=True)
class Seen:
    """What a command has left on the screen."""

    code: int
    out: str
    err: str


class Person:
    """Somebody at a terminal, who answers every question alike; None is nobody, as in a pipeline."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str], *, answer: bool | None = None) -> None:
        self.world = world
        self.capsys = capsys
        self.answer = answer
        self.asked: list[str] = []
        self.functions = MemoryFunctions()
        self.caller = MemoryCaller()
        self.rights = MemoryRights()
        self.limits = MemoryLimits()
        self.door = MemoryDoor()
        self.stacks = MemoryStacks()
        self.activities = MemoryActivities()
        self.nudge = MemoryNudge(world.reconcile)

    def ask(self, question: str) -> bool | None:
        self.asked.append(question)
        return self.answer

    def types(self, *arguments: str) -> Seen:
        desk = Desk(
            "test",
            self.world.ports,
            self.functions,
            self.caller,
            self.nudge,
            lambda: Instruments(self.rights, self.limits, self.door),
            self.stacks,
            self.activities,
            self.ask,
        )
        code = run(list(arguments), desk)
        captured = self.capsys.readouterr()
        return Seen(code, captured.out, captured.err)

    def gets(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        """The one JSON document of a command."""
        seen = self.types("--output", "json", *arguments)
        assert seen.code == code, seen.err
        document: dict[str, Any] = json.loads(seen.out)
        return document

"""Every way in which the calls of one request can go, each of them quick, slow or lost, tried one after the other.

A story is the list of what its calls did, one number for each call. The first one is all zeros: every call quick and
well. The next one differs from it in the last call that could still go another way; so all are met, and none twice.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, TypeVar

from tests.unit.world import World

from canary_router.core.conditions import Item, Key, Refusal, Write
from canary_router.core.pointers import Readings
from canary_router.errors import Unavailable, Uncertain
from canary_router.ports import Broke, Execution, Invocation, Lost, Refused
from canary_router.settings import CALL_SECONDS, INVOKE_SECONDS

T = TypeVar("T")


class Story:
    """What the calls of one request do, in their order; those that it says nothing about are quick and well."""

    def __init__(self, told: Sequence[int], turns_at_most: int, only: Collection[str]) -> None:
        """Takes how the first calls go, how many may be anything but quick and well, in which ways (or in any)."""
        self._told = list(told)
        self._turns_left = turns_at_most
        self._only = only
        self._met: list[tuple[int, int]] = []
        self.lines: list[str] = []

    def choose(self, call: str, ways: Sequence[str]) -> str:
        """How a call goes, and the note of it for whoever reads of a failure."""
        ways = [way for way in ways if not self._only or way in self._only]
        place = len(self._met)
        way = self._told[place] if place < len(self._told) else 0
        self._met.append((way, len(ways) if self._turns_left > 0 else 1))
        self._turns_left -= way > 0
        self.lines.append(f"{call}: {ways[way]}")
        return ways[way]

    def next(self) -> list[int] | None:
        """How the calls go in the story after this one; None when this was the last."""
        for place in reversed(range(len(self._met))):
            way, ways = self._met[place]
            if way + 1 < ways:
                return [before for before, _ in self._met[:place]] + [way + 1]
        return None


def stories(turns_at_most: int, only: Collection[str] = ()) -> Iterator[Story]:
    """All stories in which so many calls at most are anything but quick and well. Play each before the next."""
    told: list[int] | None = []
    while told is not None:
        story = Story(told, turns_at_most, only)
        yield story
        told = story.next()


class Told:
    """Every port of a world, doing what a story says: quick takes no time, slow the longest that there is."""

    def __init__(self, world: World, choose: Callable[[str, Sequence[str]], str]) -> None:
        """Takes a story's ``choose``."""
        self._world = world
        self._choose = choose
        self._has_begun = False

    def _read(self, name: str, call: Callable[[], T]) -> T:
        # The first call of a request is a read; from there on all others may begin at an odd time too.
        ways = ("quick", "slow", "lost") if self._has_begun else ("quick", "slow", "rather slow", "lost")
        self._has_begun = True
        way = self._choose(name, ways)
        if way != "quick":
            self._world.clock.advance(CALL_SECONDS / 2 if way == "rather slow" else CALL_SECONDS)
        if way == "lost":
            raise Unavailable("slow")
        return call()

    def read(self, service: str) -> Readings:
        return self._read("read", lambda: self._world.pointers.read(service))

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        return self._read(f"get {key.sort}", lambda: self._world.ledger.get(key, consistent=consistent))

    def describe(self, execution_arn: str) -> Execution | None:
        return self._read("describe", lambda: self._world.pipelines.describe(execution_arn))

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        name = f"commit {writes[0].key.sort}"
        way = self._choose(name, ("quick", "slow", "lost", "lost at once", "slowly refused"))
        if way not in ("quick", "lost at once"):
            self._world.clock.advance(CALL_SECONDS)
        if way == "slowly refused":
            return Refusal(())
        refusal = self._world.ledger.commit(writes)
        if way == "repeated":
            # Its first answer was lost on the way; sent again, it is refused by its own effect.
            return self._world.ledger.commit(writes)
        if way.startswith("lost"):
            raise Uncertain("slow")
        return refusal

    def invoke(self, function_arn: str, payload: dict[str, Any]) -> Invocation:
        ways = ("quick", "slow", "lost", "broke", "refused", "refused at once")
        way = self._choose(f"invoke {function_arn.rpartition(':')[2]}", ways)
        if way not in ("quick", "refused at once"):
            self._world.clock.advance(INVOKE_SECONDS)
        if way.startswith("refused"):
            return Refused("throttled")
        if way == "broke":
            return Broke("an error")
        started = self._world.pipelines.invoke(function_arn, payload)
        return Lost("no answer") if way == "lost" else started

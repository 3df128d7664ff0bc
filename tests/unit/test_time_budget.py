"""However slow everything is, the caller is answered before API Gateway gives up at 29 seconds."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
from tests.unit.world import World, arn

from canary_router.core.conditions import Item, Key, Refusal, Write
from canary_router.core.model import Route
from canary_router.core.pointers import Readings
from canary_router.errors import CanaryRouterError, Unavailable, Uncertain
from canary_router.ports import Broke, Execution, Invocation, Lost, Refused
from canary_router.settings import CALL_SECONDS, INVOKE_SECONDS

T = TypeVar("T")
API_GATEWAY_SECONDS = 29
KEYS = [None, "key"]


class Slow:
    """Every port takes its longest time, and then works, or fails as the test says."""

    def __init__(self, world: World, *, fails: set[str], pipeline: Callable[[], Invocation] | None = None) -> None:
        self.world = world
        self.fails = fails
        self.pipeline = pipeline

    def _slowly(self, name: str, error: Exception, call: Callable[[], T]) -> T:
        self.world.clock.advance(CALL_SECONDS)
        if name in self.fails:
            raise error
        return call()

    def read(self, service: str) -> Readings:
        return self._slowly("read", Unavailable("slow"), lambda: self.world.pointers.read(service))

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        return self._slowly("get", Unavailable("slow"), lambda: self.world.ledger.get(key))

    def commit(self, writes: Sequence[Write]) -> Refusal | None:
        return self._slowly("commit", Uncertain("slow"), lambda: self.world.ledger.commit(writes))

    def describe(self, execution_arn: str) -> Execution | None:
        return self._slowly("describe", Unavailable("slow"), lambda: self.world.pipelines.describe(execution_arn))

    def invoke(self, function_arn: str, payload: dict[str, Any]) -> Invocation:
        self.world.clock.advance(INVOKE_SECONDS)
        if self.pipeline is None:
            return self.world.pipelines.invoke(function_arn, payload)
        return self.pipeline()


def answered_after(world: World, *, key: str | None) -> tuple[float, object]:
    began = world.clock.now()
    try:
        answer: object = world.submit(key=key)
    except CanaryRouterError as error:
        answer = error
    return (world.clock.now() - began) / 1000, answer


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("fails", [set(), {"get"}, {"commit"}, {"describe"}, {"get", "commit", "describe"}])
@pytest.mark.parametrize(
    "pipeline",
    [None, lambda: Lost("slow"), lambda: Broke("slow"), lambda: Refused("throttled")],
    ids=["works", "lost", "broke", "refused"],
)
def test_the_answer_comes_in_time(key: str | None, fails: set[str], pipeline: Callable[[], Invocation] | None) -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.reconcile()
    slow = Slow(world, fails=fails, pipeline=pipeline)
    world.replace_ports(pointers=slow, ledger=slow, executions=slow, invoker=slow)
    seconds, _ = answered_after(world, key=key)
    assert seconds < API_GATEWAY_SECONDS


@pytest.mark.parametrize("happened", [True, False])
def test_an_opening_whose_answer_was_lost_costs_its_request_the_canary_and_no_other(*, happened: bool) -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.ledger.lose_answers = [happened]
    gets = world.ledger.gets
    assert world.submit().route is Route.CURRENT
    # The release and the state, before it; nothing is read after it.
    assert world.ledger.gets - gets == 2
    world.clock.advance(1)
    assert world.submit().route is Route.LATEST


def test_a_slow_table_costs_the_canary_and_not_the_answer() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.reconcile()
    slow = Slow(world, fails=set())
    world.replace_ports(ledger=slow)
    _, answer = answered_after(world, key=None)
    assert getattr(answer, "route", None) is Route.CURRENT
    assert world.release.admitted == 0


def test_with_a_quick_table_a_slow_new_version_that_starts_nothing_leaves_time_for_current() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.reconcile()
    world.pipelines.answers[arn("v1.1.0")] = Refused("slowly throttled")
    slow = Slow(world, fails=set())
    world.replace_ports(invoker=slow)
    seconds, answer = answered_after(world, key=None)
    assert getattr(answer, "route", None) is Route.CURRENT
    assert seconds == 2 * INVOKE_SECONDS


def test_a_version_that_refuses_at_once_leaves_time_for_current_although_any_time_has_passed() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.reconcile()

    class QuicklyRefused:
        def invoke(self, function_arn: str, payload: dict[str, Any]) -> Invocation:
            world.clock.advance(0.02)
            if function_arn == arn("v1.1.0"):
                return Refused("throttled")
            return world.pipelines.invoke(function_arn, payload)

    world.replace_ports(invoker=QuicklyRefused())
    for key in KEYS:
        _, answer = answered_after(world, key=key)
        assert getattr(answer, "route", None) is Route.CURRENT

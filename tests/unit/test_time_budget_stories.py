"""In whatever way the calls of one request go, quick, slow or lost: the caller is answered in time."""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import pytest
from tests.unit.stories import Story, Told, stories
from tests.unit.world import SERVICE, World, arn

from canary_router.core import changes
from canary_router.core.model import Route, Status, Transform, Version
from canary_router.core.routing import canonical_input, input_hash, transform_id_for_key
from canary_router.errors import CanaryRouterError, RecordUnavailable
from canary_router.settings import GRACE_SECONDS, REQUEST_SECONDS

KEY = "key"


def asleep() -> World:
    return World()


def opening() -> World:
    world = World()
    world.write_latest("v1.1.0")
    return world


def opening_a_newer_one() -> World:
    world = awake()
    world.write_latest("v1.2.0")
    return world


def awake() -> World:
    world = opening()
    world.reconcile()
    return world


def full() -> World:
    world = awake()
    for _ in range(2):
        world.submit()
    return world


def asleep_and_recording_all() -> World:
    world = asleep()
    world.pointers.put(SERVICE, "policy", '{"record": "all"}', "")
    return world


def opening_and_recording_all() -> World:
    world = opening()
    world.pointers.put(SERVICE, "policy", '{"record": "all"}', "")
    return world


def awake_and_recording_all() -> World:
    world = opening_and_recording_all()
    world.reconcile()
    return world


def put(world: World, tag: str, status: Status, *, fallback: bool = False) -> None:
    """Puts a job of these tests' key on record, as a request that has just tried it leaves it."""
    route = Route.LATEST if tag == "v1.1.0" else Route.CURRENT
    now = world.clock.now()
    job = Transform(
        transform_id=transform_id_for_key(SERVICE, KEY),
        service=SERVICE,
        route=route,
        target=Version(arn(tag), tag),
        status=status,
        created_at=now,
        attempted_at=now,
        input_hash=input_hash(canonical_input(None)),
        release_id=world.release.release_id if route is Route.LATEST else None,
        fallback=fallback,
    )
    assert world.ledger.commit(changes.record(job)) is None


def admitted_to_latest() -> World:
    world = awake()
    put(world, "v1.1.0", Status.ADMITTED)
    return world


def not_started_on_latest() -> World:
    world = awake()
    put(world, "v1.1.0", Status.NOT_STARTED)
    return world


def taken_over_by_current() -> World:
    world = not_started_on_latest()
    put(world, "v1.0.0", Status.ADMITTED, fallback=True)
    return world


def taken_over_and_not_started() -> World:
    world = not_started_on_latest()
    put(world, "v1.0.0", Status.NOT_STARTED, fallback=True)
    return world


def not_started_on_current() -> World:
    world = asleep()
    put(world, "v1.0.0", Status.NOT_STARTED)
    return world


def overdue_on_latest() -> World:
    world = admitted_to_latest()
    world.clock.advance(GRACE_SECONDS + 60)
    return world


def overdue_on_current() -> World:
    world = taken_over_by_current()
    world.clock.advance(GRACE_SECONDS + 60)
    return world


NEW = [
    asleep,
    opening,
    opening_a_newer_one,
    awake,
    full,
]
RECORDING_ALL = [
    asleep_and_recording_all,
    opening_and_recording_all,
    awake_and_recording_all,
]
RETRIED = [
    admitted_to_latest,
    not_started_on_latest,
    taken_over_by_current,
    taken_over_and_not_started,
    not_started_on_current,
    overdue_on_latest,
    overdue_on_current,
]
TURNS = 5
"""How many calls of one request are slow, lost or refused at most: no more than these fit into its time."""


Choose: TypeAlias = Callable[[str, Sequence[str]], str]


def played(situation: Callable[[], World], choose: Choose, key: str | None) -> tuple[float, Exception | None]:
    """How many seconds a request has taken, and what it was refused with."""
    world = situation()
    told = Told(world, choose)
    world.replace_ports(pointers=told, ledger=told, executions=told, invoker=told)
    began = world.clock.now()
    problem: Exception | None = None
    try:
        world.submit(key=key)
    except CanaryRouterError as error:
        problem = error
    return (world.clock.now() - began) / 1000, problem


@pytest.mark.parametrize(
    ("situation", "key"),
    [(made, None) for made in NEW + RECORDING_ALL] + [(made, KEY) for made in NEW + RETRIED],
    ids=lambda given: getattr(given, "__name__", str(given)),
)
def test_whatever_its_calls_do_a_request_is_answered_in_time(
    situation: Callable[[], World], key: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # thousands of stories of trouble
    worst = (0.0, [""])
    for story in stories(TURNS):
        seconds, _ = played(situation, story.choose, key)
        worst = max(worst, (seconds, story.lines))
    assert worst[0] <= REQUEST_SECONDS, "\n".join(worst[1])


@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("situation", NEW + RECORDING_ALL, ids=lambda made: made.__name__)
def test_a_canary_however_slow_costs_no_request_its_answer(situation: Callable[[], World], key: str | None) -> None:
    for story in stories(TURNS, only=("quick", "rather slow", "slow")):
        _, problem = played(situation, story.choose, key)
        assert problem is None, "\n".join(story.lines)


def test_the_time_for_the_record_is_asked_for_anew_after_latest_was_given_up_slowly() -> None:
    calls = []

    def choose(call: str, _ways: Sequence[str]) -> str:
        calls.append(call)
        return told.pop(0)

    to_latest = ["rather slow", "quick", "quick", "refused at once"]
    given_up = ["slowly refused", "slow"]
    told = [*to_latest, *given_up, "slow", *["quick"] * 9]
    seconds, problem = played(awake, choose, None)
    assert calls[len(to_latest) :] == ["commit TRANSFORM", "get TRANSFORM", "invoke transformer-v1-0-0-pipeline"]
    assert (seconds, problem) == (3 + 6 + 6 + 9, None)


def test_nothing_is_asked_for_that_current_would_leave_no_time_for() -> None:
    calls = []

    def choose(call: str, _ways: Sequence[str]) -> str:
        calls.append(call)
        return told.pop(0)

    to_latest = ["quick", "quick", "quick", "slow", "refused at once"]
    given_up = ["repeated", "slow"]
    told = [*to_latest, *given_up, "slow", *["slow"] * 9]
    seconds, problem = played(awake, choose, KEY)
    assert calls[len(to_latest) :] == ["commit TRANSFORM", "get TRANSFORM", "get FALLBACK"]
    assert (seconds, type(problem)) == (6 + 6 + 6 + 6, RecordUnavailable)


def test_every_story_is_told_once() -> None:
    told = []
    for story in stories(turns_at_most=2):
        first = story.choose("read", ("quick", "slow", "lost"))
        told.append((first,) if first == "lost" else (first, story.choose("get", ("quick", "slow"))))
    assert told == [("quick", "quick"), ("quick", "slow"), ("slow", "quick"), ("slow", "slow"), ("lost",)]
    assert len(list(_of_three_calls(turns_at_most=1))) == 4


def _of_three_calls(turns_at_most: int) -> Iterator[Story]:
    for story in stories(turns_at_most):
        for _ in range(3):
            story.choose("get", ("quick", "slow"))
        yield story

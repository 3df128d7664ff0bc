"""Worlds in memory, each in a state that a person meets on the dashboard."""

from collections.abc import Callable

from tests.unit.world import SERVICE, World, arn

from canary_router.core.model import Release, Status, Transform
from canary_router.core.orders import GivenOrder, Order, OrderKind
from canary_router.flows.inspect import transforms_of
from canary_router.flows.order_history import orders_given
from canary_router.flows.orders import give_order
from canary_router.flows.reconcile import Reconciler

ANN = "arn:aws:sts::123456789012:assumed-role/Operator/ann"
POLICY = '{"requests": 3, "share": 1, "deadline": "PT12H"}'


def lived_in() -> World:
    """A service with a past: v1.1.0 was promoted, v1.1.1 turned away; v1.1.0 serves."""
    world = World(current="v1.0.0")
    world.pointers.put(SERVICE, "policy", POLICY, "")
    world.reconcile()
    world.write_latest("v1.1.0")
    run(world, hours=(1.5, 1.7, 2.6))
    world.clock.advance(40 * 3600)
    world.write_latest("v1.1.1")
    run(world, hours=(0.9, 1.2), ends=(Status.SUCCEEDED, Status.TIMED_OUT))
    world.clock.advance(50 * 3600)
    return world


def run(world: World, hours: tuple[float, ...], ends: tuple[Status, ...] = ()) -> None:
    """Sends a job every few minutes; each ends after so many hours, well unless something else is said."""
    jobs = []
    for _ in hours:
        world.clock.advance(700)
        jobs.append(world.submit())
    last = 0.0
    for job, after, end in zip(jobs, hours, ends or [Status.SUCCEEDED] * len(hours), strict=True):
        world.clock.advance((after - last) * 3600)
        last = after
        world.end(job, end)


def asleep() -> World:
    world = lived_in()
    order(world, OrderKind.ABORT, "the numbers for June were wrong", "v1.2.0-rc.1")
    world.reconcile()
    world.clock.advance(3600)
    world.write_latest("v1.2.0")
    run(world, hours=(1.1, 1.3, 2.2))
    world.clock.advance(30 * 3600)
    return world


def holding() -> World:
    """One of three has succeeded, two run."""
    world = lived_in()
    world.write_latest("v1.2.0")
    run(world, hours=(2.1,))
    world.clock.advance(900)
    for _ in range(2):
        world.submit()
        world.clock.advance(2100)
    return world


def paused() -> World:
    world = holding()
    order(world, OrderKind.PAUSE, "the source data is being reloaded")
    world.clock.advance(600)
    return world


def promoting() -> World:
    world = holding()
    order(world, OrderKind.PROMOTE, "checked the output by hand")
    world.clock.advance(4)
    return world


def aborted() -> World:
    world = holding()
    for job in world.pipelines.executions()[-1:]:
        world.pipelines.end(job.execution_arn, Status.FAILED)
    world.reconcile()
    world.clock.advance(900)
    return world


def invalid() -> World:
    world = lived_in()
    world.pointers.put(SERVICE, "latest", "arn:aws:lambda:eu-west-1:123456789012:function", "")
    world.clock.advance(60)
    return world


def order(world: World, kind: OrderKind, why: str, tag: str = "") -> None:
    """What Ann orders; about a version that is released first, if one is named."""
    if tag:
        world.write_latest(tag)
        world.reconcile()
        world.clock.advance(300)
    give_order(world.ports, Order(f"{kind}-1", kind, SERVICE, ANN, why, world.clock.now()))


def jobs_of(world: World, release: Release) -> list[Transform]:
    return transforms_of(world.ledger, SERVICE, release.release_id)


def orders_of(world: World) -> list[GivenOrder]:
    return orders_given(world.ledger, SERVICE)


STATES: dict[str, Callable[[], World]] = {
    "asleep": asleep,
    "holding": holding,
    "promoting": promoting,
    "paused": paused,
    "aborted": aborted,
    "invalid": invalid,
}


def neighbours(world: World) -> None:
    """Two more services beside the one: one asleep, one that is being tried out."""
    for name, latest in (("billing-export", ""), ("search-index", "v4.1.0")):
        world.pointers.put(name, "current", arn("v4.0.2", name), "")
        reconciler = Reconciler(world.controller(), world.settings)
        reconciler.reconcile(name)
        if latest:
            world.clock.advance(1)
            world.pointers.put(name, "latest", arn(latest, name), "")
            reconciler.reconcile(name)
            world.clock.advance(1200)

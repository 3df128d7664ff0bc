"""The demo: two releases judged by real jobs on this machine, a good one and a bad one."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import boto3

from canary_router import wiring
from canary_router.client import RouterClient, Transform, Tuning
from canary_router.core.model import ReleaseState
from canary_router.errors import CanaryRouterError, ConfigurationError
from canary_router.flows import inspect
from canary_router.local import emulator as emulators
from canary_router.local import provision, standins
from canary_router.local.demo import delivered
from canary_router.local.demo.load import Load, Sent
from canary_router.local.demo.scene import Scene, Screen, Watcher, tag_of
from canary_router.local.demo.summary import BAD, FIRST, GOOD, Observed
from canary_router.local.deployment import ENVIRONMENT, Deployment
from canary_router.local.home import state_home
from canary_router.local.record import Emulator
from canary_router.local.sample import SERVICE
from canary_router.ports import Ports
from canary_router.settings import stack_name

__all__ = ["Observed", "Scene", "Screen", "Sent", "Wishes", "nothing_beside", "run"]

PURPOSE = "demo"
DECIDED_WITHIN = 300.0
"""Seconds from the end of a deployment to the end of its release: a few, unless events are lost or Spark is busy."""
_YEARS = (2013, 2014, 2015)
"""Not 2012, the one leap year, which the bad version does well with: so each demo ends alike."""
_METRICS = ("temp_max", "temp_min", "precipitation", "wind")


@dataclass(frozen=True)
class Wishes:
    """What a user may choose.

    Attributes:
        rate: Jobs per second.
        port: Port for the emulator; 0 takes a free one.
        keep: Whether the emulator stays, as after ``local up``.
        spark: Whether the sample's Spark jobs run on PySpark.
    """

    rate: float
    port: int = 0
    keep: bool = False
    spark: bool = False


def nothing_beside(_session: boto3.Session) -> AbstractContextManager[None]:
    """What stands beside a demo that nobody watches but by its screen."""
    return nullcontext()


def run(
    screen: Screen, wishes: Wishes, beside: Callable[[boto3.Session], AbstractContextManager[None]] = nothing_beside
) -> Observed:
    """Sets everything up, sends jobs, releases a good and a bad version, and returns what was observed.

    Args:
        screen: Shows it.
        wishes: What the user chose.
        beside: What else is there while it plays, given a session that reaches the router.

    Raises:
        ConfigurationError: The port is taken, another emulator is up, or PySpark is not installed.
        Unavailable: A tool could not be installed, or a deployment failed.
    """
    began = time.monotonic()
    if wishes.spark:
        standins.check_spark()
    home = state_home()
    _clear_away(screen)
    emulator = emulators.start(home, port=wishes.port, progress=screen.step)
    try:
        emulator = provision.furnish(replace(emulator, purpose=PURPOSE), screen.step, spark=wishes.spark)
        with beside(provision.connect(emulator)):
            observed = _play(emulator, screen, wishes.rate, began)
        if wishes.keep:
            emulators.keep(home, emulator)
        return observed
    finally:
        found = emulators.running(home)
        if found is not None and found.owner is not None:
            emulators.stop(home)


def _clear_away(screen: Screen) -> None:
    """Ends what an earlier demo left; what ``local up`` started belongs to somebody."""
    found = emulators.running(state_home())
    if found is None or found.is_orphan:
        return
    if found.purpose != PURPOSE or found.owner is not None:
        other = "another demo runs" if found.purpose == PURPOSE else "a local router is up"
        raise ConfigurationError(
            f"On this machine {other}, at {found.endpoint_url}",
            advice="Let it end, or end it: canary-router local down.",
        )
    screen.step("Ending the emulator that an earlier demo left running")
    emulators.stop(state_home())


def _play(emulator: Emulator, screen: Screen, rate: float, began: float) -> Observed:
    session = provision.connect(emulator)
    ports = wiring.aws_ports(session, ENVIRONMENT)
    deployment = Deployment(emulator, screen.step)
    with Load(_front_end(session), rate) as load:

        def sent_to(version: str, least: int) -> Callable[[], bool]:
            return lambda: sum(1 for it in load.sent() if it.version == version) >= least

        with Watcher(lambda: inspect.service_view(ports, SERVICE), load.sent, screen, began):
            screen.step(f"Sending jobs; {FIRST} takes them all")
            _wait_until(sent_to(FIRST, round(3 * rate)))
            deployment.deploy(deployment.assembly, stack_name(SERVICE, GOOD))
            screen.step(f"{GOOD} is being judged")
            _wait_until(lambda: _is_decided(ports, GOOD))
            screen.step(f"Sending jobs; {GOOD} takes them all")
            _wait_until(sent_to(GOOD, round(3 * rate)))
            deployment.deploy(deployment.assembly, stack_name(SERVICE, BAD))
            screen.step(f"{BAD} is being judged")
            _wait_until(lambda: _is_decided(ports, BAD))
            screen.step(f"Sending jobs; {GOOD} still takes them all")
            _wait_until(sent_to(GOOD, len([it for it in load.sent() if it.version == GOOD]) + round(2 * rate)))
    sent = tuple(load.sent())
    screen.step("Waiting for the last jobs, and looking at what all have delivered")
    return replace(_observed(ports, sent, began), delivered=delivered.look(session, emulator, sent))


def _front_end(session: boto3.Session) -> Callable[[int], Transform]:
    # One attempt: a request that fails has failed, and is counted.
    client = RouterClient(ENVIRONMENT, session=session, tuning=Tuning(attempts=1))

    def submit(number: int) -> Transform:
        return client.submit(SERVICE, {"year": _YEARS[number % 3], "metric": _METRICS[number // 3 % 4]})

    return submit


def _is_decided(ports: Ports, tag: str) -> bool:
    """Whether a version's release is over, and the ends of all its jobs are on record."""
    try:
        releases = inspect.releases(ports.ledger, SERVICE)
    except CanaryRouterError:
        return False  # the next look is close
    over = (ReleaseState.PROMOTED, ReleaseState.ABORTED)
    return any(it.target.tag == tag and it.state in over and it.running == 0 for it in releases)


def _wait_until(condition: Callable[[], bool]) -> None:
    """Waits, for a time; what did not happen by then is missing from what was observed."""
    until = time.monotonic() + DECIDED_WITHIN
    while not condition() and time.monotonic() < until:
        time.sleep(0.2)


def _observed(ports: Ports, sent: tuple[Sent, ...], began: float) -> Observed:
    view = inspect.service_view(ports, SERVICE)
    releases = tuple(reversed(inspect.releases(ports.ledger, SERVICE)))
    return Observed(
        sent=sent,
        releases=releases,
        canaries={it.target.tag: tuple(inspect.transforms_of(ports.ledger, SERVICE, it.release_id)) for it in releases},
        current=tag_of(view.pointers.current),
        latest=tag_of(view.pointers.latest),
        seconds=time.monotonic() - began,
    )

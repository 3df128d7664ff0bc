"""What a request and an outcome cost, counted where botocore sends its calls."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from tests.e2e.deployed import ENVIRONMENT, JOB, SERVICE, Deployed, wait_until

from canary_router import wiring
from canary_router.adapters.memory import ManualClock
from canary_router.core.model import ReleaseState, Route, Transform
from canary_router.core.routing import canonical_input, input_hash
from canary_router.flows.outcome import Controller, Ended
from canary_router.flows.request import Job, Router
from canary_router.ports import Ports
from canary_router.settings import Settings

CONFIG = Settings(ENVIRONMENT, (SERVICE,))


class Counted:
    """Ports over AWS whose calls are counted, with a clock of the test's own."""

    def __init__(self, deployed: Deployed) -> None:
        self.order: list[str] = []
        record = deployed.emulator
        session = boto3.Session(record.access_key_id, record.secret_access_key, region_name=record.region)
        session.events.register("before-call", self._count)
        ports = deployed.ports_over(session)
        self.clock = ManualClock(ports.clock.now())
        self.ports: Ports = replace(ports, clock=self.clock)

    def _count(self, model: Any, **_: Any) -> None:
        self.order.append(model.name)

    def spent(self) -> dict[str, int]:
        """The calls since the last time that somebody asked."""
        spent, self.order = dict(Counter(self.order)), []
        return spent


@pytest.fixture
def counted(router: Deployed) -> Iterator[Counted]:
    # Nobody else may judge while calls are counted.
    events, rule = router.client("events"), f"canary-router-{ENVIRONMENT}-ended"
    events.disable_rule(Name=rule)
    yield Counted(router)
    events.enable_rule(Name=rule)


def job() -> Job:
    return Job(SERVICE, JOB, input_hash(canonical_input(JOB)))


def submitted(router: Router, route: Route) -> Transform:
    transform = router.submit(job())
    assert transform.route is route
    return transform


def test_asleep_a_request_is_one_invoke_and_one_get_parameters_in_five_seconds(counted: Counted) -> None:
    router = Router(counted.ports, CONFIG, draw=lambda: 0.0, new_id=wiring.new_id)
    for _ in range(20):
        submitted(router, Route.CURRENT)
        counted.clock.advance(0.5)
    assert counted.spent() == {"Invoke": 20, "GetParameters": 2}


def test_awake_a_canary_costs_three_calls_and_a_full_release_none_but_one_look(
    router: Deployed, counted: Counted
) -> None:
    router.release("v1.1.0")
    router.reconcile()
    awake = Router(counted.ports, CONFIG, draw=lambda: 0.0, new_id=wiring.new_id)
    submitted(awake, Route.LATEST)
    assert counted.spent() == {
        "GetParameters": 1,
        "GetItem": 1,
        "TransactWriteItems": 1,
        "Invoke": 1,
        "UpdateItem": 1,
    }
    submitted(awake, Route.LATEST)
    assert counted.spent() == {"TransactWriteItems": 1, "Invoke": 1, "UpdateItem": 1}
    counted.clock.advance(1)
    submitted(awake, Route.CURRENT)
    assert counted.spent() == {"GetItem": 1, "Invoke": 1}
    counted.clock.advance(2)
    submitted(awake, Route.CURRENT)
    assert counted.spent() == {"Invoke": 1}


def test_an_outcome_is_one_read_and_one_write_and_the_last_one_has_both_pointers_written_after_six_calls(
    router: Deployed, counted: Counted
) -> None:
    router.release("v1.1.0")
    router.reconcile()
    awake = Router(counted.ports, CONFIG, draw=lambda: 0.0, new_id=wiring.new_id)
    canaries = [submitted(awake, Route.LATEST) for _ in range(2)]
    for canary in canaries:
        arn = str(canary.execution_arn)
        ended: list[Any] = []

        def is_over(arn: str = arn, ended: list[Any] = ended) -> bool:
            ended.append(counted.ports.executions.describe(arn))
            return bool(ended[-1] and ended[-1].status.is_final)

        wait_until(is_over)
        counted.spent()
        controller = Controller(counted.ports, CONFIG, owner=wiring.new_id())
        controller.on_ended(Ended(canary.transform_id, arn, ended[-1].status))
        if canary is canaries[0]:
            assert counted.spent() == {"GetItem": 1, "TransactWriteItems": 1}
    assert counted.order[:6] == [
        "GetItem",
        "TransactWriteItems",
        "GetParameters",
        "TransactWriteItems",
        "PutParameter",
        "PutParameter",
    ]
    assert not {"Scan", "Query", "DescribeExecution"} & set(counted.spent())
    assert router.newest.state is ReleaseState.PROMOTED

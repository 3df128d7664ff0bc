"""Schemathesis against the API on the memory adapters, by the project's own description: asleep, awake, in trouble."""

import json
from typing import Any, TypeAlias

import schemathesis
from hypothesis import HealthCheck, settings
from tests.hostile.served import KEY, Served
from tests.unit.world import SERVICE, World

from canary_router.api.description import description
from canary_router.ports import Broke, Lost, Refused

Case: TypeAlias = schemathesis.Case[Any]

BOUNDED = settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.filter_too_much])


class Trouble:
    """A pipeline in every kind of trouble, one after the other."""

    def __init__(self) -> None:
        self.count = 0

    def invoke(self, function_arn: str, payload: dict[str, Any]) -> Refused | Broke | Lost:
        self.count += 1
        return (Refused("throttled"), Broke("ValueError: no"), Lost("timeout"))[self.count % 3]


class Caller:
    """Knows the API's key."""

    def get(self, case: Case, context: Any) -> str:
        return KEY

    def set(self, case: Case, data: str, context: Any) -> None:
        case.headers["x-api-key"] = data


def awake() -> World:
    world = World(draw=0.4)
    world.pointers.put(SERVICE, "policy", '{"requests": 5, "rescue": true, "record": "all"}', "")
    world.write_latest("v1.1.0")
    return world


def without_a_table() -> World:
    world = awake()
    world.ledger.down = True
    return world


def in_trouble() -> World:
    world = awake()
    world.replace_ports(invoker=Trouble())
    return world


def served(world: World, *, well: bool = True, known: bool = True) -> Any:
    """The described API of a world.

    ``well``: a 5xx is a failure. ``known``: the service that is asked for is this world's, not anything.
    """
    document = json.loads(json.dumps(description()))
    if known:
        for path in document["paths"].values():
            path["parameters"][0]["schema"] = {"enum": [SERVICE]}
    checks = {
        # API Gateway knows no 405: a method that a path does not have is not found, like a path that there is not.
        "unsupported_method": {"enabled": False},
        "not_a_server_error": {"enabled": well},
    }
    config = schemathesis.Config.from_dict({"checks": checks})
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema.app = Served(world.router)
    schema.auth()(Caller)
    return schema


@schemathesis.pytest.parametrize(
    asleep=served(World()),
    awake=served(awake()),
    of_any_service=served(awake(), known=False),
    unreleased=served(World(current=""), well=False),
    without_a_table=served(without_a_table(), well=False),
    in_trouble=served(in_trouble(), well=False),
)
@BOUNDED
def test_every_answer_is_described_and_only_a_router_in_trouble_answers_with_a_5xx(case: Case) -> None:
    case.call_and_validate()


def test_a_job_that_was_taken_is_found_where_its_answer_says() -> None:
    schema = served(awake())
    schema.as_state_machine().run(
        settings=settings(
            max_examples=20,
            stateful_step_count=6,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
    )
    assert schema.app.statuses["POST", 202] > 0
    assert schema.app.statuses["GET", 200] > 0

"""What one service's callers say cannot reach another service's records, whatever they put where."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from tests.hostile.garbage import BOUNDED, checked, texts
from tests.unit.test_api import get, post
from tests.unit.world import SERVICE, World, arn

from canary_router import settings
from canary_router.adapters.aws.stepfunctions import StepFunctionsExecutions
from canary_router.api import respond
from canary_router.core.model import Status
from canary_router.core.routing import transform_id_for_key
from canary_router.errors import NotVisible, Unavailable
from canary_router.ports import Execution

OTHER = "reporter"


def two_services() -> tuple[World, str, str]:
    """Another service has a canary job on record; the router serves both. Its id and its execution come back."""
    world = World()
    world.settings = settings.Settings("test", (SERVICE, OTHER), pointer_ttl=0.0)
    world.router = world.new_router()
    world.pointers.put(OTHER, "current", arn("v1.0.0", OTHER), "")
    world.clock.advance(1)
    world.pointers.put(OTHER, "latest", arn("v1.1.0", OTHER), "")
    status, document = checked(respond(world.router, post(service=OTHER)))
    assert (status, document["route"]) == (202, "latest")
    return world, document["transform_id"], document["execution_arn"]


@BOUNDED
@given(data=st.data())
def test_no_id_and_no_execution_shows_another_services_job(data: st.DataObject) -> None:
    world, transform_id, execution_arn = two_services()
    ids = st.sampled_from([transform_id, f"{transform_id}-rescue", f"TRANSFORM#{transform_id}", f"../{transform_id}"])
    arns = st.sampled_from([execution_arn, execution_arn.replace(OTHER, SERVICE), execution_arn + ":x", ""])
    event = get(data.draw(st.one_of(ids, texts)), execution_arn=data.draw(st.one_of(arns, texts)))
    assert checked(respond(world.router, event))[0] == 404


@BOUNDED
@given(key=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=128))
def test_the_same_key_of_two_services_is_two_jobs(key: str) -> None:
    assert transform_id_for_key(SERVICE, key) != transform_id_for_key(OTHER, key)
    world, _, _ = two_services()
    answers = [
        checked(respond(world.router, post(service=name, headers={"Idempotency-Key": key})))
        for name in (SERVICE, OTHER)
    ]
    assert [(status, document["service"]) for status, document in answers] == [(202, SERVICE), (202, OTHER)]
    assert answers[0][1]["transform_id"] != answers[1][1]["transform_id"]


def test_a_job_of_a_service_that_this_router_does_not_serve_is_not_looked_up() -> None:
    world, transform_id, execution_arn = two_services()
    world.settings = settings.Settings("test", (SERVICE,), pointer_ttl=0.0)
    gets = world.ledger.gets
    assert checked(respond(world.new_router(), get(transform_id, OTHER, execution_arn=execution_arn)))[0] == 404
    assert world.ledger.gets == gets


@pytest.mark.parametrize("place", ["us-east-1:123456789012", "eu-west-1:999999999999"])
def test_an_execution_of_another_region_or_account_is_not_found_rather_than_a_5xx(place: str) -> None:
    world = World()

    class Elsewhere:
        def describe(self, execution_arn: str) -> Execution | None:
            raise NotVisible("AccessDeniedException")

    world.replace_ports(executions=Elsewhere())
    event = get("t-1", execution_arn=f"arn:aws:states:{place}:execution:{SERVICE}-v1-0-0:t-1")
    assert checked(respond(world.router, event))[0] == 404


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDeniedException", NotVisible), ("InvalidArn", NotVisible), ("InvalidParameterValue", Unavailable)],
)
def test_step_functions_refusal_to_say_is_not_taken_for_an_absence(code: str, error: type[Unavailable]) -> None:
    class Client:
        def describe_execution(self, **_: object) -> object:
            raise ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}, "x")  # type: ignore[typeddict-item]

    client: Any = Client()
    with pytest.raises(Unavailable) as refused:
        StepFunctionsExecutions(client).describe("arn")
    assert type(refused.value) is error


def test_a_caller_cannot_read_a_status_under_a_name_that_is_not_the_executions() -> None:
    world = World()
    _, document = checked(respond(world.router, post()))
    world.pipelines.end(document["execution_arn"], Status.SUCCEEDED)
    event = get("t-77", execution_arn=document["execution_arn"])
    assert checked(respond(world.router, event))[0] == 404

"""CloudFormation's events in any shape: an order is always answered, and garbage releases nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hostile.garbage import BOUNDED, NASTY_TEXTS, anything, mangled
from tests.unit.test_release_resource import event
from tests.unit.world import SERVICE, World, arn

from canary_router.adapters.memory import ManualClock, MemoryPointers
from canary_router.core.pointers import Readings
from canary_router.errors import InvalidInput
from canary_router.lambdas.custom_resource import carry_out, order_from
from canary_router.settings import Settings

ANY_SERVICE = Settings("test")
CREATE = event("Create")
PROPERTIES = CREATE["ResourceProperties"]


def carried_out(world: World, given_event: object) -> bool:
    """Whether an event was carried out; what is no order at all is refused before anything is done."""
    try:
        order = order_from(given_event)
    except InvalidInput:
        return False
    outcome = carry_out(world.pointers, order, ANY_SERVICE)
    assert len(outcome.physical_id) <= 1024 or outcome.physical_id == order.physical_id
    return outcome.changed


@BOUNDED
@given(given_event=st.one_of(anything, mangled(CREATE)))
def test_an_event_of_any_form_is_carried_out_as_it_stands_or_does_nothing(given_event: Any) -> None:
    world = World()
    changed = carried_out(world, given_event)
    assert world.pointer("latest") == (arn("v1.1.0") if changed else "")
    assert world.pointer("current") == arn("v1.0.0")


@BOUNDED
@given(properties=mangled(PROPERTIES), kind=st.sampled_from(["Create", "Update", "Delete"]))
def test_an_order_with_properties_of_any_form_gets_an_answer(properties: dict[str, Any], kind: str) -> None:
    world = World()
    order = order_from(event(kind, ResourceProperties=properties, PhysicalResourceId=f"release/{SERVICE}/v1.1.0/1"))
    outcome = carry_out(world.pointers, order, ANY_SERVICE)
    assert world.pointers.services() == (SERVICE,)
    assert outcome.changed == (world.pointer("latest") != "")
    if kind == "Delete":
        # A stack whose deletion failed would be stuck for good.
        assert outcome.problem == ""


@BOUNDED
@given(
    physical_id=st.one_of(st.sampled_from(NASTY_TEXTS), anything, st.from_regex(r"release/.*/.*/\d*", fullmatch=True))
)
def test_no_physical_id_withdraws_another_services_write(physical_id: Any) -> None:
    world = World()
    world.pointers.put("other", "latest", arn("v1.1.0"), "a deployment")
    world.pointers.put(SERVICE, "latest", arn("v1.1.0"), "a deployment")
    order = order_from(event("Delete", PhysicalResourceId=physical_id))
    carry_out(world.pointers, order, ANY_SERVICE)
    latest = world.pointers.read("other").latest
    assert latest is not None
    assert latest.version == 1


def test_a_physical_id_of_another_service_withdraws_nothing_there() -> None:
    world = World()
    world.pointers.put("other", "latest", arn("v1.1.0"), "a deployment")
    outcome = carry_out(
        world.pointers, order_from(event("Delete", PhysicalResourceId="release/other/v1.1.0/1")), ANY_SERVICE
    )
    assert (outcome.changed, outcome.problem) == (False, "")


@pytest.mark.parametrize("missing", ["RequestType", "RequestId", "StackId", "LogicalResourceId", "ResponseURL"])
def test_an_event_that_cannot_be_answered_releases_nothing(missing: str) -> None:
    world = World()
    broken = {name: value for name, value in CREATE.items() if name != missing}
    assert not carried_out(world, broken)
    assert world.pointer("latest") == ""


@pytest.mark.parametrize("kind", ["create", "Destroy", "", None, 7])
def test_an_order_of_an_unknown_kind_is_no_release(kind: Any) -> None:
    world = World()
    assert not carried_out(world, {**CREATE, "RequestType": kind})
    assert world.pointer("latest") == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1.example.org/",
        "http://localhost.example.org/",
        "http://localhost@example.org/",
        "https://",
        "https://[/",
        "HTTP://example.org/",
        "file:///etc/passwd",
    ],
)
def test_an_answer_that_would_leave_the_machine_unencrypted_is_refused_before_anything_is_done(url: str) -> None:
    world = World()
    assert not carried_out(world, {**CREATE, "ResponseURL": url})
    assert world.pointer("latest") == ""


@pytest.mark.parametrize("service", ["../other", "other/latest", "", "-", "UPPER", 7, None, ["a"], {"a": 1}])
def test_a_service_that_is_no_name_is_refused_with_the_propertys_name(service: Any) -> None:
    world = World()
    broken = {**CREATE, "ResourceProperties": {**PROPERTIES, "Service": service}}
    outcome = carry_out(world.pointers, order_from(broken), ANY_SERVICE)
    assert "'Service'" in outcome.problem
    assert world.pointers.services() == (SERVICE,)


def test_a_service_whose_stacks_would_be_named_like_another_services_is_released_nowhere() -> None:
    world = World()
    broken = {**CREATE, "ResourceProperties": {**PROPERTIES, "Service": "etl-v1-0-0-x"}}
    assert "form of a version" in carry_out(world.pointers, order_from(broken), ANY_SERVICE).problem
    assert world.pointers.services() == (SERVICE,)


@pytest.mark.parametrize(
    "given_arn", [7, None, [], {}, "transformer", "x" * 100_000], ids=lambda value: ascii(value)[:20]
)
def test_an_arn_of_any_type_is_answered_with_a_refusal(given_arn: Any) -> None:
    world = World()
    broken = {**CREATE, "ResourceProperties": {**PROPERTIES, "PipelineArn": given_arn}}
    assert carry_out(world.pointers, order_from(broken), ANY_SERVICE).problem


def test_an_error_that_nobody_foresaw_is_answered_too() -> None:
    """CloudFormation would wait for an hour, and then roll back."""

    class Broken(MemoryPointers):
        def read(self, service: str) -> Readings:
            raise ZeroDivisionError

    outcome = carry_out(Broken(ManualClock()), order_from(CREATE), ANY_SERVICE)
    assert "ZeroDivisionError" in outcome.problem

"""Items of any content: what cannot be read is named, and costs nobody else a job, a decision or an answer."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hostile.garbage import BOUNDED, checked, texts
from tests.unit.test_api import get, post
from tests.unit.world import SERVICE, World, arn

from canary_router import settings
from canary_router.api import respond
from canary_router.core import order_records, records
from canary_router.core.conditions import Item, Key, Write
from canary_router.core.model import Release, ReleaseState, Route, ServiceState, Status, Transform
from canary_router.core.orders import GivenOrder, Order, OrderKind
from canary_router.errors import InvalidInput, MalformedRecord, OrderRefused
from canary_router.flows.inspect import releases, transforms_of
from canary_router.flows.orders import roll_back

ORDER = Order("o1", OrderKind.PAUSE, SERVICE, "ann", "because", 1_700_000_000_000)


def samples() -> dict[str, Item]:
    world = World()
    world.write_latest("v1.1.0")
    transform = world.submit()
    return {
        "release": records.release_item(world.release),
        "transform": records.transform_item(transform),
        "state": world.ledger.get(records.state_key(SERVICE)) or {},
        "order": order_records.order_item(ORDER, world.release),
    }


SAMPLES = samples()
values = st.one_of(texts, st.integers(-(10**30), 10**30))


def broken(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """An item with some fields replaced by anything that a table can hold here, and some missing."""
    item = dict(SAMPLES[kind])
    names = st.sampled_from(sorted(item))

    def mangle(fields: dict[str, Any], missing: set[str]) -> dict[str, Any]:
        return {name: value for name, value in {**item, **fields}.items() if name not in missing}

    return st.builds(mangle, st.dictionaries(names, values, max_size=3), st.sets(names, max_size=2))


def read(kind: str, item: Item) -> Release | Transform | ServiceState | GivenOrder:
    match kind:
        case "release":
            return records.release_of(item)
        case "transform":
            return records.transform_of(item)
        case "order":
            return order_records.order_of(item)
        case _:
            return records.state_of(SERVICE, item)


def put(world: World, key: Key, item: Item) -> None:
    """What a person, a restored backup or a newer version may have written."""
    world.ledger.commit([Write(key, (), put=item)])


@BOUNDED
@given(data=st.data(), kind=st.sampled_from(sorted(SAMPLES)))
def test_an_item_of_any_content_is_read_or_named(data: st.DataObject, kind: str) -> None:
    item = data.draw(broken(kind))
    try:
        found = read(kind, item)
    except MalformedRecord:
        return
    match found:
        case ServiceState():
            assert found.looked_up_to is None or found.looked_up_to.version == int(found.looked.partition(".")[2])
        case Release():
            assert found.policy.required <= found.policy.requests
        case GivenOrder():
            assert found.order.kind in OrderKind
        case Transform():
            assert found.status.is_final or found.status in ("ADMITTED", "RUNNING")


@BOUNDED
@given(item=broken("release"))
def test_a_release_of_any_content_never_costs_a_job_its_start(item: dict[str, Any]) -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    put(world, records.release_key(SERVICE, str(SAMPLES["release"]["release_id"])), item)
    assert checked(respond(world.new_router(), post()))[0] == 202


def test_an_item_that_cannot_be_read_is_named_with_what_is_wrong_with_it() -> None:
    item = {**SAMPLES["transform"], "status": "SLEEPING"}
    with pytest.raises(MalformedRecord, match=r"TRANSFORM#t-1 TRANSFORM .*SLEEPING") as refused:
        records.transform_of(item)
    assert refused.value.advice


@pytest.mark.parametrize("target", ["", "none", "arn:aws:iam::123456789012:role/admin"])
def test_a_target_that_is_no_function_never_becomes_current(target: str) -> None:
    world = World()
    world.write_latest("v1.1.0")
    jobs = [world.submit(), world.submit()]
    key = records.release_key(SERVICE, str(jobs[0].release_id))
    put(world, key, {**(world.ledger.get(key) or {}), "target_arn": target})
    world.end(jobs[0])  # decides nothing, so nobody looks at the release
    with pytest.raises(MalformedRecord):
        world.end(jobs[1])
    with pytest.raises(MalformedRecord):
        world.reconcile()
    assert world.pointer("current") == arn("v1.0.0")


@BOUNDED
@given(item=broken("state"))
def test_a_services_state_of_any_content_never_costs_a_job_its_start(item: dict[str, Any]) -> None:
    world = World()
    world.write_latest("v1.1.0")
    put(world, records.state_key(SERVICE), item)
    assert checked(respond(world.router, post()))[0] == 202


@BOUNDED
@given(item=broken("transform"))
def test_a_transform_of_any_content_is_shown_or_said_to_be_unreadable(item: dict[str, Any]) -> None:
    world = World()
    put(world, records.transform_key("t-1"), item)
    status, document = checked(respond(world.router, get("t-1")))
    assert status in (200, 404, 503)
    assert status != 503 or "cannot be read" in document["detail"]


def test_a_job_with_a_key_whose_record_is_malformed_is_not_started_a_second_time() -> None:
    world = World()
    event = post(headers={"Idempotency-Key": "k"})
    _, document = checked(respond(world.router, event))
    key = records.transform_key(document["transform_id"])
    put(world, key, {**(world.ledger.get(key) or {}), "status": "SLEEPING"})
    assert checked(respond(world.router, event))[0] == 503
    assert len(world.pipelines.invocations) == 1


@pytest.mark.parametrize("previous", ["", "none", "arn:aws:iam::123456789012:role/admin"])
def test_nothing_is_rolled_back_to_what_is_no_function(previous: str) -> None:
    world = World()
    world.reconcile()
    key = records.state_key(SERVICE)
    put(world, key, {**(world.ledger.get(key) or {}), "previous_arn": previous, "previous_tag": "v0.9.0"})
    with pytest.raises(OrderRefused, match="which is no function"):
        roll_back(world.ports, replace(ORDER, kind=OrderKind.ROLLBACK))
    assert world.state.open_release is None


@pytest.mark.parametrize(
    "fields", [{"order_id": ""}, {"order_id": "A#B"}, {"order_id": "a" * 65}, {"why": "x" * 501}, {"who": "x" * 501}]
)
def test_an_order_is_bounded(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(ORDER, **fields)  # type: ignore[arg-type] # texts all of them
    assert refused.value.advice


def test_a_malformed_job_does_not_keep_the_other_jobs_from_being_settled(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.write_latest("v1.1.0")
    jobs = [world.submit(), world.submit()]
    poison: dict[str, str | int] = {
        settings.PENDING_INDEX_KEY: SERVICE,
        settings.RELEASE_INDEX_KEY: records.index_value(SERVICE, jobs[0].release_id),
        settings.INDEX_SORT_KEY: 1,
        "status": "SLEEPING",
    }
    put(world, records.transform_key("poison"), poison)
    for job in jobs:
        world.end(job, tell=False)
    with caplog.at_level(logging.ERROR):
        world.reconcile()
    assert world.release_state() is ReleaseState.PROMOTED
    assert "TRANSFORM#poison" in caplog.text
    assert len(transforms_of(world.ledger, SERVICE, jobs[0].release_id)) == 2


def test_a_malformed_release_does_not_hide_the_others() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    put(world, records.release_key(SERVICE, "r0-0"), {"release_id": "r0-0", "policy": "{"})
    assert [release.target.tag for release in releases(world.ledger, SERVICE)] == ["v1.1.0"]


def test_a_malformed_older_release_does_not_keep_a_newer_one_from_its_decision() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.submit()
    older = world.release.release_id
    world.write_latest("v1.2.0")
    jobs = [world.submit(), world.submit()]
    put(world, records.release_key(SERVICE, older), {"release_id": older})
    for job in jobs:
        world.end(job)
    world.reconcile()
    assert world.pointer("current").endswith(":transformer-v1-2-0-pipeline")


def test_a_policy_on_record_that_nobody_can_read_is_not_the_clients_mistake() -> None:
    world = World()
    world.write_latest("v1.1.0")
    first = world.submit()
    assert first.release_id is not None
    key = records.release_key(SERVICE, first.release_id)
    put(world, key, {**(world.ledger.get(key) or {}), "policy": '{"requests": 99}'})
    status, document = checked(respond(world.new_router(), post()))
    assert (status, document["route"]) == (202, "current")


@pytest.mark.parametrize("kept", [{}, {"input": "{"}, {"input": "[" * 100_000}], ids=lambda kept: str(kept)[:20])
def test_a_rescue_without_a_readable_input_waits_and_stops_nothing(kept: Item) -> None:
    world = World()
    world.pointers.put(SERVICE, "policy", '{"rescue": true}', "")
    world.write_latest("v1.1.0")
    job = world.submit({"year": 2014})
    put(world, records.input_key(job.transform_id), kept)
    world.end(job, Status.FAILED)
    world.reconcile()
    assert world.release_state() is ReleaseState.ABORTED
    assert world.submit().route is Route.CURRENT

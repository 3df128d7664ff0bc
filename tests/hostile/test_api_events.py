"""API Gateway's events in any shape: the caller gets the contract's answer, and garbage starts and wakes nothing."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hostile.garbage import BOUNDED, NASTY_TEXTS, anything, checked, mangled, texts
from tests.unit.test_api import get, post
from tests.unit.world import SERVICE, World, arn

from canary_router.api import respond
from canary_router.ports import Accepted, Broke
from canary_router.settings import INPUT_NESTING_AT_MOST

GOOD_POST = {
    "resource": "/services/{service}/transforms",
    "path": f"/services/{SERVICE}/transforms",
    "httpMethod": "POST",
    "headers": {"Idempotency-Key": "k-1", "x-api-key": "the-secret-key"},
    "multiValueHeaders": {"Idempotency-Key": ["k-1"], "x-api-key": ["the-secret-key"]},
    "queryStringParameters": None,
    "pathParameters": {"service": SERVICE},
    "body": '{"year": 2014}',
    "isBase64Encoded": False,
}
GOOD_GET = {
    **GOOD_POST,
    "httpMethod": "GET",
    "pathParameters": {"service": SERVICE, "transform_id": "t-1"},
    "queryStringParameters": {"execution_arn": f"arn:aws:states:eu-west-1:123456789012:execution:{SERVICE}-v1-0-0:t-1"},
    "body": None,
}


def awake() -> World:
    world = World()
    world.write_latest("v1.1.0")
    return world


def is_untouched(world: World) -> bool:
    return not (world.pipelines.invocations or world.ledger.commits or world.releases)


@BOUNDED
@given(event=anything)
def test_an_event_of_any_form_is_answered_as_the_clients_mistake(event: Any) -> None:
    world = awake()
    status, _ = checked(respond(world.router, event))
    assert status in (400, 404)
    assert is_untouched(world)


@BOUNDED
@given(event=st.one_of(mangled(GOOD_POST), mangled(GOOD_GET)))
def test_a_mangled_event_is_answered_by_the_contract_and_never_with_a_5xx(event: dict[str, Any]) -> None:
    world = awake()
    answer = respond(world.router, event)
    status, document = checked(answer)
    assert status < 500
    assert "the-secret-key" not in answer["body"]
    if status != 202:
        assert is_untouched(world)
    else:
        assert document["transform_id"] == world.pipelines.invocations[0][1]["transform_id"]


@BOUNDED
@given(part=st.sampled_from(sorted(GOOD_POST)), value=anything)
def test_one_field_of_any_type_costs_nobody_a_traceback(part: str, value: Any) -> None:
    assert checked(respond(awake().router, {**GOOD_POST, part: value}))[0] < 500


@BOUNDED
@given(headers=anything)
def test_headers_of_any_form_are_taken_or_refused(headers: Any) -> None:
    for name in ("headers", "multiValueHeaders"):
        world = awake()
        assert checked(respond(world.router, post(**{name: headers})))[0] in (202, 400)


@BOUNDED
@given(key=anything)
def test_a_key_of_any_form_is_one_job_or_refused(key: Any) -> None:
    world = awake()
    event = post(headers={"Idempotency-Key": key})
    first, again = (checked(respond(world.router, event)) for _ in range(2))
    assert first == again or first[1]["transform_id"] != again[1]["transform_id"]
    assert first[0] in (202, 400)
    if isinstance(key, str):
        assert first == again


@BOUNDED
@given(body=st.one_of(texts, st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode())))
def test_a_body_of_any_text_is_json_or_refused(body: str) -> None:
    for encoded in (False, True):
        world = awake()
        status, _ = checked(respond(world.router, post(body, isBase64Encoded=encoded)))
        assert status in (202, 400)
        assert status == 202 or is_untouched(world)


@BOUNDED
@given(document=anything)
def test_any_json_document_arrives_at_the_pipeline_as_it_was_sent(document: Any) -> None:
    world = World()
    body = json.dumps(document)
    status, _ = checked(respond(world.router, post(body)))
    if status == 202:
        assert json.dumps(world.pipelines.invocations[0][1]["input"]) == body
    else:
        # NaN and the infinities are no JSON, and half a surrogate is no text.
        assert any(word in body for word in ("NaN", "Infinity", "\\ud800"))


@pytest.mark.parametrize("text", NASTY_TEXTS, ids=ascii)
@pytest.mark.parametrize("part", ["service", "transform_id", "execution_arn"])
def test_a_nasty_text_in_a_path_or_query_is_no_more_than_not_found(part: str, text: str) -> None:
    world = awake()
    event = get("t-9")
    if part == "execution_arn":
        event["queryStringParameters"] = {part: text}
    else:
        event["pathParameters"][part] = text
    assert checked(respond(world.router, event))[0] == 404
    assert is_untouched(world)


@pytest.mark.parametrize("body", ['{"a": 1e999}', "-1e999", '{"\\ud800": 1}', '"\\udfff"', "\ufeff{}"])
def test_what_json_can_spell_but_nobody_can_pass_on_is_the_clients_mistake(body: str) -> None:
    world = awake()
    assert checked(respond(world.router, post(body)))[0] == 400
    assert is_untouched(world)


def test_nan_as_the_name_of_a_service_is_not_taken_for_text() -> None:
    """As text it would be a name in good form."""
    assert checked(respond(World().router, {**post(), "pathParameters": {"service": float("nan")}}))[0] == 404


def test_the_text_false_does_not_make_a_body_base64() -> None:
    world = World()
    assert checked(respond(world.router, post('"e30="', isBase64Encoded="false")))[0] == 202
    assert world.pipelines.invocations[0][1]["input"] == "e30="


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_an_input_nested_too_deeply_is_the_clients_mistake_and_no_failure_of_the_canary(opening: str) -> None:
    """It could be read here, and not by whoever is next: every such job would have counted against the release."""
    closing = "]" if opening == "[" else "}"
    world = awake()

    def nested(levels: int) -> dict[str, Any]:
        return post(opening * levels + "0" + closing * levels)

    assert checked(respond(world.router, nested(INPUT_NESTING_AT_MOST + 1)))[0] == 400
    assert is_untouched(world)
    assert checked(respond(world.router, nested(INPUT_NESTING_AT_MOST)))[0] == 202


def test_services_that_are_nobodys_leave_no_metric_behind() -> None:
    """Each would have been a metric of its own, which costs money, for as long as somebody makes up names."""
    world = World()
    for number in range(10):
        assert checked(respond(world.router, post(service=f"made-up-{number}")))[0] == 404
    assert not world.meter.sums


def test_an_error_of_a_pipeline_of_any_length_is_quoted_in_part() -> None:
    world = World()
    world.pipelines.answers[arn("v1.0.0")] = Broke("x" * 100_000)
    status, document = checked(respond(world.router, post()))
    assert (status, len(document["detail"])) == (502, 1000)


@pytest.mark.parametrize("answered", ["\ud800", "arn:aws:states:\x00", f"arn:aws:states:eu:1:execution:m:{'x' * 99}"])
def test_an_execution_that_a_pipeline_makes_up_is_looked_up_instead_of_believed(answered: str) -> None:
    world = World()
    world.pipelines.answers[arn("v1.0.0")] = Accepted(answered)
    status, document = checked(respond(world.router, post()))
    assert status == 202
    assert document["execution_arn"].endswith(f":{document['transform_id']}")


def test_a_job_that_ended_well_earlier_is_no_evidence_for_the_canary() -> None:
    """A pipeline that answers with another job's execution would promote itself by it."""
    world = awake()
    earlier = "arn:aws:states:eu-west-1:123456789012:execution:transformer-v1-1-0:t-earlier"
    world.pipelines.answers[arn("v1.1.0")] = Accepted(earlier)
    _, document = checked(respond(world.router, post()))
    assert (document["route"], document["execution_arn"] == earlier) == ("latest", False)

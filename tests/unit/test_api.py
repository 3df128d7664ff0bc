import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.api import respond
from canary_router.core.model import Status
from canary_router.ports import Lost, Refused
from canary_router.settings import INPUT_LIMIT_BYTES


def post(body: str | None = "{}", service: str = SERVICE, **event: Any) -> dict[str, Any]:
    return {"httpMethod": "POST", "pathParameters": {"service": service}, "headers": {}, "body": body, **event}


def get(transform_id: str, service: str = SERVICE, **query: str) -> dict[str, Any]:
    return {
        "httpMethod": "GET",
        "pathParameters": {"service": service, "transform_id": transform_id},
        "queryStringParameters": query or None,
    }


def ask(world: World, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = respond(world.router, event)
    document = json.loads(answer["body"])
    kind = "application/json" if answer["statusCode"] < 400 else "application/problem+json"
    assert answer["headers"]["Content-Type"] == kind
    if answer["statusCode"] >= 400:
        assert {"type", "title", "status", "detail"} <= set(document)
        assert document["status"] == answer["statusCode"]
    return answer["statusCode"], document


def test_a_job_is_answered_with_its_transform() -> None:
    world = World()
    status, document = ask(world, post('{"year": 2014}'))
    assert status == 202
    execution = document.pop("execution_arn")
    assert execution.endswith(f":transformer-v1-0-0:{document['transform_id']}")
    url = document.pop("status_url")
    assert document == {
        "transform_id": document["transform_id"],
        "service": SERVICE,
        "route": "current",
        "version": "v1.0.0",
        "target_arn": arn("v1.0.0"),
        "status": "RUNNING",
    }
    assert urlsplit(url).path == f"/services/{SERVICE}/transforms/{document['transform_id']}"


@pytest.mark.parametrize("record", ["canary", "all"])
def test_the_status_url_leads_to_the_status_now_recorded_or_not(record: str) -> None:
    world = World()
    world.pointers.put(SERVICE, "policy", json.dumps({"record": record}), "")
    _, document = ask(world, post())
    query = {name: values[0] for name, values in parse_qs(urlsplit(document["status_url"]).query).items()}
    event = get(document["transform_id"], **query)
    assert ask(world, event)[1]["status"] == "RUNNING"
    world.pipelines.end(document["execution_arn"], Status.FAILED)
    status, found = ask(world, event)
    assert (status, found["status"], found["version"]) == (200, "FAILED", "v1.0.0")


def test_a_taken_over_canary_shows_where_it_runs() -> None:
    world = World()
    world.write_latest("v1.1.0")
    world.pipelines.answers[arn("v1.1.0")] = Refused("throttled")
    _, document = ask(world, post())
    status, found = ask(world, get(document["transform_id"]))
    assert (status, found["route"], found["status"], found["version"]) == (200, "current", "RUNNING", "v1.0.0")


@pytest.mark.parametrize(
    "body",
    [None, "", "{", "nonsense", "NaN", '{"a": Infinity}', '"\\ud800"', "[" * 100_000, "1" * 5000, "\x00"],
)
def test_a_body_that_is_not_json_is_the_clients_mistake(body: str | None) -> None:
    world = World()
    assert ask(world, post(body))[0] == 400
    assert world.pipelines.invocations == []


@pytest.mark.parametrize("body", ["null", "0", '"text"', "[]", '{"a": {"b": [1, 2.5, null]}}', '"\\u00e9"'])
def test_any_json_is_an_input(body: str) -> None:
    world = World()
    assert ask(world, post(body))[0] == 202
    assert world.pipelines.invocations[0][1]["input"] == json.loads(body)


def test_a_body_in_base64_is_decoded() -> None:
    world = World()
    assert ask(world, post(base64.b64encode(b'{"a": 1}').decode(), isBase64Encoded=True))[0] == 202
    assert world.pipelines.invocations[0][1]["input"] == {"a": 1}
    assert ask(world, post("%%%", isBase64Encoded=True))[0] == 400


def test_the_input_is_measured_as_step_functions_does() -> None:
    world = World()
    assert ask(world, post(json.dumps("x" * (INPUT_LIMIT_BYTES - 2))))[0] == 202
    assert ask(world, post(json.dumps("x" * (INPUT_LIMIT_BYTES - 1))))[0] == 413
    assert ask(world, post(json.dumps("é" * (INPUT_LIMIT_BYTES // 2))))[0] == 413


@pytest.mark.parametrize("key", ["", "x" * 129, "a\nb", "schlüssel", "\x7f"])
def test_a_malformed_key_is_refused_rather_than_ignored(key: str) -> None:
    world = World()
    assert ask(world, post(headers={"Idempotency-Key": key}))[0] == 400
    assert world.pipelines.invocations == []


def test_a_key_that_came_twice_is_refused() -> None:
    assert ask(World(), post(multiValueHeaders={"idempotency-key": ["a", "b"]}))[0] == 400


def test_a_retry_with_its_key_gives_the_one_job_and_another_body_a_conflict() -> None:
    world = World()
    event = post('{"a": 1, "b": 2}', headers={"idempotency-KEY": "k"})
    first = ask(world, event)[1]
    # The same document, written differently, is the same body.
    again = ask(world, {**event, "body": '{ "b": 2, "a": 1 }'})[1]
    assert first["transform_id"] == again["transform_id"]
    assert ask(world, {**event, "body": '{"a": 2}'})[0] == 409


@pytest.mark.parametrize("service", ["other", "Transformer", "../current", "a" * 41, "", "trans former"])
def test_an_unknown_service_is_not_found(service: str) -> None:
    assert ask(World(), post(service=service))[0] == 404
    assert ask(World(), get("t-1", service=service))[0] == 404


def test_without_a_current_version_the_caller_is_told_when_to_come_again() -> None:
    world = World(current="")
    answer = respond(world.router, post())
    assert answer["statusCode"] == 503
    assert int(answer["headers"]["Retry-After"]) > 0


def test_a_job_that_current_did_not_start_is_a_502_with_its_id() -> None:
    world = World()
    world.pipelines.answers[arn("v1.0.0")] = Refused("throttled")
    status, document = ask(world, post())
    assert status == 502
    assert document["transform_id"]


def test_an_unknown_start_is_a_504_with_its_id() -> None:
    world = World()

    class Silent:
        def invoke(self, function_arn: str, payload: dict[str, object]) -> Lost:
            return Lost("timeout")

    world.replace_ports(invoker=Silent())
    status, document = ask(world, post())
    assert status == 504
    assert document["transform_id"]


def test_what_nobody_foresaw_is_an_unknown_start_and_no_traceback() -> None:
    world = World()

    class Broken:
        def invoke(self, function_arn: str, payload: dict[str, object]) -> Lost:
            raise ZeroDivisionError

    world.replace_ports(invoker=Broken())
    status, document = ask(world, post())
    assert status == 504
    assert "ZeroDivision" not in json.dumps(document)


def test_another_services_transform_is_not_shown() -> None:
    world = World()
    world.write_latest("v1.1.0")
    _, document = ask(world, post())
    mine = document["transform_id"]
    assert ask(world, get(mine, service="other"))[0] == 404
    assert ask(world, get(mine, service="other", execution_arn=document["execution_arn"]))[0] == 404


@pytest.mark.parametrize("transform_id", ["t-9", "../x", "a" * 81, "%00", "t 1"])
def test_an_unknown_transform_is_not_found(transform_id: str) -> None:
    assert ask(World(), get(transform_id))[0] == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET", None])
def test_anything_else_is_not_found(method: str | None) -> None:
    assert ask(World(), {**post(), "httpMethod": method})[0] == 404


def test_requests_are_counted_by_route_with_their_latency() -> None:
    world = World()
    ask(world, post())
    assert world.meter.sums["Requests", SERVICE, "Route=current"] == 1

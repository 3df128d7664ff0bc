"""The OpenAPI document says what the code does: every status, every field, every pattern."""

import json
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from jsonschema_rs import Draft202012Validator
from tests.hostile.garbage import checked
from tests.unit.test_api import get, post
from tests.unit.world import SERVICE, World, arn

from canary_router import __version__
from canary_router.api import respond
from canary_router.api.answers import PROBLEMS
from canary_router.api.description import description
from canary_router.core.model import Status
from canary_router.ports import Lost, Refused

DOCUMENT = description()
SUBMIT = DOCUMENT["paths"]["/services/{service}/transforms"]["post"]
LOOK = DOCUMENT["paths"]["/services/{service}/transforms/{transform_id}"]["get"]


def held(operation: dict[str, Any], answer: dict[str, Any]) -> int:
    """Holds an answer against the response that is described for its status."""
    status, document = checked(answer)
    response = operation["responses"][str(status)]
    ((content_type, content),) = response["content"].items()
    assert answer["headers"]["Content-Type"] == content_type
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(document)
    described = DOCUMENT["components"]["schemas"]["Transform" if status < 400 else "Problem"]["properties"]
    assert set(document) <= set(described)
    assert set(response.get("headers", {})) <= set(answer["headers"])
    return status


def test_the_document_is_valid_openapi_of_this_version() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    assert DOCUMENT["openapi"].startswith("3.1")
    assert DOCUMENT["info"]["version"] == __version__


def test_the_document_in_the_reference_is_the_one_that_the_code_makes() -> None:
    """If it is not: python -m canary_router.api.description > docs/reference/openapi.json."""
    kept = Path(__file__).parents[2] / "docs" / "reference" / "openapi.json"
    assert json.loads(kept.read_text()) == DOCUMENT


def test_every_problem_that_the_code_answers_with_is_described() -> None:
    for _, status, name, _ in PROBLEMS:
        schema = SUBMIT["responses"][str(status)]["content"]["application/problem+json"]["schema"]
        assert f"urn:canary-router:problem:{name}" in schema["allOf"][1]["properties"]["type"]["enum"]


def test_the_statuses_are_those_of_the_contract() -> None:
    assert set(SUBMIT["responses"]) == {"202", "400", "403", "404", "409", "413", "429", "502", "503", "504"}
    assert set(LOOK["responses"]) == {"200", "400", "403", "404", "429", "500", "503", "504"}


def test_every_call_needs_the_key() -> None:
    assert DOCUMENT["security"] == [{"key": []}]
    assert DOCUMENT["components"]["securitySchemes"]["key"]["name"] == "x-api-key"


@pytest.mark.parametrize(
    ("event", "status"),
    [
        (post(), 202),
        (post("{"), 400),
        (post(headers={"Idempotency-Key": ""}), 400),
        (post(service="other"), 404),
        (post(json.dumps("x" * 300_000)), 413),
    ],
    ids=lambda value: value if isinstance(value, int) else "",
)
def test_what_a_caller_may_get_for_a_job_is_as_described(event: dict[str, Any], status: int) -> None:
    assert held(SUBMIT, respond(World().router, event)) == status


def test_a_key_that_came_with_another_body_is_as_described() -> None:
    world = World()
    for body, status in (("1", 202), ("2", 409)):
        assert held(SUBMIT, respond(world.router, post(body, headers={"Idempotency-Key": "k"}))) == status


@pytest.mark.parametrize(("answer", "status"), [(Refused("throttled"), 502), (Lost("timeout"), 504)])
def test_trouble_with_the_pipeline_is_as_described(answer: Refused | Lost, status: int) -> None:
    world = World()

    class Invoker:
        def invoke(self, function_arn: str, payload: dict[str, Any]) -> Refused | Lost:
            return answer

    world.replace_ports(invoker=Invoker())
    assert held(SUBMIT, respond(world.router, post())) == status


def test_trouble_with_what_is_read_is_as_described() -> None:
    assert held(SUBMIT, respond(World(current="").router, post())) == 503
    world = World()
    world.ledger.down = True
    assert held(SUBMIT, respond(world.router, post(headers={"Idempotency-Key": "k"}))) == 503
    assert held(LOOK, respond(world.router, get("t-1"))) == 503


@pytest.mark.parametrize("operation", ["submit", "look"])
def test_what_nobody_foresaw_is_as_described(operation: str) -> None:
    world = World()

    class Broken:
        def invoke(self, function_arn: str, payload: dict[str, Any]) -> Lost:
            raise ZeroDivisionError

        def get(self, *_: Any, **__: Any) -> None:
            raise ZeroDivisionError

    world.replace_ports(invoker=Broken(), ledger=Broken())
    if operation == "submit":
        assert held(SUBMIT, respond(world.router, post())) == 504
    else:
        assert held(LOOK, respond(world.router, get("t-1"))) == 500


def test_a_transform_and_its_rescue_are_as_described() -> None:
    world = World()
    world.pointers.put(SERVICE, "policy", '{"rescue": true}', "")
    world.write_latest("v1.1.0")
    job = world.submit()
    assert held(LOOK, respond(world.router, get(job.transform_id))) == 200
    world.end(job, Status.FAILED)
    answer = respond(world.router, get(job.transform_id))
    assert held(LOOK, answer) == 200
    document = json.loads(answer["body"])
    assert (document["target_arn"], document["rescued_by"]) == (arn("v1.1.0"), f"{job.transform_id}-rescue")
    assert held(LOOK, respond(world.router, get(document["rescued_by"]))) == 200


@pytest.mark.parametrize("event", [get("t-9"), get("t-9", service="other"), get("t-9", execution_arn="x")])
def test_what_is_not_there_is_as_described(event: dict[str, Any]) -> None:
    assert held(LOOK, respond(World().router, event)) == 404

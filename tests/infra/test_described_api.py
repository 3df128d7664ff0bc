"""The deployed API is the one that the OpenAPI document describes."""

import json

from tests.infra.templates import Template
from tests.infra.test_router_api import RESPONSE, paths

from canary_router.api.description import description

DOCUMENT = description()
# API Gateway has a name for it; with a proxy integration nothing is refused for its media type.
NEVER_ANSWERED = 415


def test_the_described_calls_are_the_deployed_ones(router: Template) -> None:
    described = {
        path: next(verb.upper() for verb in calls if verb != "parameters") for path, calls in DOCUMENT["paths"].items()
    }
    assert described == {path: verb for path, (verb, _) in paths(router).items()}


def test_whatever_api_gateway_answers_by_itself_is_described_for_every_call(router: Template) -> None:
    for answer in router.all(RESPONSE):
        problem = json.loads(answer["ResponseTemplates"]["application/json"])
        if problem["status"] == NEVER_ANSWERED:
            continue
        for path, calls in DOCUMENT["paths"].items():
            call = next(call for verb, call in calls.items() if verb != "parameters")
            if problem["status"] == 413 and path.endswith("{transform_id}"):
                continue  # a look has no body
            schema = call["responses"][str(problem["status"])]["content"]["application/problem+json"]["schema"]
            assert problem["type"] in schema["allOf"][1]["properties"]["type"]["enum"]

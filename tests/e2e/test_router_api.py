"""What the deployed API answers to callers who make mistakes, before and behind API Gateway."""

import json

import pytest
import urllib3
from tests.e2e.deployed import SERVICE, Answer, Deployed

from canary_router.settings import INPUT_LIMIT_BYTES

PATH = f"/services/{SERVICE}/transforms"


def is_problem(answer: Answer, status: int) -> bool:
    content_type = next(value for name, value in answer.headers.items() if name.lower() == "content-type")
    return (
        answer.status == answer.document["status"] == status
        and content_type == "application/problem+json"
        and {"type", "title", "detail"} <= set(answer.document)
    )


@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_the_right_key_nobody_gets_in(router: Deployed, key: str) -> None:
    assert is_problem(router.ask("POST", PATH, "{}", x_api_key=key), 403)


@pytest.mark.parametrize("body", ["", "{", "nonsense", "NaN"])
def test_a_malformed_body_is_a_400(router: Deployed, body: str) -> None:
    assert is_problem(router.ask("POST", PATH, body, Content_Type="application/json"), 400)


def test_a_malformed_key_is_a_400(router: Deployed) -> None:
    assert is_problem(router.submit(Idempotency_Key="x" * 129), 400)


def test_an_oversized_input_is_a_413(router: Deployed) -> None:
    assert is_problem(router.ask("POST", PATH, json.dumps("x" * INPUT_LIMIT_BYTES)), 413)


def test_an_unknown_service_or_transform_is_a_404(router: Deployed) -> None:
    assert is_problem(router.submit(service="nobody"), 404)
    assert is_problem(router.ask("GET", f"{PATH}/t-unheard-of"), 404)


def test_a_service_without_a_version_is_a_503(router: Deployed) -> None:
    answer = router.submit(service="never-released")
    assert is_problem(answer, 503)
    assert answer.headers["Retry-After"] == "5"


def test_the_answer_is_the_contracts_transform(router: Deployed) -> None:
    answer = router.submit()
    assert answer.status == 202
    assert set(answer.document) == {
        "transform_id",
        "service",
        "route",
        "version",
        "target_arn",
        "execution_arn",
        "status",
        "status_url",
    }
    assert (answer.document["status"], answer.document["target_arn"]) == ("RUNNING", router.arn("v1.0.0"))


def test_a_plain_get_of_the_collection_reaches_nothing(router: Deployed) -> None:
    answer = urllib3.request("GET", router.endpoint + PATH, headers={"x-api-key": router.key}, retries=False)
    assert answer.status in (403, 404, 405)

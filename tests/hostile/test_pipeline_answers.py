"""A pipeline's answer of any content, and what it may make the router believe: its own job's execution, or nothing."""

import io
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.hostile.garbage import BOUNDED, anything, checked, texts
from tests.unit.test_api import post
from tests.unit.world import World

from canary_router.adapters.aws.functions import LambdaInvoker
from canary_router.api import respond
from canary_router.errors import InvalidInput
from canary_router.pipeline import start_transform
from canary_router.ports import Accepted, Broke, Lost, Refused

ARN = "arn:aws:states:eu-west-1:123456789012:execution:transformer-v1-0-0:t-1"
near_arns = st.builds(
    lambda at, cut, text: ARN[:at] + text + ARN[at + cut :], st.integers(0, len(ARN)), st.integers(0, 8), texts
)
documents = st.one_of(
    anything, st.dictionaries(st.sampled_from(["execution_arn", "executionArn"]), st.one_of(near_arns, anything))
)


class Function:
    """A client of Lambda that answers with what it was made of."""

    def __init__(self, payload: bytes, error: str | None) -> None:
        self._answer: dict[str, Any] = {"StatusCode": 200, "Payload": io.BytesIO(payload)}
        if error is not None:
            self._answer["FunctionError"] = error

    def invoke(self, **_: Any) -> dict[str, Any]:
        return self._answer


def invoked(payload: bytes, error: str | None = None) -> object:
    client: Any = Function(payload, error)
    return LambdaInvoker(client).invoke("arn", {"transform_id": "t-1"})


@BOUNDED
@given(payload=st.one_of(st.binary(max_size=80), documents.map(lambda value: json.dumps(value).encode())))
@example(b"[" * 60_000)
@example(b'{"execution_arn": ' + b"9" * 60_000)
@example("null".encode("utf-16"))
def test_an_answer_of_any_bytes_is_understood(payload: bytes) -> None:
    answer = invoked(payload)
    assert isinstance(answer, Accepted)
    assert answer.execution_arn is None or ":states:" in answer.execution_arn


@BOUNDED
@given(payload=st.one_of(st.binary(max_size=80), anything.map(lambda value: json.dumps(value).encode())))
def test_an_error_of_any_bytes_is_an_error(payload: bytes) -> None:
    assert isinstance(invoked(payload, "Unhandled"), Broke)


@BOUNDED
@given(answered=st.one_of(st.none(), near_arns))
def test_whatever_execution_a_pipeline_names_the_caller_is_told_of_its_own(answered: str | None) -> None:
    world = World()
    world.pipelines.answers["arn:aws:lambda:eu-west-1:123456789012:function:transformer-v1-0-0-pipeline"] = Accepted(
        answered
    )
    status, document = checked(respond(world.router, post()))
    assert status == 202
    assert document["execution_arn"].split(":")[7] == document["transform_id"]
    assert document["execution_arn"].isprintable()


@pytest.mark.parametrize(
    "answer", [Refused("\ud800\x00"), Lost("\ud800"), Broke("\r\nX-Evil: 1")], ids=["refused", "lost", "broke"]
)
def test_a_reason_of_any_content_stays_inside_the_answers_body(answer: Refused | Lost | Broke) -> None:
    world = World()
    world.pipelines.answers["arn:aws:lambda:eu-west-1:123456789012:function:transformer-v1-0-0-pipeline"] = answer
    assert checked(respond(world.router, post()))[0] in (202, 502, 504)


@BOUNDED
@given(event=anything)
def test_a_pipeline_refuses_what_no_router_sends(event: Any) -> None:
    if isinstance(event, dict) and isinstance(event.get("transform_id"), str) and "input" in event:
        return
    with pytest.raises(InvalidInput):
        start_transform(event, "arn:aws:states:eu-west-1:123456789012:stateMachine:x", client=object())

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from canary_router.errors import InvalidInput
from canary_router.pipeline import start_transform

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:transformer-v1-0-0"
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:transformer-v1-0-0:t-1"
EVENT = {"transform_id": "t-1", "service": "transformer", "version": "v1.0.0", "input": {"text": "é"}}


@pytest.fixture
def states() -> Iterator[tuple[Any, Stubber]]:
    client = boto3.client(
        "stepfunctions", region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    with Stubber(client) as stub:
        yield client, stub
        stub.assert_no_pending_responses()


def test_the_execution_is_named_as_the_transform_and_takes_the_input_alone(states: tuple[Any, Stubber]) -> None:
    client, stub = states
    expected = {"stateMachineArn": MACHINE, "name": "t-1", "input": '{"text":"é"}'}
    stub.add_response("start_execution", {"executionArn": EXECUTION, "startDate": 0}, expected)
    assert start_transform(EVENT, MACHINE, client=client) == {"execution_arn": EXECUTION}
    assert json.loads(expected["input"]) == EVENT["input"]


def test_an_execution_of_that_name_is_the_same_job(states: tuple[Any, Stubber]) -> None:
    client, stub = states
    stub.add_client_error("start_execution", "ExecutionAlreadyExists")
    assert start_transform(EVENT, MACHINE, client=client) == {"execution_arn": EXECUTION}


def test_any_other_refusal_is_the_routers_to_know(states: tuple[Any, Stubber]) -> None:
    client, stub = states
    stub.add_client_error("start_execution", "StateMachineDoesNotExist")
    with pytest.raises(ClientError):
        start_transform(EVENT, MACHINE, client=client)


@pytest.mark.parametrize("event", [{}, {"transform_id": "t-1"}, {"transform_id": 1, "input": {}}])
def test_an_event_that_no_router_sent_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        start_transform(event, MACHINE, client=object())

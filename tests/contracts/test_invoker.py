"""Invoking a pipeline: whatever it does or does not do, the caller is told which of four things is certain."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.contracts import lambdas
from tests.contracts.backends import BOTO3, WIRE, Backend

from canary_router.adapters.aws.functions import LambdaInvoker
from canary_router.adapters.memory import MemoryPipelines
from canary_router.core.model import Status
from canary_router.ports import Accepted, Broke, Execution, Invocation, Lost, Refused

MACHINE = "arn:aws:states:us-east-1:000000000000:execution:job-v1-0-0"


@pytest.fixture(scope="module")
def function(ministack: Backend) -> str:
    return lambdas.deploy(ministack, "job-v1-0-0-pipeline")


@pytest.fixture(params=[BOTO3, WIRE])
def backend(request: pytest.FixtureRequest, ministack: Backend) -> Backend:
    return ministack.over(request.param)


def payload(do: str, transform_id: str = "t-1", **more: Any) -> dict[str, Any]:
    return {"transform_id": transform_id, "service": "job", "version": "v1.0.0", "input": {"do": do, **more}}


@pytest.fixture
def order(backend: Backend, function: str) -> Callable[..., Invocation]:
    """Has the function do something."""
    invoker = LambdaInvoker(backend.client("lambda"))
    return lambda do, **more: invoker.invoke(function, payload(do, **more))


@pytest.mark.parametrize("do", ["start", "start, in another style"])
def test_a_pipeline_that_started_the_job_is_believed(order: Callable[..., Invocation], do: str) -> None:
    assert order(do) == Accepted(f"{MACHINE}:t-1")


def test_memory_starts_the_job_under_its_id_once() -> None:
    pipelines = MemoryPipelines()
    function = "arn:aws:lambda:us-east-1:000000000000:function:job-v1-0-0-pipeline"
    answers = [pipelines.invoke(function, payload("start")) for _ in range(2)]
    assert answers == [Accepted(f"{MACHINE}:t-1")] * 2
    assert pipelines.executions() == (Execution(f"{MACHINE}:t-1", Status.RUNNING),)


@pytest.mark.parametrize("answer", [Refused("throttled"), Broke("ValueError: no"), Lost("timeout"), Accepted(None)])
def test_memory_answers_as_it_is_told_and_starts_nothing_where_nothing_ran(answer: Invocation) -> None:
    pipelines = MemoryPipelines()
    function = "arn:aws:lambda:us-east-1:000000000000:function:job-v1-0-0-pipeline"
    pipelines.answers[function] = answer
    assert pipelines.invoke(function, payload("start")) == answer
    assert len(pipelines.executions()) == (0 if isinstance(answer, Refused | Broke) else 1)


def test_the_payload_arrives_as_it_was_sent(order: Callable[..., Invocation]) -> None:
    given = {"text": '❄ \u2028 \U0001f600 "quoted" \\', "numbers": [1, -2.5, 10**20], "nested": [{"a": None}, True]}
    sent = json.dumps(payload("tell what came", given=given), sort_keys=True)
    assert order("tell what came", given=given) == Accepted(f"{MACHINE}:{hashlib.sha256(sent.encode()).hexdigest()}")


NO_EXECUTION: list[Any] = [
    None,
    "arn:aws:states:us-east-1:000000000000:execution:job-v1-0-0:t-1",
    [],
    5,
    {},
    {"execution_arn": None},
    {"execution_arn": 5},
    {"execution_arn": ""},
    {"execution_arn": {"arn": "nested"}},
    {"execution_arn": "not an arn"},
    {"execution_arn": "arn:"},
    {"execution_arn": "arn:aws:lambda:us-east-1:000000000000:function:job-v1-0-0-pipeline"},
    {"execution_arn": "arn:aws:states:us-east-1:000000000000:stateMachine:job-v1-0-0"},
    {"execution_arn": f"{MACHINE}:" + "x" * 600},
    {"statusCode": 200, "body": '{"execution_arn": "..."}'},
]


@pytest.mark.parametrize("answer", NO_EXECUTION, ids=lambda answer: json.dumps(answer)[:60])
def test_an_answer_without_an_execution_says_only_that_the_pipeline_ran(
    order: Callable[..., Invocation], answer: Any
) -> None:
    assert order("answer", **{"with": answer}) == Accepted(None)


def test_an_answer_that_is_too_long_is_not_read_to_its_end(order: Callable[..., Invocation]) -> None:
    assert order("answer at length") == Accepted(None)


def test_an_error_of_the_pipeline_is_told_with_its_reason(order: Callable[..., Invocation]) -> None:
    answer = order("raise")
    assert isinstance(answer, Broke)
    assert "the table is not there" in answer.reason


def test_a_pipeline_that_dies_may_have_started_the_job_before(order: Callable[..., Invocation]) -> None:
    assert isinstance(order("die"), Broke)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:lambda:us-east-1:000000000000:function:job-v9-9-9-pipeline",
        "arn:aws:lambda:us-east-1:000000000000:function:job-v1-0-0-pipeline:no-such-alias",
    ],
)
def test_a_pipeline_that_is_not_there_did_not_run(backend: Backend, function: str, arn: str) -> None:
    answer = LambdaInvoker(backend.client("lambda")).invoke(arn, payload("start"))
    assert isinstance(answer, Refused)
    assert "ResourceNotFound" in answer.reason


def test_a_pipeline_that_is_throttled_did_not_run(backend: Backend) -> None:
    arn = lambdas.deploy(backend, f"throttled-{backend.transport}-v1-0-0-pipeline")
    client = backend.client("lambda")
    client.put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=0)
    answer = LambdaInvoker(client).invoke(arn, payload("start"))
    assert isinstance(answer, Refused)
    assert "TooManyRequests" in answer.reason


def test_a_router_that_may_not_invoke_a_pipeline_did_not(backend: Backend, function: str) -> None:
    users = backend.client("iam")
    name = f"nobody-{backend.transport}"
    users.create_user(UserName=name)
    key = users.create_access_key(UserName=name)["AccessKey"]
    nobody = replace(backend, access_key_id=key["AccessKeyId"], secret_access_key=key["SecretAccessKey"])
    answer = LambdaInvoker(nobody.client("lambda")).invoke(function, payload("start"))
    assert isinstance(answer, Refused)
    assert "AccessDenied" in answer.reason


def test_a_pipeline_that_takes_too_long_may_be_starting_the_job_yet(backend: Backend) -> None:
    arn = lambdas.deploy(backend, f"slow-{backend.transport}-v1-0-0-pipeline")
    answer = LambdaInvoker(backend.with_patience(0.3).client("lambda")).invoke(arn, payload("take long"))
    assert isinstance(answer, Lost)
    assert "timeout" in answer.reason.lower()


def test_what_cannot_be_sent_was_not_sent(backend: Backend, function: str) -> None:
    invoker = LambdaInvoker(backend.client("lambda"))
    for document in (object(), "\ud800", nested(100_000)):
        assert isinstance(invoker.invoke(function, {"input": document}), Refused)
    assert isinstance(invoker.invoke("", payload("start")), Refused)


def nested(depth: int) -> list[Any]:
    document: list[Any] = []
    for _ in range(depth):
        document = [document]
    return document

"""The handlers that are compared, each as a user would write it, over the same stub of AWS.

bare      passes every request on: boto3, Invoke only
naive     the published design: two GetParameter a request; awake, a Scan of all records and a DescribeExecution for
          each that is running, then PutItem
ours      the request function's own handler: ``api.respond`` over the router that ``request_wiring`` puts together
"""

import json
import os
from collections.abc import Callable
from typing import Any

import boto3
from bench.stub import CURRENT, LATEST

from canary_router.api import respond
from canary_router.request_wiring import request_router

Handler = Callable[[], None]
SERVICES = ("asleep", "full", "admitting")
BODY = json.dumps({"table": "orders", "day": "2026-11-23", "partitions": list(range(20))})


def event_for(service: str) -> dict[str, Any]:
    """What API Gateway sends for a POST."""
    return {
        "httpMethod": "POST",
        "path": f"/services/{service}/transforms",
        "pathParameters": {"service": service},
        "headers": {"Content-Type": "application/json", "x-api-key": "k", "Host": "api.example.com"},
        "multiValueHeaders": {"Content-Type": ["application/json"], "x-api-key": ["k"], "Host": ["api.example.com"]},
        "queryStringParameters": None,
        "body": BODY,
        "isBase64Encoded": False,
    }


def bare() -> Handler:
    """Passes on."""
    functions = boto3.client("lambda")

    def handle() -> None:
        _invoke(functions, CURRENT)

    return handle


def naive_asleep() -> Handler:
    """Reads both pointers at every request."""
    parameters, functions = boto3.client("ssm"), boto3.client("lambda")

    def handle() -> None:
        values = [_value(parameters, "asleep", leaf) for leaf in ("current", "latest")]
        assert values[1] == "none"
        _invoke(functions, values[0])

    return handle


def naive_canary(records: int, running: int) -> Handler:
    """Reads both pointers, all records and every running execution, then records one more."""
    parameters, functions = boto3.client("ssm"), boto3.client("lambda")
    table, executions = boto3.client("dynamodb"), boto3.client("stepfunctions")
    name = f"naive-{records}-{running}"

    def handle() -> None:
        values = [_value(parameters, "admitting", leaf) for leaf in ("current", "latest")]
        pages = table.get_paginator("scan").paginate(TableName=name)
        found = [item for page in pages for item in page["Items"]]
        for item in found:
            if item["status"]["S"] == "RUNNING":
                executions.describe_execution(executionArn=item["execution_arn"]["S"])
        _invoke(functions, values[1])
        table.put_item(TableName=name, Item={"transform_id": {"S": "t-1"}, "status": {"S": "RUNNING"}})

    return handle


def ours(service: str, environment: str = "bench-10") -> Handler:
    """The request function as it is deployed."""
    router = request_router({**os.environ, "CANARY_ROUTER_ENVIRONMENT": environment})
    event = event_for(service)
    expected = '"route": "latest"' if service == "admitting" else '"route": "current"'

    def handle() -> None:
        answer = respond(router, event)
        if answer["statusCode"] != 202 or expected not in answer["body"]:  # noqa: PLR2004 - accepted
            raise RuntimeError(f"{service}: {answer}")

    return handle


def _value(parameters: Any, service: str, leaf: str) -> str:
    return str(parameters.get_parameter(Name=f"/canary-router/bench/{service}/{leaf}")["Parameter"]["Value"])


def _invoke(functions: Any, arn: str) -> None:
    answer = functions.invoke(FunctionName=arn, Payload=BODY)
    found = json.loads(answer["Payload"].read())
    assert found["execution_arn"]


ALL: dict[str, Callable[[], Handler]] = {
    "bare": bare,
    "naive, asleep": naive_asleep,
    "naive, 10 records, 1 running": lambda: naive_canary(10, 1),
    "naive, 10 records, 10 running": lambda: naive_canary(10, 10),
    "naive, 1,000 records, 1 running": lambda: naive_canary(1_000, 1),
    "naive, 1,000 records, 10 running": lambda: naive_canary(1_000, 10),
    "naive, 100,000 records, 1 running": lambda: naive_canary(100_000, 1),
    "ours, asleep": lambda: ours("asleep"),
    "ours, awake and full": lambda: ours("full"),
    "ours, admitted, 10 records": lambda: ours("admitting"),
    "ours, admitted, 100,000 records": lambda: ours("admitting", "bench-100000"),
}
__all__ = ["ALL", "LATEST", "Handler", "bare", "event_for", "naive_asleep", "ours"]

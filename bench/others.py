"""What people would use instead, as they would write it with boto3. Nothing of ours is imported here.

bare      passes every request on: Invoke only
naive     the published design: two GetParameter a request; awake, a Scan of all records and a DescribeExecution for
          each that is running, then PutItem
"""

import json
from collections.abc import Callable
from typing import Any

import boto3
from bench.names import pipeline

Handler = Callable[[], None]
BODY = json.dumps({"table": "orders", "day": "2026-11-23", "partitions": list(range(20))})


def bare() -> Handler:
    """Passes on."""
    functions = boto3.client("lambda")
    arn = pipeline("asleep")

    def handle() -> None:
        _invoke(functions, arn)

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


def _value(parameters: Any, service: str, leaf: str) -> str:
    return str(parameters.get_parameter(Name=f"/canary-router/bench/{service}/{leaf}")["Parameter"]["Value"])


def _invoke(functions: Any, arn: str) -> None:
    answer = functions.invoke(FunctionName=arn, Payload=BODY)
    found = json.loads(answer["Payload"].read())
    assert found["execution_arn"]

"""The last step of the state machine: check and merge what the queries found, and write it to S3."""

import json
import os
from typing import TYPE_CHECKING, Any

import boto3

from transformer.job.order import Order
from transformer.job.report import Row, report

if TYPE_CHECKING:
    from mypy_boto3_athena.client import AthenaClient

ATHENA = boto3.client("athena")
S3 = boto3.client("s3")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Writes the result under the name of the execution, so that a retry writes the same object again.

    Raises:
        InvalidData: The results of the queries are not what the job was asked for; nothing is written.
    """
    order = Order.parse(event["order"])
    found = event["queries"]
    result = report(order, rows(ATHENA, found["monthly"]), rows(ATHENA, found["weather"]))
    bucket, key = os.environ["BUCKET"], f"{os.environ['PREFIX']}{event['execution']}.json"
    document = {"transform_id": event["execution"], "version": os.environ["VERSION"], **result}
    S3.put_object(
        Bucket=bucket, Key=key, Body=json.dumps(document, ensure_ascii=False), ContentType="application/json"
    )
    return {"result": f"s3://{bucket}/{key}", "days": result["days"], "months": len(result["months"])}


def rows(athena: "AthenaClient", query_id: str) -> list[Row]:
    """The rows of a finished query, by column name. Both queries end in far fewer rows than fit on one page."""
    header, *body = athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
    names = [cell["VarCharValue"] for cell in header["Data"]]
    return [dict(zip(names, (cell.get("VarCharValue", "") for cell in row["Data"]), strict=True)) for row in body]

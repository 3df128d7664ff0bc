"""The step that puts the result together: checks and merges what the queries found, and writes it to S3."""

import json
import os
from typing import Any

import boto3

from transformer.job.order import Order
from transformer.job.report import report, rows

S3 = boto3.client("s3")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Writes the result under the name of the execution, so that a retry writes the same object again.

    Raises:
        InvalidData: What the queries found is not what the job was asked for; nothing is written.
    """
    found = event["found"]
    result = report(Order(**event["order"]), rows(found["monthly"]), rows(found["weather"]))
    bucket, key = os.environ["BUCKET"], f"{os.environ['PREFIX']}{event['execution']}.json"
    document = {"transform_id": event["execution"], "version": os.environ["VERSION"], **result}
    S3.put_object(Bucket=bucket, Key=key, Body=json.dumps(document, ensure_ascii=False), ContentType="application/json")
    return {"result": f"s3://{bucket}/{key}", "days": result["days"], "months": len(result["months"])}

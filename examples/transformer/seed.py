"""Puts a file of its own bundle into a bucket: a custom resource, run by CloudFormation.

The protocol is CloudFormation's plain one: do the work, then PUT the outcome to the URL that came with the event,
whatever happens.
"""

import json
import urllib.request
from pathlib import Path
from typing import Any

import boto3

S3 = boto3.client("s3")
BUNDLE = Path(__file__).parents[1]


def handler(event: dict[str, Any], context: Any) -> None:
    """Uploads the file on create and update, and removes it on delete; then tells CloudFormation."""
    properties = event["ResourceProperties"]
    bucket, key = properties["Bucket"], properties["Key"]
    outcome = {
        "Status": "SUCCESS",
        "Reason": f"See the log stream {context.log_stream_name}",
        # The same id for every event: an update replaces the object in place.
        "PhysicalResourceId": f"s3://{bucket}/{key}",
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    try:
        if event["RequestType"] == "Delete":
            S3.delete_object(Bucket=bucket, Key=key)
        else:
            S3.put_object(Bucket=bucket, Key=key, Body=(BUNDLE / properties["File"]).read_bytes())
    except Exception as error:  # noqa: BLE001 - without an answer, CloudFormation would wait for an hour
        outcome |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"}
    answer = urllib.request.Request(  # noqa: S310 - the URL comes from CloudFormation
        event["ResponseURL"], data=json.dumps(outcome).encode(), method="PUT", headers={"content-type": ""}
    )
    with urllib.request.urlopen(answer, timeout=10):  # noqa: S310 - as above
        pass

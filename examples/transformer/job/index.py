"""The step that puts the days into the search index: reads what Spark has written, and sends it in bulk."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import boto3
from opensearchpy import OpenSearch, helpers

from transformer.job import search

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

S3 = boto3.client("s3")
TIMES_MORE = 3
"""How often a document is sent again that OpenSearch had no room for at that moment; the first time after a second."""


class DocumentsRefused(ValueError):
    """OpenSearch took some documents of a job and not others; the message has the first one's reason."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Indexes the days of an execution."""
    return fill(event["execution"], S3, search.connect(), os.environ)


def fill(execution: str, s3: "S3Client", client: OpenSearch, place: Mapping[str, str]) -> dict[str, Any]:
    """Puts every document of an execution into the index. A retry writes the same documents again.

    Args:
        execution: Name of the execution.
        s3: Where the documents are.
        client: Where they go.
        place: Bucket, prefix and index; the function's variables.

    Raises:
        DocumentsRefused: Some of them are not in the index.
        SearchUnavailable: OpenSearch does not answer; none or some of them are.
        SearchRefused: It answers that this may not be.
    """
    index = place["INDEX"]
    search.prepare(client, index)
    days = list(documents(s3, place["BUCKET"], f"{place['PREFIX']}{execution}/"))
    actions = ({"_id": f"{execution}-{day['date']}", "_source": day} for day in days)
    with search.asked_to(f"take {len(days)} documents of {execution} into the index {index}"):
        # The index as part of the address, which is what the function's role allows.
        _, refused = helpers.bulk(
            client, actions, index=index, raise_on_error=False, max_retries=TIMES_MORE, initial_backoff=1
        )
    if refused:
        first = refused[0]["index"]
        raise DocumentsRefused(
            f"{len(refused)} of {len(days)} documents of {execution} are not in the index {index}; "
            f"the first, {first['_id']}: {first.get('error')}"
        )
    return {"index": index, "documents": len(days)}


def documents(s3: "S3Client", bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    """Reads what a Spark job has written: files of JSON lines, beside others that only Spark has a use for."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if item["Key"].removeprefix(prefix).startswith("part-"):
                body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                yield from (json.loads(line) for line in body.splitlines())

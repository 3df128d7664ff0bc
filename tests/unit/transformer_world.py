"""What the steps of the Transformer stand on: fakes of AWS's clients, and a real client of OpenSearch at a stand-in."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from opensearchpy import OpenSearch

from transformer.standins.search.api import Search
from transformer.standins.web import Reply, Request, Server


class Bucket:
    """The part of an S3 client that the steps use, over one bucket; two objects to a page."""

    def __init__(self, name: str = "data") -> None:
        self.name = name
        self.objects: dict[str, bytes] = {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - as boto3 names it
        assert Bucket == self.name
        return {"Body": io.BytesIO(self.objects[Key])}

    def get_paginator(self, operation: str) -> "Bucket":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - as boto3 names it
        assert Bucket == self.name
        keys = sorted(key for key in self.objects if key.startswith(Prefix))
        yield from ({"Contents": [{"Key": key} for key in keys[at : at + 2]]} for at in range(0, len(keys), 2))
        if not keys:
            yield {}


class Spark:
    """EMR Serverless: runs by their token, as the service keeps them."""

    def __init__(self) -> None:
        self.meta = SimpleNamespace(endpoint_url="http://127.0.0.1:9/spark")
        self.asked: list[dict[str, Any]] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.trouble: ClientError | BotoCoreError | None = None

    def start_job_run(self, **asked: Any) -> dict[str, Any]:
        self._fail()
        self.asked.append(asked)
        token = asked["clientToken"]
        run = self.runs.setdefault(token, {"jobRunId": f"run-{len(self.runs) + 1}", "state": "SUBMITTED"})
        return {"applicationId": asked["applicationId"], "jobRunId": run["jobRunId"], "arn": ""}

    def get_job_run(self, *, applicationId: str, jobRunId: str) -> dict[str, Any]:  # noqa: N803 - as boto3 names it
        self._fail()
        (run,) = [run for run in self.runs.values() if run["jobRunId"] == jobRunId]
        return {"jobRun": {"applicationId": applicationId, **run}}

    def _fail(self) -> None:
        if self.trouble is not None:
            raise self.trouble


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "as the service says"}}, "AnyOperation")


@contextmanager
def opensearch(answer: Callable[[Request], Reply] | None = None) -> Iterator[tuple[OpenSearch, list[str]]]:
    """A client of a server on this machine, and the calls that came in there."""
    calls: list[str] = []
    stand_in = answer or Search()

    def heard(request: Request) -> Reply:
        calls.append(f"{request.method} {request.path}")
        return stand_in(request)

    server = Server(0, {"search": heard})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    client = OpenSearch([f"{server.url}/search"], timeout=5, max_retries=0)
    try:
        yield client, calls
    finally:
        client.close()
        server.shutdown()
        thread.join()
        server.server_close()

"""What the front-end application stands on, on this machine: a router that can move, and the AWS beside it."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import boto3
from tests.unit.loopback_cloud import Reply, gateway, problem

from frontend.app import Application
from frontend.desk import Desk
from frontend.server import Server

ENVIRONMENT = "test"
ACCOUNT, REGION = "123456789012", "eu-west-1"
BUCKET = "shared-data-1a2b3c"
SECRET = "the-secret"
BEGAN, ENDED = 1_760_000_000.0, 1_760_000_042.0


@dataclass
class Job:
    """A job as the router and Step Functions know it. A test sets what becomes of it."""

    number: int
    document: dict[str, Any]
    version: str
    route: str
    status: str = "RUNNING"
    steps: list[str] = field(default_factory=lambda: ["Prepare"])
    error: str = ""
    cause: str = ""

    @property
    def transform_id(self) -> str:
        return f"job-{self.number}"

    @property
    def stack(self) -> str:
        return f"transformer-{self.version.replace('.', '-')}"

    @property
    def arn(self) -> str:
        return f"arn:aws:states:{REGION}:{ACCOUNT}:execution:{self.stack}:{self.transform_id}"

    @property
    def transform(self) -> dict[str, Any]:
        url = f"/services/transformer/transforms/{self.transform_id}?execution_arn={self.arn}"
        target = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.stack}-pipeline"
        return {
            "transform_id": self.transform_id, "service": "transformer", "route": self.route, "version": self.version,
            "target_arn": target, "execution_arn": self.arn, "status": self.status, "status_url": url,
        }  # fmt: skip


def a_result(job: Job) -> dict[str, Any]:
    months = [
        {"month": n, "days": 28, "lowest": n - 6.5, "mean": n + 1.25, "highest": n + 9.0, "spread": 15.5}
        for n in range(1, 13)
    ]
    weather = {"sun": 200, "rain": 100, "fog": 36}
    measured = {"year": job.document["year"], "metric": job.document["metric"], "unit": "°C", "days": 336}
    return (
        {"transform_id": job.transform_id, "version": job.version} | measured | {"months": months, "weather": weather}
    )


class World:
    """Cloud Map, Secrets Manager, Step Functions, S3 and the router; and what they were asked."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.objects: dict[str, bytes] = {}
        self.key = self.secret = "key-1"
        self.version, self.route = "v1.0.0", "current"
        self.replies: list[Reply] = []
        """What the router answers to the next calls instead of what it should."""
        self.refused_calls: set[str] = set()
        """Calls of AWS that are refused."""
        self.seconds = 0.0
        """How long the router takes to answer when a job was handed in."""
        self.submissions = 0
        self.aws_calls: list[str] = []
        self.router_calls: list[tuple[int, int]] = []
        """Port and status of every answer of a router."""
        self._by_key: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._routers: list[_Listener] = []
        self._aws = _Listener(self._answer_aws)
        self.move_router()

    @property
    def url(self) -> str:
        return self._aws.url

    def move_router(self) -> int:
        """Deploys the router anew: another address, and nobody at the old one. Its port comes back."""
        self._routers.append(_Listener(self._answer_as_router))
        if len(self._routers) > 1:
            self._routers[-2].end()
        return self._routers[-1].port

    def rotate_key(self) -> None:
        self.key = self.secret = f"{self.key}x"

    def succeed(self, job: Job) -> None:
        """Ends a job well, with its result in the bucket."""
        self.objects[f"/{BUCKET}/results/{job.stack}/{job.transform_id}.json"] = json.dumps(a_result(job)).encode()
        job.status = "SUCCEEDED"

    def _published(self, asked: dict[str, str]) -> Reply:
        """What a version's stack has published."""
        stack = asked["ServiceName"]
        if asked["NamespaceName"] != f"canary-router-{ENVIRONMENT}" or not stack.startswith("transformer-v"):
            return 400, {}, b'{"__type": "ServiceNotFound", "message": "no such stack"}'
        attributes = {"results": f"s3://{BUCKET}/results/{stack}/"}
        return _json(200, {"Instances": [{"InstanceId": stack, "Attributes": attributes}]})

    def end(self) -> None:
        for listener in (self._aws, *self._routers):
            listener.end()

    # --- the router

    def _answer_as_router(self, asked: "_Handler") -> Reply:
        reply = self._route(asked)
        self.router_calls.append((asked.port, reply[0]))
        return reply

    def _route(self, asked: "_Handler") -> Reply:
        if asked.headers["x-api-key"] != self.key:
            return gateway(403, "Forbidden")
        if self.replies:
            return self.replies.pop(0)
        if asked.command == "GET":
            found = re.fullmatch(r"/stage/services/transformer/transforms/(job-\d+)", urlsplit(asked.path).path)
            job = next((it for it in self.jobs if found and it.transform_id == found[1]), None)
            return problem(404, "not-found") if job is None else _json(200, job.transform)
        document = json.loads(asked.body)
        with self._lock:
            self.submissions += 1
            job = self._by_key.get(asked.headers["Idempotency-Key"])
            if job is None:
                job = Job(len(self.jobs) + 1, document, self.version, self.route)
                self.jobs.append(job)
                self._by_key[asked.headers["Idempotency-Key"]] = job
        time.sleep(self.seconds)
        return _json(202, job.transform) if job.document == document else problem(409, "key-reused")

    # --- AWS

    def _answer_aws(self, asked: "_Handler") -> Reply:
        target = (asked.headers["x-amz-target"] or "").rpartition(".")[2] or "GetObject"
        self.aws_calls.append(target)
        if target in self.refused_calls:
            return 400, {}, b'{"__type": "AccessDeniedException", "message": "an inner matter"}'
        if target == "GetObject":
            content = self.objects.get(urlsplit(asked.path).path)
            gone = b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>"
            return (404, {}, gone) if content is None else (200, {}, content)
        if target == "DiscoverInstances":
            if json.loads(asked.body)["ServiceName"] != "router":
                return self._published(json.loads(asked.body))
            place = {"environment": ENVIRONMENT, "endpoint": f"{self._routers[-1].url}/stage", "api_key_secret": SECRET}
            return _json(200, {"Instances": [{"InstanceId": "1", "Attributes": place}]})
        if target == "GetSecretValue":
            return _json(200, {"Name": SECRET, "SecretString": self.secret})
        arn = json.loads(asked.body)["executionArn"]
        job = next(it for it in self.jobs if it.arn == arn)
        return _json(200, _described(job) if target == "DescribeExecution" else _history(job))


def _described(job: Job) -> dict[str, Any]:
    failure = {"error": job.error, "cause": job.cause} if job.error else {}
    ended = {} if job.status == "RUNNING" else {"stopDate": ENDED}
    return {"status": job.status, "startDate": BEGAN, "input": json.dumps(job.document)} | failure | ended


def _history(job: Job) -> dict[str, Any]:
    """Newest first, as asked for; every step but the last has ended."""
    events: list[dict[str, Any]] = []
    for step in job.steps:
        events.append({"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": step}})
        events.append({"type": "TaskStateExited", "stateExitedEventDetails": {"name": step}})
    numbered = [{"timestamp": BEGAN, "id": n, "previousEventId": n - 1} | it for n, it in enumerate(events[:-1], 1)]
    return {"events": numbered[::-1]}


def _json(status: int, document: object) -> Reply:
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()


class _Handler(BaseHTTPRequestHandler):
    # HTTP/1.0: a connection that is kept would outlive the router that moved.
    body = b""

    @property
    def port(self) -> int:
        return int(self.connection.getsockname()[1])

    def do_GET(self) -> None:
        self.body = self.rfile.read(int(self.headers["content-length"] or 0))
        assert isinstance(self.server, _Listener)
        status, headers, content = self.server.answer(self)
        if status == 0:
            return  # the answer is lost
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Silence."""


class _Listener(ThreadingHTTPServer):
    def __init__(self, answer: Any) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.port = self.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def end(self) -> None:
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
            self.server_close()


@contextmanager
def application(world: World, contract: str = "v1") -> Iterator[Server]:
    """The application in front of this world; the caller's environment must name the world's URL for AWS."""
    session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="s", region_name=REGION)
    server = Server("127.0.0.1", 0, Application(Desk(ENVIRONMENT, session, contract), ["127.0.0.1"]))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

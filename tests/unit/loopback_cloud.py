"""A server on this machine that is Cloud Map, Secrets Manager and a router at once, as far as a client sees them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

ENVIRONMENT = "test"
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:transformer-v1-0-0:t-1"
Reply = tuple[int, dict[str, str], bytes]


def transform(**changed: Any) -> dict[str, Any]:
    """What a router answers."""
    return {
        "transform_id": "t-1",
        "service": "transformer",
        "route": "current",
        "version": "v1.0.0",
        "target_arn": "arn:aws:lambda:eu-west-1:123456789012:function:transformer-v1-0-0-pipeline",
        "execution_arn": EXECUTION,
        "status": "RUNNING",
        "status_url": f"/services/transformer/transforms/t-1?execution_arn={EXECUTION}",
    } | changed


def ok(code: int = 202, /, **changed: Any) -> Reply:
    return code, {"Content-Type": "application/json"}, json.dumps(transform(**changed)).encode()


def problem(status: int, name: str, detail: str = "It is so. Do this.", **more: Any) -> Reply:
    document = {"type": f"urn:canary-router:problem:{name}", "title": "t", "status": status, "detail": detail} | more
    return status, {"Content-Type": "application/problem+json"}, json.dumps(document).encode()


def gateway(status: int, message: str) -> Reply:
    """What API Gateway answers by itself."""
    return status, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()


class Cloud:
    """What is registered, what the router answers, and what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.instances: list[dict[str, str]] = [
            {"environment": "another", "endpoint": f"{url}/another", "api_key_secret": "another"},
            {"environment": ENVIRONMENT, "endpoint": f"{url}/stage/", "api_key_secret": "the-secret"},
        ]
        self.secrets = {"the-secret": "key-1"}
        self.accepted_key = "key-1"
        self.aws_is_down = False
        self.aws_error = "InternalFailure"
        """What it says while it is down; empty is a log-in page of a proxy."""
        self.aws_calls: list[str] = []
        self.replies: list[Reply | Callable[[], Reply]] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        """Method, path, headers in lower case, body."""

    def session(self) -> boto3.Session:
        """A session of boto3's own, whose every endpoint the tests' environment turns to this server."""
        return boto3.Session(aws_access_key_id="a", aws_secret_access_key="s", region_name="eu-west-1")

    def aws(self, target: str, document: dict[str, Any]) -> Reply:
        self.aws_calls.append(target)
        if self.aws_is_down:
            if not self.aws_error:
                return 200, {"Content-Type": "text/html"}, b"{}"
            return 400, {}, json.dumps({"__type": self.aws_error, "message": "down"}).encode()
        if target == "DiscoverInstances":
            assert document["QueryParameters"] == {"environment": ENVIRONMENT}
            instances = [{"InstanceId": str(n), "Attributes": it} for n, it in enumerate(self.instances)]
            return 200, {}, json.dumps({"Instances": instances}).encode()
        secret = self.secrets.get(document["SecretId"])
        if secret is None:
            return 400, {}, json.dumps({"__type": "ResourceNotFoundException", "message": "no such secret"}).encode()
        return 200, {}, json.dumps({"Name": document["SecretId"], "SecretString": secret}).encode()

    def router(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        self.requests.append((method, path, headers, body))
        if headers.get("x-api-key") != self.accepted_key:
            return gateway(403, "Forbidden")
        reply = self.replies.pop(0) if self.replies else ok()
        return reply() if callable(reply) else reply


@contextmanager
def running() -> Iterator[Cloud]:
    """Serves until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._serve()

        def do_GET(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            target = self.headers.get("x-amz-target")
            if target:
                status, headers, content = cloud.aws(target.rpartition(".")[2], json.loads(body))
            else:
                lower = {name.lower(): value for name, value in self.headers.items()}
                status, headers, content = cloud.router(self.command, self.path, lower, body)
            if status == 0:  # the connection is lost after the request
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    server.block_on_close = False
    cloud = Cloud(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield cloud
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

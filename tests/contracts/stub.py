"""An AWS endpoint that is in trouble: it answers what it is told to, or does not, and remembers what it was asked."""

import http.client
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias

from tests.contracts.backends import BOTO3, Backend

from canary_router.local import loopback

_HANG_SECONDS = 10


@dataclass(frozen=True)
class Reply:
    """An answer. ``cut`` ends the connection in the middle of it."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    cut: bool = False


@dataclass(frozen=True)
class Silence:
    """The connection is closed without an answer; or, ``hanging``, is left open without one."""

    hanging: bool = False


@dataclass(frozen=True)
class Performed:
    """The real server does what was asked, and its answer is passed on, or gets lost on the way."""

    lost: bool = False


Answer: TypeAlias = Reply | Silence | Performed


def error(code: str, status: int = 400, **more: Any) -> Reply:
    """An error as DynamoDB, SSM, Step Functions and EventBridge (in the body) and Lambda (in a header) send it."""
    body = json.dumps({"__type": f"com.amazonaws#{code}", "message": "as told", **more})
    return Reply(status, body.encode(), (("x-amzn-ErrorType", code),))


def ok(**answer: Any) -> Reply:
    return Reply(200, json.dumps(answer).encode())


THROTTLED = error("ThrottlingException")
BROKEN = error("InternalServerError", 500)
LOST = Silence()


@dataclass
class Stub:
    """The server. It gives the answers in their order; the last one stays."""

    backend: Backend
    answers: Sequence[Answer] = (Reply(),)
    upstream: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def will(self, *answers: Answer) -> None:
        """What it answers from now on."""
        with self.lock:
            self.answers = answers
            self.bodies.clear()

    def next_answer(self, body: bytes) -> Answer:
        with self.lock:
            answer = self.answers[min(len(self.bodies), len(self.answers) - 1)]
            self.bodies.append(json.loads(body) if body.startswith(b"{") else {})  # STS is sent a form
            return answer

    @property
    def count(self) -> int:
        """How many requests came since it was last told what to answer."""
        return len(self.bodies)


@contextmanager
def running_stub(upstream: str = "", transport: str = BOTO3) -> Iterator[Stub]:
    """Runs a stub at a free port; ``upstream`` is the URL of the real server that performs what the stub does not."""
    with ThreadingHTTPServer((loopback.HOST, 0), _Handler) as server:
        url = f"http://{loopback.HOST}:{server.server_port}"
        stub = Stub(Backend("stub", url, "000000000000", "test", transport=transport), upstream=upstream)
        server.stub = stub  # type: ignore[attr-defined]  # the handler finds it there
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield stub
        finally:
            stub.released.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        stub: Stub = self.server.stub  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = stub.next_answer(body)
        if isinstance(answer, Performed):
            reply = self._performed(stub.upstream, body)
            answer = Silence() if answer.lost else reply
        if isinstance(answer, Silence):
            if answer.hanging:
                stub.released.wait(_HANG_SECONDS)
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(answer.body) + (100 if answer.cut else 0)))
        self.end_headers()
        self.wfile.write(answer.body)
        self.close_connection = answer.cut

    do_GET = do_POST  # noqa: N815 - the name that the base class calls

    def _performed(self, upstream: str, body: bytes) -> Reply:
        with closing(http.client.HTTPConnection(upstream.removeprefix("http://"), timeout=5)) as connection:
            connection.request("POST", self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return Reply(answer.status, answer.read())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the base class gives it
        """Says nothing."""

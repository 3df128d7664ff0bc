"""Stands between the router's functions and AWS, and does to their calls what a bad day does.

Every call may be refused, lost before or after it had its effect, answered with an internal error before or after it,
delayed beyond the caller's patience, or sent twice. Which fault comes is drawn by a seed; how calls interleave is not.
"""

import http.client
import random
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

FAULTS = ("throttled", "lost before", "lost after", "error before", "error after", "late", "twice")
_LATE_SECONDS = 3.5
"""More than the functions wait for an answer."""
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Chaos:
    """The proxy.

    Attributes:
        rate: Probability of a fault at each call; 0 passes everything on.
        pointer_rate: The same at the writes of pointers, the most delicate calls of all.
        endpoint: Where the functions find it.
        faults: How many faults of each kind, by the operation that they hit.
    """

    def __init__(self, target: str, seed: int) -> None:
        self.rate = self.pointer_rate = 0.0
        self.faults: Counter[str] = Counter()
        self.calls = 0
        self._target = urlsplit(target).netloc
        self._random = random.Random(seed)  # noqa: S311 - a test's fate
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"chaos": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def draw(self, operation: str) -> str:
        """The fault of the next call; empty for none."""
        with self._lock:
            self.calls += 1
            rate = self.pointer_rate if operation.endswith("PutParameter") else self.rate
            if self._random.random() >= rate:
                return ""
            fault = self._random.choice(FAULTS)
            self.faults[fault] += 1
            return fault

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    chaos: Chaos
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operation = self.headers.get("X-Amz-Target") or self.path
        fault = self.chaos.draw(operation)
        if fault == "throttled":
            self._answer(400, [("Content-Type", "application/x-amz-json-1.0")], b'{"__type": "ThrottlingException"}')
            return
        if fault == "error before":
            self._error()
            return
        if fault == "lost before":
            self._hang_up()
            return
        if fault == "twice":
            self._forward(body)
        if fault == "late":
            time.sleep(_LATE_SECONDS)
        status, headers, content = self._forward(body)
        if fault == "error after":
            self._error()
        elif fault == "lost after":
            self._hang_up()
        else:
            self._answer(status, headers, content)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the base class's names

    def _forward(self, body: bytes) -> tuple[int, Any, bytes]:
        # Host stays as it is: it belongs to what was signed.
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        return self.chaos.forward(self.command, self.path, headers, body)

    def _error(self) -> None:
        self._answer(500, [("Content-Type", "application/x-amz-json-1.0")], b'{"__type": "InternalServerError"}')

    def _answer(self, status: int, headers: Any, content: bytes) -> None:
        try:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True  # the caller has lost patience

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """A test does not chat."""

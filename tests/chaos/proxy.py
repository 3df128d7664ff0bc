"""Stands between the functions and AWS, and does to their calls what a bad day does (``faults.py``)."""

import contextlib
import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from tests.chaos.callers import Caller
from tests.chaos.faults import KILLING, Call, Fate, Fault, Stroke, call_of

from canary_router import settings

REQUEST, OUTCOME, PIPELINE = ROLES = ("request", "outcome", "pipeline")
_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
_OVERTIME = 0.5
_INTERNAL_ERROR = (500, b'{"__type": "InternalServerError"}')
_REFUSALS = {Fault.THROTTLED: (400, b'{"__type": "ThrottlingException"}'), Fault.ERROR_BEFORE: _INTERNAL_ERROR}


class FindsCallers(Protocol):
    """Knows which process has connected from a port (``callers.py``)."""

    def behind(self, port: int, proxy_port: int) -> Caller | None: ...


def late_seconds(call: Call) -> float:
    """Longer than the router's functions wait for an answer to this call."""
    if call.operation == "Invoke":
        return settings.INVOKE_SECONDS - settings.CONNECT_SECONDS + _OVERTIME
    return settings.ANSWER_SECONDS + _OVERTIME


class Proxy:
    """The proxy.

    Attributes:
        fate: Decides what happens to each call.
        callers: Finds whom to kill.
        endpoints: Where the functions find it: each kind at a port of its own, so that it is known who calls.
        kills: How many processes were killed, by the function and the place.
        overtake: Writes ``latest`` of a service, as somebody else.
        bereaved: Is told the service of a pointer whose writer was killed, or has given up waiting.
    """

    def __init__(self, target: str, fate: Fate, callers: FindsCallers) -> None:
        self.fate = fate
        self.callers = callers
        self.kills: Counter[str] = Counter()
        self.overtake: Callable[[str], None] = lambda service: None
        self.bereaved: Callable[[str], None] = lambda service: None
        self._doomed: dict[Caller, Call] = {}
        self._lock = threading.Lock()
        self._target = urlsplit(target).netloc
        self._servers = {role: self._server(role) for role in ROLES}
        self.endpoints = {role: f"http://127.0.0.1:{server.server_port}" for role, server in self._servers.items()}
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            for server in self._servers.values()
        ]

    def _server(self, role: str) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self, "role": role}))
        server.daemon_threads = True
        return server

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server, thread in zip(self._servers.values(), self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()

    @property
    def unkept(self) -> list[str]:
        """The appointments that nobody came to."""
        waiting = [f"{label}: {fault}" for label, faults in self.fate.appointments.items() for fault in faults]
        return waiting + [f"{call.label}: {Fault.KILLED_NEXT}" for call in self._doomed.values()]

    def caller(self, port: int, role: str) -> Caller | None:
        """The process that has connected from a port to the one for its kind."""
        return self.callers.behind(port, self._servers[role].server_port)

    def doom(self, caller: Caller, call: Call) -> None:
        """Lets a process make no further call."""
        with self._lock:
            self._doomed[caller] = call

    def is_doomed(self, port: int, role: str) -> bool:
        """Kills the process behind a port if this is the one call too many."""
        if not self._doomed:
            return False
        caller = self.caller(port, role)
        with self._lock:
            call = None if caller is None else self._doomed.pop(caller, None)
        return caller is not None and call is not None and self.kill(caller, call, Fault.KILLED_NEXT)

    def kill(self, caller: Caller, call: Call, fault: Fault) -> bool:
        """Kills a process at a call, and says so to whom it concerns; False when it is gone already."""
        if not caller.kill():
            return False
        with self._lock:
            self.kills[f"{call.role}: {fault}, {call.leaf or 'elsewhere'}"] += 1
        if call.leaf:
            self.bereaved(call.service)
        return True

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any, bytes]:
        connection = http.client.HTTPConnection(self._target, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    role: str
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = call_of(self.role, self.headers.get("X-Amz-Target"), self.path, body)
        if self.proxy.is_doomed(self.client_address[1], self.role):
            self._hang_up()
            return
        stroke = self.proxy.fate.of(call)
        if stroke is None:
            self._answer(*self._forward(body))
        elif stroke.fault in KILLING:
            self._kill(call, stroke, body)
        else:
            self._spare(call, stroke.fault, body)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815 - the base class's names

    def _spare(self, call: Call, fault: Fault, body: bytes) -> None:
        if fault is Fault.LOST_BEFORE:
            self._hang_up()
            return
        if fault in _REFUSALS:
            self._refuse(*_REFUSALS[fault])
            return
        if fault is Fault.TWICE:
            self._forward(body)
        elif fault is Fault.LATE:
            time.sleep(late_seconds(call))
        elif fault is Fault.OVERTAKEN:
            self.proxy.overtake(call.service)
        answer = self._forward(body)
        if fault is Fault.ERROR_AFTER:
            self._refuse(*_INTERNAL_ERROR)
        elif fault is Fault.LOST_AFTER:
            self._hang_up()
        else:
            self._answer(*answer)
        if fault is Fault.LATE and call.leaf:
            self.proxy.bereaved(call.service)

    def _kill(self, call: Call, stroke: Stroke, body: bytes) -> None:
        caller = self.proxy.caller(self.client_address[1], self.role)
        if caller is None:
            self.proxy.fate.take_back(call, stroke)
            self._hang_up()
            return
        if stroke.fault is Fault.OVERTAKEN_KILLED:
            self.proxy.overtake(call.service)
        answer = None if stroke.fault is Fault.KILLED_BEFORE else self._forward(body)
        if stroke.fault is Fault.KILLED_NEXT and answer is not None:
            self.proxy.doom(caller, call)
            self._answer(*answer)
            return
        if not self.proxy.kill(caller, call, stroke.fault):
            self.proxy.fate.take_back(call, stroke)
        self._hang_up()

    def _forward(self, body: bytes) -> tuple[int, Any, bytes]:
        # Host stays as it is: it belongs to what was signed.
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        return self.proxy.forward(self.command, self.path, headers, body)

    def _refuse(self, status: int, content: bytes) -> None:
        self._answer(status, [("Content-Type", "application/x-amz-json-1.0")], content)

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
        with contextlib.suppress(OSError):  # the caller was quicker, or is no more
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """A test does not chat."""

"""The HTTP server of the stand-ins: the standard library's, with threads, connections that stay open, and bounds."""

import json
import socketserver
import sys
import traceback
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

HOST = "127.0.0.1"
MAX_BODY = 10 * 1024 * 1024
"""Bytes, after decompression; the limit of the small instances of Amazon OpenSearch Service."""
IDLE_SECONDS = 60.0
CONNECTIONS_WAITING = 128
_OURS = (HOST, "localhost")


@dataclass(frozen=True)
class Request:
    """What a stand-in is asked.

    Attributes:
        method: In capitals.
        segments: The path below the stand-in's prefix, cut at its slashes and then decoded.
        query: The names and values of the query string, in their order.
        content_type: Without its parameters, in small letters; blank when none was sent.
        body: Decompressed.
    """

    method: str
    segments: tuple[str, ...]
    query: Sequence[tuple[str, str]] = ()
    content_type: str = ""
    body: bytes = b""

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query by name; the last one counts when a name is given twice."""
        return dict(self.query)

    @property
    def path(self) -> str:
        """The path below the prefix, for messages."""
        return "/" + "/".join(self.segments)


@dataclass(frozen=True)
class Reply:
    """What it answers: a JSON document, and a status."""

    document: Any
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


StandIn = Callable[[Request], Reply]


class _Unreadable(Exception):
    """The request cannot be read to its end; the connection is closed after the answer."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "canary-router-stand-ins"
    sys_version = ""
    timeout: ClassVar[float | None] = IDLE_SECONDS
    # Head and body leave in one packet, at once: with Nagle's algorithm every answer would wait 40 ms for the client.
    wbufsize = -1
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        """As the base class does, but every method is the stand-ins' business."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self._send(self._reply())
            self.wfile.flush()
        except (TimeoutError, ConnectionError):
            self.close_connection = True

    def _reply(self) -> Reply:
        try:
            body = self._body()
            self._refuse_pages_of_others()
        except _Unreadable as error:
            self.close_connection = True
            return Reply({"message": str(error)}, error.status)
        address = urlsplit(self.path)
        first, _, rest = address.path.removeprefix("/").partition("/")
        stand_in = self._server.stand_ins.get(first)
        segments = tuple(unquote(part) for part in rest.removesuffix("/").split("/") if rest.removesuffix("/"))
        if stand_in is None:
            return self._server.index() if not first else Reply({"message": "There is nothing here"}, 404)
        content_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        query = tuple(parse_qsl(address.query, keep_blank_values=True))
        try:
            return stand_in(Request(self.command, segments, query, content_type, body))
        except Exception as error:  # noqa: BLE001 - a mistake in one answer must not end the server
            traceback.print_exc(file=sys.stderr)
            return Reply({"message": f"The stand-in has failed: {error!r}"}, 500)

    @property
    def _server(self) -> "Server":
        assert isinstance(self.server, Server)  # noqa: S101 - the only one that makes handlers of this class
        return self.server

    def _body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise _Unreadable(HTTPStatus.LENGTH_REQUIRED, "The stand-in takes no chunked bodies; send Content-Length")
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()):
            raise _Unreadable(HTTPStatus.BAD_REQUEST, f"Content-Length is {length!r}")
        if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
            raise _Unreadable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Request size exceeded {MAX_BODY} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionError("The body ended before its end")
        encoding = self.headers.get("Content-Encoding", "identity").lower()
        return body if encoding == "identity" else _decompressed(body, encoding)

    def _refuse_pages_of_others(self) -> None:
        """A page in a browser can reach this machine's ports; no page has any business here."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in _OURS or "Origin" in self.headers:
            raise _Unreadable(HTTPStatus.FORBIDDEN, "Only programs of this machine are served, no web pages")

    def _send(self, reply: Reply) -> None:
        body = json.dumps(reply.document).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
        """Silence: only errors are printed."""


def _decompressed(body: bytes, encoding: str) -> bytes:
    if encoding != "gzip":
        raise _Unreadable(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Encoding is {encoding!r}; gzip is accepted")
    inflating = zlib.decompressobj(wbits=31)
    try:
        found = inflating.decompress(body, MAX_BODY)
    except zlib.error as error:
        raise _Unreadable(HTTPStatus.BAD_REQUEST, f"The body is not gzip: {error}") from error
    if inflating.unconsumed_tail:
        raise _Unreadable(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"Request size exceeded {MAX_BODY} bytes")
    if not inflating.eof or inflating.unused_data:
        raise _Unreadable(HTTPStatus.BAD_REQUEST, "The body is not one whole gzip stream")
    return found


class Server(ThreadingHTTPServer):
    """Serves stand-ins, each below a prefix of its own, at a port of this machine.

    Args:
        port: Of 127.0.0.1; 0 takes a free one.
        stand_ins: By their prefix, without slashes.
    """

    daemon_threads = True
    request_queue_size = CONNECTIONS_WAITING

    def __init__(self, port: int, stand_ins: Mapping[str, StandIn]) -> None:
        self.stand_ins = stand_ins
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        """Binds, without asking a name server what this machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where it answers; no slash at the end."""
        return f"http://{HOST}:{self.server_port}"

    def index(self) -> Reply:
        """What is here: whoever waits for the stand-ins asks this."""
        return Reply({"stand_ins": {name: f"{self.url}/{name}" for name in self.stand_ins}})

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is no news; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

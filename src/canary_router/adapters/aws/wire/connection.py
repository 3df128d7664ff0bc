"""HTTP/1.1 over one socket, for small requests and whole answers. A failure says how far the request came.

    connecting, handshake, sending fails     NotSent: a request that did not leave as a whole is not carried out
    anything after that                      NoAnswer: nobody can tell

Of a request that was sent unheard the answer is read before the next one is sent: there is one at most that is owed.

A whole answer is one with a complete header and the number of bytes that it promises, or all of its chunks, or, if
it promises neither, whatever comes until the other side closes.
"""

import select
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from canary_router.adapters.aws.failures import NoAnswer, NotSent
from canary_router.adapters.aws.wire.endpoints import Endpoint

if TYPE_CHECKING:
    import ssl

_CHUNK = 65_536
_HEADER_AT_MOST = 64 * 1024
_BODY_AT_MOST = 16 * 1024 * 1024
"""No service answers with more: Lambda's limit is 6 MB, DynamoDB's 1 MB."""
_OK = 200
_BODILESS = (204, 304)


class Answer:
    """An HTTP answer: ``headers`` by lower-case name, the last one of a name counting."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status = status
        self.headers = headers
        self.body = b""


Told: TypeAlias = Callable[[Answer | NoAnswer], None]
"""Is told of an answer that nobody waited for. Raises nothing."""


class Malformed(ValueError):
    """What came is not HTTP, or too much of it."""


class Connection:
    """One connection to an endpoint, made at once.

    Args:
        endpoint: Where to.
        context: Gives the TLS context, if it takes one.
        connect_seconds: Limit for connecting, the TLS handshake included.

    Raises:
        NotSent: There is no connection.
    """

    def __init__(
        self, endpoint: Endpoint, context: "Callable[[], ssl.SSLContext] | None", connect_seconds: float
    ) -> None:
        self.where = endpoint.authority
        self.kept_since = 0.0
        self.unheard: Told | None = None
        until = time.monotonic() + connect_seconds
        # As bytes the name is taken as it is; as text it would load the tables of international names, 5 ms.
        host: Any = endpoint.host.encode()
        try:
            self._socket = socket.create_connection((host, endpoint.port), connect_seconds)
        except OSError as error:
            raise NotSent(f"{self.where} cannot be reached: {error}") from error
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if endpoint.tls and context is not None:
                self._socket.settimeout(max(until - time.monotonic(), 0.001))
                self._socket = context().wrap_socket(self._socket, server_hostname=host)
        except OSError as error:
            self._socket.close()
            raise NotSent(f"{self.where} cannot be trusted, or broke off: {error}") from error
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()

    def is_stale(self) -> bool:
        """Whether the other side has closed it, or sent what nobody asked for, while it was idle."""
        return bool(self._poll.poll(0))

    def exchange(self, request: bytes, seconds: float) -> tuple[Answer, bool]:
        """Sends a request and reads its answer.

        Args:
            request: The whole request.
            seconds: Limit for all of it.

        Returns:
            The answer, and whether the connection may be used again.

        Raises:
            NotSent: The request did not leave as a whole.
            NoAnswer: It did, and no whole answer came.
        """
        until = time.monotonic() + seconds
        self.send(request, seconds)
        return self._answer(until)

    def send(self, request: bytes, seconds: float) -> None:
        """Sends a request; to read its answer is left to the caller, or to ``catch_up``.

        Raises:
            NotSent: The request did not leave as a whole.
        """
        try:
            self._socket.settimeout(seconds)
            self._socket.sendall(request)
        except OSError as error:
            self.close()
            raise NotSent(f"{self.where} took no whole request: {_named(error)}") from error

    def catch_up(self, seconds: float) -> bool:
        """Reads the answer that is owed, if it comes in so many seconds, and says whether the connection is of use."""
        told, self.unheard = self.unheard, None
        if told is None:
            return True
        try:
            answer, keeps = self._answer(time.monotonic() + seconds)
        except NoAnswer as error:
            told(error)
            return False
        told(answer)
        return keeps

    def _answer(self, until: float) -> tuple[Answer, bool]:
        reading = _Reading(self._socket, until)
        try:
            answer, keeps = reading.answer()
        except (OSError, ValueError) as error:
            self.close()
            closed = isinstance(error, ConnectionError) and not reading.began
            raise NoAnswer(f"{self.where} gave no whole answer: {_named(error)}", closed=closed) from error
        if not keeps:
            self.close()
        return answer, keeps


class _Reading:
    """Reads one answer. What is left over after it shows that the connection cannot be trusted any more."""

    def __init__(self, connection: socket.socket, until: float) -> None:
        self._socket = connection
        self._until = until
        self._buffer = b""
        self.began = False

    def answer(self) -> tuple[Answer, bool]:
        while True:
            version, answer = self._head()
            if answer.status >= _OK:
                break
        headers = answer.headers
        connection = headers.get("connection", "").lower()
        keeps = "close" not in connection and (version == "HTTP/1.1" or "keep-alive" in connection)
        if answer.status in _BODILESS:
            pass
        elif "chunked" in headers.get("transfer-encoding", "").lower():
            answer.body = self._chunks()
        elif "content-length" in headers:
            answer.body = self._exactly(_count(headers["content-length"], 10))
        else:
            answer.body, keeps = self._rest(), False
        return answer, keeps and not self._buffer

    def _head(self) -> tuple[str, Answer]:
        lines = self._until_mark(b"\r\n\r\n").decode("iso-8859-1").split("\r\n")
        version, _, rest = lines[0].partition(" ")
        code = rest[:3]
        if not version.startswith("HTTP/1.") or len(code) < 3 or not code.isdigit():  # noqa: PLR2004 - 3 digits
            raise Malformed(f"{lines[0][:80]!r} is not the beginning of an answer")
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return version, Answer(int(code), headers)

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        total = 0
        while size := _count(self._until_mark(b"\r\n").partition(b";")[0].decode("ascii"), 16):
            total += size
            if total > _BODY_AT_MOST:
                raise Malformed("the answer is too large")
            parts.append(self._exactly(size))
            self._exactly(2)
        while self._until_mark(b"\r\n"):
            pass  # trailers
        return b"".join(parts)

    def _until_mark(self, mark: bytes) -> bytes:
        while (end := self._buffer.find(mark)) < 0:
            if len(self._buffer) > _HEADER_AT_MOST:
                raise Malformed("the header is too long")
            self._more()
        found, self._buffer = self._buffer[:end], self._buffer[end + len(mark) :]
        return found

    def _exactly(self, size: int) -> bytes:
        if size > _BODY_AT_MOST:
            raise Malformed("the answer is too large")
        if len(self._buffer) < size:
            parts = [self._buffer]
            missing = size - len(self._buffer)
            while missing > 0:
                self._buffer = b""
                self._more()
                parts.append(self._buffer)
                missing -= len(self._buffer)
            self._buffer = b"".join(parts)
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def _rest(self) -> bytes:
        parts = [self._buffer]
        self._buffer = b""
        total = 0
        while data := self._received():
            total += len(data)
            if total > _BODY_AT_MOST:
                raise Malformed("the answer is too large")
            parts.append(data)
        return b"".join(parts)

    def _more(self) -> None:
        data = self._received()
        if not data:
            raise ConnectionResetError("it closed the connection")
        self._buffer = self._buffer + data if self._buffer else data

    def _received(self) -> bytes:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timeout")
        self._socket.settimeout(left)
        data = self._socket.recv(_CHUNK)
        self.began = self.began or bool(data)
        return data


def _named(error: Exception) -> str:
    return "timeout" if isinstance(error, TimeoutError) else str(error)


def _count(text: str, base: int) -> int:
    digits = text.strip()
    if not digits or not digits.isalnum() or not digits.isascii():
        raise Malformed(f"{text[:20]!r} is not a number of bytes")
    return int(digits, base)

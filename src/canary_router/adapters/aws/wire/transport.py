"""Signed requests to one service, over connections that are kept.

A connection that was idle may have died unseen: the other side closed it, or Lambda froze this function meanwhile.
What is done about it follows from how far the request came:

    not sent as a whole                  sent again on a new connection, whatever it is: it was not carried out
    sent, closed without a byte          sent again if it may be repeated at will; else the caller has to know
    sent, silence or half an answer      never sent again here

Any number of threads may call: a connection belongs to one call at a time.

A request may be sent unheard: its bytes leave, and nobody waits. Its answer is read when the connection is next used.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from canary_router.adapters.aws.failures import NoAnswer, NotSent
from canary_router.adapters.aws.wire.connection import Answer, Connection, Told
from canary_router.adapters.aws.wire.credentials import Source
from canary_router.adapters.aws.wire.endpoints import Endpoint
from canary_router.adapters.aws.wire.signing import Signer

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")

IDLE_SECONDS = 20.0
"""A connection that was idle for longer is not used again. By the wall clock: a frozen function's own stands still."""
OWED_SECONDS = 0.05
"""How long a call waits for the answer that its connection still owes: about as long as a new connection takes."""
_ARRIVED_SECONDS = 0.001
"""For an answer on a connection that is too old: what has arrived is read, nothing is waited for."""


class Limits(NamedTuple):
    """Seconds for connecting, the TLS handshake included, and for a request with its answer."""

    connect: float
    answer: float


class Tls:
    """The TLS context that all services share, made when it is first needed: reading the authorities takes 15 ms."""

    def __init__(self, ca_bundle: str | None) -> None:
        """Takes the file of authorities to trust instead of the system's."""
        self._ca_bundle = ca_bundle
        self._context: ssl.SSLContext | None = None

    def __call__(self) -> "ssl.SSLContext":
        """The context."""
        if self._context is None:
            import ssl  # noqa: PLC0415 - 10 ms that an emulator's HTTP does without

            self._context = ssl.create_default_context(cafile=self._ca_bundle)
        return self._context


class Transport:
    """Sends requests to one service.

    Args:
        endpoint: Where it answers.
        signer: Signs for the service.
        source: Gives the credentials.
        tls: Gives the TLS context.
        limits: How long a call may take.
    """

    def __init__(self, endpoint: Endpoint, signer: Signer, source: Source, tls: Tls, limits: Limits) -> None:
        self._endpoint = endpoint
        self._signer = signer
        self._source = source
        self._tls = tls
        self._limits = limits
        self._idle: list[Connection] = []

    def __del__(self) -> None:
        self._drop_all()

    def post(self, path: str, headers: dict[str, str], body: bytes, *, repeatable: bool) -> Answer:
        """Sends a POST.

        Args:
            path: Percent-encoded, with a slash in front.
            headers: Lower-case names; all of them are signed.
            body: The body.
            repeatable: Whether the request may reach the service twice.

        Raises:
            NotSent: The service cannot have carried it out.
            NoAnswer: Nobody can tell whether it has.
        """
        return self._through(self._request(path, headers, body), self._exchange, repeatable=repeatable)

    def send(self, path: str, headers: dict[str, str], body: bytes, told: Told) -> None:
        """Sends a POST, and does not wait for its answer.

        Args:
            path: As for ``post``; so are the headers and the body.
            headers: Lower-case names.
            body: The body.
            told: Gets the answer when the connection is next used, or that none came. It may never be called.

        Raises:
            NotSent: The service cannot have carried it out.
        """
        self._through(self._request(path, headers, body), partial(self._leave, told), repeatable=False)

    def _request(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        target = self._endpoint.path + path
        signed = self._signer.sign(
            self._source(),
            ("POST", target),
            {"host": self._endpoint.authority, **headers},
            body,
            at=time.time(),
        )
        fields = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
        head = f"POST {target} HTTP/1.1\r\n{fields}content-length: {len(body)}\r\nuser-agent: canary-router\r\n\r\n"
        return head.encode() + body

    def _through(self, request: bytes, use: Callable[[Connection, bytes], T], *, repeatable: bool) -> T:
        """Uses a kept connection, or a new one where there is none or it took no whole request."""
        kept = self._kept()
        if kept is not None:
            try:
                return use(kept, request)
            except NotSent as error:
                if isinstance(error.__cause__, TimeoutError):
                    raise
            except NoAnswer as error:
                if not (error.closed and repeatable):
                    raise
            # What else was kept is no younger.
            self._drop_all()
        return use(Connection(self._endpoint, self._tls, self._limits.connect), request)

    def _exchange(self, connection: Connection, request: bytes) -> Answer:
        answer, keeps = connection.exchange(request, self._limits.answer)
        if keeps:
            self._keep(connection)
        return answer

    def _leave(self, told: Told, connection: Connection, request: bytes) -> None:
        connection.send(request, self._limits.answer)
        connection.unheard = told
        self._keep(connection)

    def _keep(self, connection: Connection) -> None:
        connection.kept_since = time.time()
        self._idle.append(connection)

    def _kept(self) -> Connection | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            young = 0 <= time.time() - connection.kept_since <= IDLE_SECONDS
            if connection.catch_up(OWED_SECONDS if young else _ARRIVED_SECONDS) and young and not connection.is_stale():
                return connection
            connection.close()

    def _drop_all(self) -> None:
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:  # another thread took the last one
                return

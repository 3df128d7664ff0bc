"""A server that plays a script, and the wire's transport to it."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from canary_router.adapters.aws.wire.calls import ParameterCalls
from canary_router.adapters.aws.wire.credentials import Credentials
from canary_router.adapters.aws.wire.endpoints import Endpoint
from canary_router.adapters.aws.wire.signing import Signer
from canary_router.adapters.aws.wire.transport import Limits, Tls, Transport

GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}'
CLOSE = None
HANG = "hang"
Script = list[Sequence[bytes | str | None]]


class Server:
    """Plays a script: for each connection, what it answers to each request in turn; CLOSE answers nothing."""

    def __init__(self, script: Script) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.script = script
        self.requests: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _run(self) -> None:
        players = []
        for answers in self.script:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                break  # the test is over, and did not need it
            self.connections += 1
            players.append(threading.Thread(target=self._play, args=(connection, answers)))
            players[-1].start()
        for player in players:
            player.join(5)

    def _play(self, connection: socket.socket, answers: Sequence[bytes | str | None]) -> None:
        with connection, suppress(OSError):
            for answer in answers:
                data = connection.recv(65_536)
                if not data:
                    break
                self.requests.append(data)
                if isinstance(answer, bytes):
                    connection.sendall(answer)
                elif answer == HANG:
                    self.over.wait(5)

    def end(self) -> None:
        self.over.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.listener.close()


@contextmanager
def served(*script: Sequence[bytes | str | None], seconds: float = 5) -> Iterator[tuple[Server, Transport]]:
    server = Server(list(script))
    made = Transport(
        Endpoint(server.url), Signer("ssm", "us-east-1"), lambda: Credentials("a", "b"), Tls(None), Limits(1, seconds)
    )
    yield server, made
    made._drop_all()
    server.end()


def read(transport: Transport) -> object:
    return ParameterCalls(transport).get_parameters(Names=["a"])


def put(transport: Transport) -> object:
    return ParameterCalls(transport).put_parameter(Name="a")


def wait_until_closed(transport: Transport) -> None:
    until = time.monotonic() + 5
    while not transport._idle[0].is_stale():
        assert time.monotonic() < until
        time.sleep(0.001)

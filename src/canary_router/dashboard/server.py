"""A small server for the pages: the standard library's, with threads, on loopback only, and patience that ends."""

import socketserver
import threading
from typing import Any, ClassVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

HOST = "127.0.0.1"
SECONDS_FOR_A_REQUEST = 15
CONNECTIONS_AT_ONCE = 32


class _Handler(WSGIRequestHandler):
    # Whoever opens a connection and says nothing must not keep a thread.
    timeout: ClassVar[float | None] = SECONDS_FOR_A_REQUEST
    server_version = "canary-router"
    sys_version = ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
        """Silence: the line would have the address with the key in it."""


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """Serves the pages.

    Args:
        port: Port of 127.0.0.1 to listen at; 0 takes a free one.
        application: What to serve.

    Raises:
        OSError: The port is taken, or not this user's to take.
    """

    daemon_threads = True
    request_queue_size = CONNECTIONS_AT_ONCE

    def __init__(self, port: int, application: WSGIApplication) -> None:
        self._room = threading.BoundedSemaphore(CONNECTIONS_AT_ONCE)
        super().__init__((HOST, port), _Handler)
        self.set_app(application)

    def server_bind(self) -> None:
        """Binds, without asking a name server what this machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Gives a connection a thread; one too many is closed, so that nobody can take all threads there are."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answers, and gives the room back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Silence: what escapes to here is a browser that went away. The application tells of its own trouble."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.server_name}:{self.server_port}"

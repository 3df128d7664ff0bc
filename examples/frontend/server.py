"""A small server for the application: the standard library's, with threads, and patience that ends."""

import socketserver
from typing import Any, ClassVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

SECONDS_FOR_A_REQUEST = 15
CONNECTIONS_AT_ONCE = 64


class _Handler(WSGIRequestHandler):
    # A browser that opens a connection and says nothing must not keep a thread.
    timeout: ClassVar[float | None] = SECONDS_FOR_A_REQUEST
    server_version = "weather"
    sys_version = ""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
        """Silence: the application logs what matters, and addresses would tell of people."""


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """Serves an application at an address.

    Args:
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
        application: What to serve.
    """

    daemon_threads = True
    request_queue_size = CONNECTIONS_AT_ONCE

    def __init__(self, host: str, port: int, application: WSGIApplication) -> None:
        super().__init__((host, port), _Handler)
        self.set_app(application)

    def server_bind(self) -> None:
        """Binds, without asking a name server what this machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    @property
    def url(self) -> str:
        """Where it answers."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{host}:{self.server_port}/"

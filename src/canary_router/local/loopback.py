"""This machine's own address: which ports are free, and whether a server answers there."""

import http.client
import socket
from contextlib import closing

HOST = "127.0.0.1"
TIMEOUT_SECONDS = 5.0


def free_port() -> int:
    """A port that nobody listened at a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a server could listen at the port now."""
    with socket.socket() as probe:
        # As servers do: connections of a server that has just ended do not keep its port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def answers(url: str, path: str) -> bool:
    """Whether a GET is answered with 200 OK.

    It does not go through ``urllib``, which would ask the proxy that the environment names.
    """
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=TIMEOUT_SECONDS)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

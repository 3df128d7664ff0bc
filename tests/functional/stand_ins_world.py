"""The stand-ins on this machine, as the tests of each need them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from transformer.standins.web import Server, StandIn


@contextmanager
def served(**stand_ins: StandIn) -> Iterator[str]:
    """Serves stand-ins by their prefix; gives where, without a slash at the end."""
    server = Server(0, stand_ins)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

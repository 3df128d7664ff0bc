"""A service of AWS's that the emulator does not have, or has wrong: JSON over HTTP at this machine's loopback."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from canary_router.local import loopback

Answerer = Callable[[str, Mapping[str, Any], str], Mapping[str, Any]]
"""Answers an operation with its request, asked with an access key."""
_CREDENTIAL = re.compile(r"Credential=([^/]+)/")


class Refused(Exception):
    """What AWS refuses, by the code of its error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@contextmanager
def serving(answer: Answerer) -> Iterator[str]:
    """Serves until the block ends; gives the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            credential = _CREDENTIAL.search(self.headers.get("Authorization", ""))
            try:
                status, document = 200, answer(operation, request, credential[1] if credential else "")
            except Refused as refused:
                status, document = 400, {"__type": refused.code, "message": str(refused)}
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer((loopback.HOST, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{loopback.HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

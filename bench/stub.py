"""A fast stand-in for AWS, in a process of its own: it answers by kind, and does no more than that.

Nothing is stored and no condition is evaluated. What a service is asked for says what it answers, by the names that
the scenarios use: the services ``asleep``, ``full`` and ``admitting``, tables ``naive-{records}-{running}``.

    python bench/stub.py [--tls CERTIFICATE KEY] [--delays]     prints its port, and serves until its input ends

Without TLS and delays one thread serves all connections (15 us a request); with either, each has a thread.
"""

import argparse
import json
import select
import socket
import ssl
import sys
import threading
import time
from typing import Any

from bench.names import ACCOUNT, EXECUTION, LATEST_TAG, pipeline

from canary_router.adapters.aws.expressions import encode_item
from canary_router.core.model import Basis, Release, ReleaseState, Version, WriteMark
from canary_router.core.policy import Policy
from canary_router.core.records import release_item

MODIFIED = 1_750_000_000
POLICY = '{"requests": 2, "share": 1.0}'
DELAYS = {"GetParameters": 0.004, "GetParameter": 0.004, "Invoke": 0.012, "TransactWriteItems": 0.009, "Scan": 0.012}
"""Assumed seconds that a service takes, where ``--delays`` is given; any other call takes 4 ms."""
_DELAY = 0.004
_PAGE_BYTES = 1_000_000
"""DynamoDB ends a page of a scan at 1 MB."""


class Answers:
    """What is answered to which request, rendered once."""

    def __init__(self) -> None:
        self._rendered: dict[bytes, bytes] = {}
        self._pages: dict[str, list[bytes]] = {}

    def to(self, head: bytes, body: bytes) -> tuple[str, bytes]:
        """The operation that a request asks for, and the bytes of its answer."""
        operation = operation_in(head)
        if operation == "Scan":
            return operation, self._scanned(body)
        if operation in {"GetParameters", "GetParameter", "GetItem"}:
            found = self._rendered.get(body)
            if found is None:
                found = self._rendered[body] = _http(_ANSWERS[operation](json.loads(body)))
            return operation, found
        if operation == "Invoke":
            return operation, self._invoked(head, body)
        return operation, _PLAIN.get(operation, _PLAIN["UpdateItem"])

    def _invoked(self, head: bytes, body: bytes) -> bytes:
        """A version's state machine is named as its function, the execution as the job: the payload's first field."""
        path = head[: head.index(b" HTTP")]
        found = self._rendered.get(path)
        if found is None:
            machine = path.rpartition(b"%3A")[2].removesuffix(b"/invocations").removesuffix(b"-pipeline").decode()
            answer = _http({"execution_arn": f"{EXECUTION}{machine}:" + "0" * _ID_LENGTH})
            found = self._rendered[path] = answer[: -_ID_LENGTH - 2]
        name = body[body.find(b'"t-') + 1 :].partition(b'"')[0].ljust(_ID_LENGTH, b"0")[:_ID_LENGTH]
        return found + name + b'"}'

    def _scanned(self, body: bytes) -> bytes:
        request = json.loads(body)
        table = request["TableName"]
        pages = self._pages.get(table)
        if pages is None:
            pages = self._pages[table] = _pages(table)
        return pages[int(request.get("ExclusiveStartKey", {}).get("page", {}).get("N", "0"))]


def operation_in(head: bytes) -> str:
    """The operation that a request's header names; Lambda's stands in the path."""
    start = head.find(b"arget: ")
    if start < 0:
        return "Invoke"
    end = head.index(b"\r\n", start)
    return head[start:end].rpartition(b".")[2].decode()


def _parameters(request: dict[str, Any]) -> Any:
    return {"Parameters": [_parameter(name) for name in request["Names"]], "InvalidParameters": []}


def _parameter(name: str) -> Any:
    _, _, _, service, leaf = name.split("/")
    latest = "none" if service == "asleep" else pipeline(service, LATEST_TAG)
    values = {"current": pipeline(service), "latest": latest, "policy": POLICY}
    return {
        "Name": name,
        "Type": "String",
        "Value": values[leaf],
        "Version": 3,
        "LastModifiedDate": MODIFIED,
        "ARN": ACCOUNT.format(service="ssm") + f"parameter{name}",
        "DataType": "text",
    }


def _item(request: dict[str, Any]) -> Any:
    service = request["Key"]["pk"]["S"].removeprefix("SERVICE#")
    release = Release(
        service=service,
        release_id=request["Key"]["sk"]["S"].removeprefix("RELEASE#"),
        target=Version(arn=pipeline(service, LATEST_TAG), tag=LATEST_TAG),
        write=WriteMark(modified=MODIFIED * 1000, version=3),
        state=ReleaseState.OPEN,
        basis=Basis.CANARY,
        policy=Policy(requests=2, share=1.0),
        opened_at=MODIFIED * 1000,
        admitted=2 if service == "full" else 0,
    )
    return {"Item": encode_item(release_item(release)), "ConsumedCapacity": {"CapacityUnits": 0.5}}


def _pages(table: str) -> list[bytes]:
    """A table of so many records of jobs, some of them running, in pages as DynamoDB makes them."""
    _, records, running = table.split("-")
    documents: list[Any] = []
    items: list[Any] = []
    size = 0
    for number in range(int(records)):
        item = {
            "transform_id": {"S": f"t-{number:032x}"},
            "status": {"S": "RUNNING" if number < int(running) else "SUCCEEDED"},
            "execution_arn": {"S": f"{EXECUTION}admitting-v1-1-0:t-{number:032x}"},
            "created_at": {"N": str(MODIFIED * 1000 + number)},
            "version": {"S": "v1.1.0"},
        }
        items.append(item)
        size += 150
        if size >= _PAGE_BYTES:
            documents.append({"Items": items, "LastEvaluatedKey": {"page": {"N": str(len(documents) + 1)}}})
            items, size = [], 0
    documents.append({"Items": items})
    return [_http({**page, "Count": len(page["Items"]), "ScannedCount": len(page["Items"])}) for page in documents]


def _http(document: Any) -> bytes:
    body = json.dumps(document, separators=(",", ":")).encode()
    fields = f"x-amzn-RequestId: 0\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}"
    head = f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n"
    return head.encode() + body


_ANSWERS = {
    "GetParameters": _parameters,
    "GetParameter": lambda request: {"Parameter": _parameter(request["Name"])},
    "GetItem": _item,
}
_ID_LENGTH = len("t-") + 32
_PLAIN = {
    "DescribeExecution": _http(
        {"executionArn": EXECUTION + "admitting-v1-1-0:t-1", "status": "RUNNING", "startDate": MODIFIED}
    ),
    "UpdateItem": _http({}),
    "Query": _http({"Items": [], "Count": 0, "ScannedCount": 0}),
}


class Inbox:
    """The bytes of one connection, cut into requests."""

    def __init__(self) -> None:
        self._buffer = b""

    def take(self, data: bytes) -> tuple[bytes, bytes] | None:
        """Adds what came; the header and the body of a request once it is whole."""
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._buffer[:end]
        start = head.lower().find(b"content-length:")
        size = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        if len(self._buffer) < end + 4 + size:
            return None
        body, self._buffer = self._buffer[end + 4 : end + 4 + size], self._buffer[end + 4 + size :]
        return head, body


def serve_all(listener: socket.socket, answers: Answers) -> None:
    """Serves every connection in this thread."""
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    open_ones: dict[int, tuple[socket.socket, Inbox]] = {}
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                open_ones[connection.fileno()] = (connection, Inbox())
                poll.register(connection, select.EPOLLIN)
                continue
            connection, inbox = open_ones[number]
            try:
                data = connection.recv(262_144)
                if data:
                    if (request := inbox.take(data)) is not None:
                        connection.sendall(answers.to(*request)[1])
                    continue
            except OSError:
                pass
            poll.unregister(connection)
            connection.close()
            del open_ones[number]


def serve_one(connection: socket.socket, answers: Answers, context: ssl.SSLContext | None, *, delays: bool) -> None:
    """Serves one connection until it ends."""
    inbox = Inbox()
    try:
        with connection if context is None else context.wrap_socket(connection, server_side=True) as stream:
            while data := stream.recv(262_144):
                if (request := inbox.take(data)) is not None:
                    operation, answer = answers.to(*request)
                    if delays:
                        time.sleep(DELAYS.get(operation, _DELAY))
                    stream.sendall(answer)
    except OSError:
        return


def main() -> None:
    """Listens at a free port of this machine."""
    parser = argparse.ArgumentParser(description="A fast stand-in for AWS.")
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    parser.add_argument("--delays", action="store_true", help="take as long as the services are assumed to take")
    options = parser.parse_args()
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*options.tls)
    answers = Answers()
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listener.getsockname()[1], flush=True)

    def serve() -> None:
        if context is None and not options.delays:
            serve_all(listener, answers)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(
                target=serve_one, args=(connection, answers, context), kwargs={"delays": options.delays}, daemon=True
            ).start()

    threading.Thread(target=serve, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()

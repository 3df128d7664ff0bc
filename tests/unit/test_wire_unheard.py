"""Requests that are sent unheard: their bytes leave at once, the answers are read when the connection is next used."""

import socket
import time
from collections.abc import Callable

import pytest
from tests.unit.scripted_server import CLOSE, GOOD, HANG, Server, put, read, served, wait_until_closed

from canary_router.adapters.aws.failures import CallFailed, NoAnswer, NotSent, ServiceError
from canary_router.adapters.aws.wire import transport as wire_transport
from canary_router.adapters.aws.wire.calls import TableCalls
from canary_router.adapters.aws.wire.transport import Transport

OTHER = b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"b":2}'
THROTTLED = b'HTTP/1.1 400 Bad\r\nContent-Length: 33\r\n\r\n{"__type": "ThrottlingException"}\n'[:-1]


class Sender:
    """Sends marks unheard, and remembers what it was told of them."""

    def __init__(self, transport: Transport) -> None:
        self.failures: list[CallFailed] = []
        self._calls = TableCalls(transport)

    def send(self) -> None:
        self._calls.send_item("Update", {"TableName": "t"}, self.failures.append)


def wait_until_received(server: Server, count: int) -> None:
    until = time.monotonic() + 5
    while len(server.requests) < count:
        assert time.monotonic() < until
        time.sleep(0.001)


def test_nobody_waits_for_its_answer() -> None:
    with served([HANG]) as (server, transport):
        Sender(transport).send()
        wait_until_received(server, 1)
        assert b"DynamoDB_20120810.UpdateItem" in server.requests[0]


@pytest.mark.parametrize("call", [read, put])
def test_its_answer_is_not_taken_for_that_of_the_next_call(call: Callable[[Transport], object]) -> None:
    with served([OTHER, GOOD]) as (server, transport):
        sender = Sender(transport)
        sender.send()
        assert call(transport) == {"a": 1}
        assert (server.connections, sender.failures) == (1, [])


def test_a_connection_never_owes_two_answers() -> None:
    with served([OTHER] * 5 + [GOOD]) as (server, transport):
        sender = Sender(transport)
        for _ in range(5):
            sender.send()
        assert read(transport) == {"a": 1}
        assert (server.connections, len(server.requests), sender.failures) == (1, 6, [])


def test_an_error_is_told_when_the_connection_is_next_used_and_nothing_is_sent_again() -> None:
    with served([THROTTLED, GOOD]) as (server, transport):
        sender = Sender(transport)
        sender.send()
        assert sender.failures == []
        read(transport)
        (failure,) = sender.failures
        assert isinstance(failure, ServiceError)
        assert failure.response["Error"]["Code"] == "ThrottlingException"
        assert len(server.requests) == 2


def test_a_connection_whose_answer_does_not_come_is_given_up_after_a_moment() -> None:
    with served([HANG], [GOOD]) as (server, transport):
        sender = Sender(transport)
        sender.send()
        assert put(transport) == {"a": 1}
        assert isinstance(sender.failures[0], NoAnswer)
        assert (server.connections, len(server.requests)) == (2, 2)


@pytest.mark.parametrize("answer", [CLOSE, b"HTTP/1.1 200 OK\r\nContent-", b"SSH-2.0\r\n\r\n"])
def test_a_connection_that_ended_while_nobody_listened_is_given_up(answer: bytes | None) -> None:
    with served([answer], [GOOD]) as (server, transport):
        sender = Sender(transport)
        sender.send()
        wait_until_closed(transport)
        assert put(transport) == {"a": 1}
        assert isinstance(sender.failures[0], NoAnswer)
        assert server.connections == 2


def test_after_a_long_freeze_what_has_come_is_told_and_the_connection_is_not_used() -> None:
    with served([THROTTLED, GOOD], [GOOD]) as (server, transport):
        sender = Sender(transport)
        sender.send()
        wait_until_closed(transport)  # or its answer has come, which looks the same
        transport._idle[0].kept_since -= wire_transport.IDLE_SECONDS + 1
        assert read(transport) == {"a": 1}
        assert isinstance(sender.failures[0], ServiceError)
        assert server.connections == 2


def test_an_answer_that_ends_the_connection_is_its_last() -> None:
    last = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    with served([last], [GOOD]) as (server, transport):
        sender = Sender(transport)
        sender.send()
        assert read(transport) == {"a": 1}
        assert (server.connections, sender.failures) == (2, [])


def test_what_cannot_leave_on_a_kept_connection_leaves_on_another() -> None:
    with served([GOOD], [OTHER, GOOD]) as (server, transport):
        read(transport)
        kept = transport._idle[0]
        kept._socket.shutdown(socket.SHUT_WR)
        kept._poll.unregister(kept._socket)  # it looks as good as new
        Sender(transport).send()
        assert read(transport) == {"a": 1}
        assert server.connections == 2


def test_what_cannot_leave_at_all_was_not_sent() -> None:
    with served([GOOD]) as (server, transport):
        server.end()
        with pytest.raises(NotSent):
            Sender(transport).send()

"""Calls over the wire: what is understood, what a failure says, and what is sent again, byte by byte."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.unit.scripted_server import CLOSE, GOOD, HANG, put, read, served, wait_until_closed

from canary_router.adapters.aws.failures import CallFailed, NoAnswer, NotSendable, NotSent, ServiceError
from canary_router.adapters.aws.wire import transport as wire_transport
from canary_router.adapters.aws.wire.calls import FunctionCalls, ParameterCalls
from canary_router.adapters.aws.wire.credentials import Credentials
from canary_router.adapters.aws.wire.endpoints import Endpoint
from canary_router.adapters.aws.wire.signing import Signer
from canary_router.adapters.aws.wire.transport import Limits, Tls, Transport

CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\nTrailer: t\r\n\r\n'


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        CHUNKED,
        b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:7\r\n\r\n{"a":1}',
        b'HTTP/1.1 200 OK\r\n\r\n{"a":1}',
        b'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 7\r\n\r\n{"a":1}',
        b'HTTP/1.1 200\r\nContent-Length: 7\r\nConnection: Close\r\n\r\n{"a":1}',
    ],
    ids=["length", "chunks", "continue", "until it closes", "1.0", "close"],
)
def test_every_form_of_an_answer_is_understood(answer: bytes) -> None:
    with served([answer]) as (_, transport):
        assert read(transport) == {"a": 1}


@pytest.mark.parametrize(
    "answer",
    [
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000,
        b"HTTP/1.1 200 OK\r\nContent-",
    ],
)
def test_an_answer_that_is_not_whole_is_no_answer_and_nothing_is_sent_again(answer: bytes) -> None:
    with served([answer]) as (server, transport):
        with pytest.raises(NoAnswer):
            read(transport)
        assert len(server.requests) == 1


def test_one_connection_serves_many_calls() -> None:
    with served([GOOD] * 5) as (server, transport):
        for _ in range(5):
            read(transport)
        assert server.connections == 1


@pytest.mark.parametrize("call", [read, put])
def test_a_connection_that_was_closed_while_it_was_idle_is_not_used_again(call: Callable[[Transport], object]) -> None:
    with served([GOOD], [GOOD]) as (server, transport):
        read(transport)
        wait_until_closed(transport)
        assert call(transport) == {"a": 1}
        assert server.connections == 2


def test_a_read_that_a_kept_connection_swallowed_is_sent_again_at_once() -> None:
    """The other side had closed it, and the news of that was on its way while Lambda had frozen this side."""
    with served([GOOD, CLOSE], [GOOD]) as (server, transport):
        read(transport)
        assert read(transport) == {"a": 1}
        assert (len(server.requests), server.connections) == (3, 2)


def test_a_write_that_a_kept_connection_swallowed_is_not_sent_again() -> None:
    with served([GOOD, CLOSE]) as (server, transport):
        read(transport)
        with pytest.raises(NoAnswer):
            put(transport)
        assert len(server.requests) == 2


def test_an_invocation_that_a_kept_connection_swallowed_is_not_sent_again() -> None:
    with served([GOOD, CLOSE]) as (server, transport):
        read(transport)
        with pytest.raises(NoAnswer):
            FunctionCalls(transport).invoke(FunctionName="f", Payload=b"{}")
        assert len(server.requests) == 2


@pytest.mark.parametrize("call", [read, put])
def test_on_a_new_connection_nothing_is_sent_again(call: Callable[[Transport], object]) -> None:
    with served([CLOSE]) as (server, transport):
        with pytest.raises(NoAnswer):
            call(transport)
        assert len(server.requests) == 1


def test_a_service_that_is_silent_is_not_asked_twice() -> None:
    with served([GOOD, HANG], seconds=0.2) as (server, transport):
        read(transport)
        with pytest.raises(NoAnswer, match="timeout"):
            read(transport)
        assert len(server.requests) == 2


def test_a_request_that_cannot_leave_is_sent_on_another_connection_whatever_it_is() -> None:
    with served([GOOD], [GOOD]) as (server, transport):
        read(transport)
        kept = transport._idle[0]
        kept._socket.shutdown(socket.SHUT_WR)
        kept._poll.unregister(kept._socket)  # it looks as good as new
        assert put(transport) == {"a": 1}
        assert len(server.requests) == 2


def test_a_connection_that_was_idle_for_long_is_not_trusted() -> None:
    with served([GOOD, GOOD], [GOOD]) as (server, transport):
        read(transport)
        transport._idle[0].kept_since -= wire_transport.IDLE_SECONDS + 1
        read(transport)
        assert server.connections == 2


def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    endpoint = Endpoint(f"http://127.0.0.1:{port}")
    transport = Transport(endpoint, Signer("ssm", "r"), lambda: Credentials("a", "b"), Tls(None), Limits(1, 1))
    with pytest.raises(NotSent):
        put(transport)


def test_an_endpoint_that_should_encrypt_and_does_not_gets_nothing() -> None:
    with served([GOOD]) as (server, transport):
        transport._endpoint = Endpoint(server.url.replace("http:", "https:"))
        with pytest.raises(NotSent):
            put(transport)


def test_threads_never_share_a_connection() -> None:
    with served(*[[GOOD] * 400 for _ in range(8)]) as (server, transport):
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: read(transport), range(200)))
        assert answers == [{"a": 1}] * 200
        assert 1 <= server.connections <= 8


@pytest.mark.parametrize(
    ("head", "body", "code"),
    [
        (
            b"400",
            b'{"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"}',
            "ConditionalCheckFailedException",
        ),
        (b"400\r\nx-amzn-ErrorType: ThrottlingException:http://internal.amazon.com/", b"{}", "ThrottlingException"),
        (b"404\r\nx-amzn-ErrorType: ResourceNotFoundException", b'{"Message": "m"}', "ResourceNotFoundException"),
        (b"500", b"<html>", "500"),
        (b"503", b"[]", "503"),
        (b"301", b"", "301"),
    ],
)
def test_an_error_is_known_by_its_code_wherever_that_stands(head: bytes, body: bytes, code: str) -> None:
    answer = b"HTTP/1.1 " + head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with served([answer]) as (_, transport), pytest.raises(ServiceError) as caught:
        read(transport)
    assert isinstance(caught.value, CallFailed)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == int(head[:3])


@pytest.mark.parametrize("value", ["\ud800", float("nan"), object()], ids=["surrogate", "nan", "object"])
def test_what_cannot_be_written_as_json_is_not_sent(value: object) -> None:
    with served() as (server, transport):
        with pytest.raises(NotSendable):
            ParameterCalls(transport).put_parameter(Value=value)
        assert server.requests == []

"""One way to people, whichever: a message arrives with all that it says, and trouble is an error that names it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import pytest
from tests.contracts.backends import Backend
from tests.contracts.queues import Queue, queue

from canary_router.adapters.aws.messengers import SnsMessenger, WebhookMessenger
from canary_router.adapters.memory import MemoryMessenger
from canary_router.core.messages import Message
from canary_router.errors import ConfigurationError, Unavailable
from canary_router.ports.operation import Messenger

MESSAGE = Message(
    subject="transformer v1.1.0 was aborted in production",
    lines=("2 jobs admitted: 1 succeeded, 1 failed, 0 running.", "Why: <!channel> & \u2744 <https://example.com|x>"),
    act="To see its jobs",
    command="canary-router --environment production transforms transformer",
)
SILENT = 0


class Chat:
    """A chat on this machine that answers every message in the same way."""

    def __init__(self, status: int = 200, **headers: str) -> None:
        self.heard: list[str] = []
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                chat.heard.append(json.loads(body)["text"])
                if status == SILENT:
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing in the tests' output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/T0/B0/sesame"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass(frozen=True)
class Reader:
    """An adapter, and somebody who reads what it sends."""

    messenger: Messenger
    queue: Queue | None = None
    chat: Chat | None = None

    def read(self) -> str:
        if isinstance(self.messenger, MemoryMessenger):
            (message,) = self.messenger.sent
            return f"{message.subject}\n{message.text}"
        if self.chat is not None:
            (text,) = self.chat.heard
            return text
        assert self.queue is not None
        (sent,) = self.queue.take(1)
        return f"{sent['Subject']}\n{sent['Message']}"


@contextmanager
def webhook(backend: Backend, name: str, url: str) -> Iterator[WebhookMessenger]:
    secrets = backend.client("secretsmanager")
    secrets.create_secret(Name=name, SecretString=url)
    yield WebhookMessenger(secrets, name)
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


@pytest.fixture(params=["memory", "topic", "webhook"])
def reader(request: pytest.FixtureRequest, service: str) -> Iterator[Reader]:
    if request.param == "memory":
        yield Reader(MemoryMessenger())
        return
    backend: Backend = request.getfixturevalue("ministack")
    if request.param == "webhook":
        with Chat() as chat, webhook(backend, service, chat.url) as messenger:
            yield Reader(messenger, chat=chat)
        return
    topics = backend.client("sns")
    topic = topics.create_topic(Name=service)["TopicArn"]
    with queue(backend, service) as mailbox:
        mailbox.admit("sns", topic)
        topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=mailbox.arn)
        yield Reader(SnsMessenger(topics, topic), mailbox)
    topics.delete_topic(TopicArn=topic)


def test_a_message_arrives_with_all_that_it_says(reader: Reader) -> None:
    reader.messenger.send(MESSAGE)
    text = reader.read()
    for part in (MESSAGE.subject, MESSAGE.lines[0], MESSAGE.command, "\u2744"):
        assert part in text


def test_a_topic_that_is_gone_is_told_by_name(ministack: Backend, service: str) -> None:
    topic = f"arn:aws:sns:us-east-1:000000000000:{service}"
    with pytest.raises(Unavailable, match=topic):
        SnsMessenger(ministack.client("sns"), topic).send(MESSAGE)


def test_nobodys_reason_can_mention_or_link_anything_in_a_chat(ministack: Backend, service: str) -> None:
    with Chat() as chat, webhook(ministack, service, chat.url) as messenger:
        messenger.send(MESSAGE)
    (text,) = chat.heard
    assert "Why: &lt;!channel&gt; &amp; \u2744 &lt;https://example.com|x&gt;" in text
    assert "<" not in text
    assert text.startswith(f"*{MESSAGE.subject}*\n")
    assert text.endswith(f"`{MESSAGE.command}`")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, Unavailable),
        (503, Unavailable),
        (SILENT, Unavailable),
        (404, ConfigurationError),
        (302, ConfigurationError),
    ],
    ids=["throttled", "down", "silent", "revoked", "elsewhere"],
)
def test_a_webhook_that_does_not_take_it_is_an_error_without_the_url_in_it(
    ministack: Backend, service: str, status: int, error: type[Exception]
) -> None:
    with (
        Chat(status, Location="http://127.0.0.1:9/") as chat,
        webhook(ministack, service, chat.url) as messenger,
        pytest.raises(error, match=r"webhook at 127\.0\.0\.1") as caught,
    ):
        messenger.send(MESSAGE)
    assert len(chat.heard) == 1
    assert "sesame" not in "".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://example.com", "sesame", " ", "https://"], ids=repr)
def test_a_secret_that_is_no_webhooks_url_is_told_by_its_name_only(ministack: Backend, service: str, url: str) -> None:
    with webhook(ministack, service, url) as messenger, pytest.raises(ConfigurationError, match=service) as caught:
        messenger.send(MESSAGE)
    assert url.strip() == "" or url not in str(caught.value)


def test_a_secret_that_is_not_there_is_told(ministack: Backend, service: str) -> None:
    messenger = WebhookMessenger(ministack.client("secretsmanager"), service)
    with pytest.raises(Unavailable, match=service):
        messenger.send(MESSAGE)

"""A queue to which another service may send, so that a test can read what that service sends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.contracts.backends import Backend


@dataclass(frozen=True)
class Queue:
    """What was sent to it is taken from it as JSON."""

    client: Any
    url: str
    arn: str

    def admit(self, service: str, source_arn: str) -> None:
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self.client.set_queue_attributes(QueueUrl=self.url, Attributes={"Policy": policy})

    def take(self, count: int) -> list[dict[str, Any]]:
        """Waits for so many messages, for twenty seconds at most, and returns those that came."""
        found: list[dict[str, Any]] = []
        for _ in range(20):
            answer = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", ()):
                found.append(json.loads(message["Body"]))
                self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            if len(found) >= count:
                break
        return found


@contextmanager
def queue(backend: Backend, name: str) -> Iterator[Queue]:
    client = backend.client("sqs")
    url = client.create_queue(QueueName=name)["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    yield Queue(client, url, arn)
    client.delete_queue(QueueUrl=url)

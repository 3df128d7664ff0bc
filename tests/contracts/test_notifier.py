"""What becomes of a release reaches whoever listens, as the contract's events."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.contracts.backends import Backend
from tests.contracts.samples import release

from canary_router.adapters.aws.events import EventBridgeNotifier
from canary_router.adapters.memory import MemoryNotifier
from canary_router.core.announcement import Announcement, announce
from canary_router.core.model import ReleaseState
from canary_router.ports import Notifier

STATES = [ReleaseState.PAUSED, ReleaseState.PROMOTED, ReleaseState.ABORTED, ReleaseState.SUPERSEDED]


@dataclass(frozen=True)
class Listener:
    """An adapter, and somebody who listens to it."""

    notifier: Notifier
    queue_url: str = ""
    queues: Any = None

    def heard(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """Detail types and details, in any order: EventBridge promises none."""
        if isinstance(self.notifier, MemoryNotifier):
            return [(told.detail_type, told.detail) for told in self.notifier.told]
        found: list[dict[str, Any]] = []
        for _ in range(20):
            messages = self.queues.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in messages.get("Messages", ()):
                found.append(json.loads(message["Body"]))
                self.queues.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
            if len(found) >= count:
                break
        assert all(event["source"] == "canary-router" for event in found)
        return [(event["detail-type"], event["detail"]) for event in found]


@pytest.fixture(params=["memory", "ministack"])
def listener(request: pytest.FixtureRequest, service: str) -> Iterator[Listener]:
    if request.param == "memory":
        yield Listener(MemoryNotifier())
        return
    backend: Backend = request.getfixturevalue("ministack")
    events, queues = backend.client("events"), backend.client("sqs")
    url = queues.create_queue(QueueName=service)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = events.put_rule(Name=service, EventPattern=json.dumps({"source": ["canary-router"]}))["RuleArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_targets(Rule=service, Targets=[{"Id": "queue", "Arn": arn}])
    yield Listener(EventBridgeNotifier(events), url, queues)
    events.remove_targets(Rule=service, Ids=["queue"])
    events.delete_rule(Name=service)
    queues.delete_queue(QueueUrl=url)


def test_every_announcement_is_heard_as_it_was_told(listener: Listener, service: str) -> None:
    made = release(service)
    told = [announce("test", replace(made, state=state), opened=False) for state in STATES]
    told.append(announce("test", made, opened=True))
    for each in told:
        listener.notifier.tell(each)
    heard = sorted(listener.heard(len(told)), key=lambda event: event[0])
    assert heard == sorted(((each.detail_type, each.detail) for each in told), key=lambda event: event[0])


def test_a_reason_may_hold_any_text(listener: Listener) -> None:
    odd = Announcement("Release Aborted", {"reason": '2 jobs failed: "❄" \n\U0001f600 <>&\\ \u2028'})
    listener.notifier.tell(odd)
    assert listener.heard(1) == [(odd.detail_type, odd.detail)]


def test_the_same_may_be_told_twice(listener: Listener, service: str) -> None:
    announcement = announce("test", release(service))
    listener.notifier.tell(announcement)
    listener.notifier.tell(announcement)
    assert listener.heard(2) == [(announcement.detail_type, announcement.detail)] * 2

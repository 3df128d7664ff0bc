"""What becomes of a release reaches whoever listens, as the contract's events."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.contracts.backends import Backend
from tests.contracts.queues import Queue, queue
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
    queue: Queue | None = None

    def heard(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """Detail types and details, in any order: EventBridge promises none."""
        if isinstance(self.notifier, MemoryNotifier):
            return [(told.detail_type, told.detail) for told in self.notifier.told]
        assert self.queue is not None
        found = self.queue.take(count)
        assert all(event["source"] == "canary-router" for event in found)
        return [(event["detail-type"], event["detail"]) for event in found]


@pytest.fixture(params=["memory", "ministack"])
def listener(request: pytest.FixtureRequest, service: str) -> Iterator[Listener]:
    if request.param == "memory":
        yield Listener(MemoryNotifier())
        return
    backend: Backend = request.getfixturevalue("ministack")
    events = backend.client("events")
    with queue(backend, service) as mailbox:
        rule = events.put_rule(Name=service, EventPattern=json.dumps({"source": ["canary-router"]}))["RuleArn"]
        mailbox.admit("events", rule)
        events.put_targets(Rule=service, Targets=[{"Id": "queue", "Arn": mailbox.arn}])
        yield Listener(EventBridgeNotifier(events), mailbox)
        events.remove_targets(Rule=service, Ids=["queue"])
        events.delete_rule(Name=service)


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

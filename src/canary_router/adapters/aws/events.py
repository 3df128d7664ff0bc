"""Announcements as EventBridge events."""

import json
from typing import TYPE_CHECKING

from canary_router import settings
from canary_router.adapters.aws.trouble import read
from canary_router.core.announcement import Announcement
from canary_router.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef


class EventBridgeNotifier:
    """Puts events on the account's default bus."""

    def __init__(self, client: "EventBridgeClient") -> None:
        """Args: a boto3 ``events`` client."""
        self._client = client

    def tell(self, announcement: Announcement) -> None:
        """PutEvents, with the contract's source."""
        what = f"sending {announcement.detail_type}"
        entry: PutEventsRequestEntryTypeDef = {
            "Source": settings.EVENT_SOURCE,
            "DetailType": announcement.detail_type,
            "Detail": json.dumps(announcement.detail),
        }

        def call() -> None:
            answer = self._client.put_events(Entries=[entry])
            if answer["FailedEntryCount"]:
                failed = answer["Entries"][0]
                raise Unavailable(f"{what}: {failed.get('ErrorCode')}, {failed.get('ErrorMessage')}")

        read(what, call)

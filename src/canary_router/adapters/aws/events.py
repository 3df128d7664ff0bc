"""Announcements as EventBridge events."""

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from canary_router import settings
from canary_router.adapters.aws.trouble import unavailable
from canary_router.core.announcement import Announcement
from canary_router.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


class EventBridgeNotifier:
    """Puts events on the account's default bus."""

    def __init__(self, client: "EventBridgeClient") -> None:
        """Args: a boto3 ``events`` client."""
        self._client = client

    def tell(self, announcement: Announcement) -> None:
        """PutEvents, with the contract's source."""
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "Source": settings.EVENT_SOURCE,
                        "DetailType": announcement.detail_type,
                        "Detail": json.dumps(announcement.detail),
                    }
                ]
            )
        except (ClientError, BotoCoreError) as error:
            raise unavailable(f"sending {announcement.detail_type}", error) from error
        if answer.get("FailedEntryCount"):
            raise Unavailable(f"sending {announcement.detail_type}: {answer['Entries'][0].get('ErrorMessage')}")

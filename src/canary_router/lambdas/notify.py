"""Tells people of a release, one way to them for each function, so that each way's trouble is its own."""

import os

import boto3
from botocore.config import Config

from canary_router import settings
from canary_router.adapters.aws.messengers import SnsMessenger, WebhookMessenger
from canary_router.lambdas.notice import send_notice
from canary_router.ports.operation import Messenger

_ONCE = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 1})


def messenger() -> Messenger:
    """The way to people that this function is for; no client is made for the other."""
    session = boto3.Session()
    if topic := os.environ.get(settings.ENV_TOPIC):
        return SnsMessenger(session.client("sns", config=_ONCE), topic)
    return WebhookMessenger(session.client("secretsmanager", config=_ONCE), os.environ[settings.ENV_WEBHOOK])


_messenger = messenger()


def handler(event: object, _context: object) -> dict[str, str]:
    """Sends the message of one event. What it raises makes Lambda deliver the event again, and keep it in the end."""
    return send_notice(event, _messenger)

"""Ways to people: an SNS topic, and a chat's incoming webhook."""

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from canary_router.adapters.aws.trouble import read
from canary_router.core.messages import Message
from canary_router.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient

_SECONDS = urllib3.Timeout(connect=3, read=5)
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_TOO_MANY = 429
_SERVER_ERROR = 500


class SnsMessenger:
    """Publishes to a topic; each message once more is one message more."""

    def __init__(self, client: "SNSClient", topic_arn: str) -> None:
        """Args: a client of SNS, and the topic's ARN."""
        self._client = client
        self._topic_arn = topic_arn

    def send(self, message: Message) -> None:
        """Publish."""
        read(
            f"publishing to {self._topic_arn}",
            lambda: self._client.publish(TopicArn=self._topic_arn, Subject=message.subject, Message=message.text),
        )


class WebhookMessenger:
    """Posts to an incoming webhook, in the JSON that Slack defined and others understand.

    The webhook's URL is the permission to post, so it is a secret: it is read for each message, which lets it be
    changed without a deployment, and no error shows more of it than the host.
    """

    def __init__(self, secrets: "SecretsManagerClient", secret: str) -> None:
        """Args: a client of Secrets Manager, and the name or ARN of the secret that holds the URL."""
        self._secrets = secrets
        self._secret = secret
        self._http = urllib3.PoolManager(retries=False, timeout=_SECONDS)

    def send(self, message: Message) -> None:
        """POST, to the URL itself and nowhere that it redirects to."""
        url = self._url()
        host = urlsplit(url).hostname
        body = json.dumps({"text": _markup(message)}).encode()
        headers = {"Content-Type": "application/json"}
        try:
            status = self._http.request("POST", url, body=body, headers=headers, redirect=False).status
        except HTTPError as error:
            # The error's text has the whole URL in it.
            raise Unavailable(f"The webhook at {host} does not answer: {type(error).__name__}") from None
        if status == _TOO_MANY or status >= _SERVER_ERROR:
            raise Unavailable(f"The webhook at {host} answered {status}")
        if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own classes
            raise ConfigurationError(
                f"The webhook at {host} refuses the message with {status}",
                advice=f"Make a new one, and put its URL into the secret {self._secret}.",
            )

    def _url(self) -> str:
        what = f"reading the webhook's URL from {self._secret}"
        url = read(what, lambda: self._secrets.get_secret_value(SecretId=self._secret)["SecretString"]).strip()
        parts = urlsplit(url) if url.isascii() and url.isprintable() else urlsplit("")
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _THIS_MACHINE):
            raise ConfigurationError(
                f"What is in the secret {self._secret} is not a webhook's URL",
                advice="Put the URL into it as plain text; it begins with https://.",
            )
        return url


def _markup(message: Message) -> str:
    """As Slack's mrkdwn, whose three control characters are escaped: nobody's reason can mention or link anything."""
    escaped = [line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in message.lines]
    return "\n".join([f"*{message.subject}*", *escaped, f"{message.act}: `{message.command}`"])

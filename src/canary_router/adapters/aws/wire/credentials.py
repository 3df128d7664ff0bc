"""Whose signature: the environment's (Lambda), a container endpoint's (Lambda with SnapStart, ECS), else botocore's.

Credentials that expire are fetched anew before they do. If that fails, the old ones serve while they are valid.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from canary_router.adapters.aws.failures import CallFailed, NoCredentials
from canary_router.adapters.aws.wire.connection import Connection
from canary_router.adapters.aws.wire.endpoints import Endpoint
from canary_router.errors import ConfigurationError

RENEWED_SECONDS = 600.0
"""Credentials are fetched anew this long before they expire."""
_AGAIN_SECONDS = 5.0
"""After a failure the endpoint is left alone for so long."""
_FETCH_SECONDS = 2.0
_OK = 200
_RELATIVE = "http://169.254.170.2"
_LINK_LOCAL = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "127.0.0.1", "::1", "localhost"})
"""Where a container's credentials may be fetched without TLS: a token must not leave the machine in the clear."""


class Credentials:
    """A key pair, with the token that temporary ones have."""

    __slots__ = ("access_key", "secret_key", "token")

    def __init__(self, access_key: str, secret_key: str, token: str | None = None) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token


class Source(Protocol):
    """Gives credentials that are valid now."""

    def __call__(self) -> Credentials:
        """The credentials.

        Raises:
            NoCredentials: There are none.
        """


def source_of(env: Mapping[str, str]) -> Source:
    """The source that the environment names, in botocore's order."""
    access_key, secret_key = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        fixed = Credentials(access_key, secret_key, env.get("AWS_SESSION_TOKEN") or None)
        return lambda: fixed
    if env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") or env.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return ContainerCredentials(env)
    return BotocoreChain()


class ContainerCredentials:
    """Fetches credentials from the endpoint that the environment names, and keeps them until shortly before their end.

    Args:
        env: The environment variables.
        now: Seconds since the epoch.
    """

    def __init__(self, env: Mapping[str, str], now: Callable[[], float] = time.time) -> None:
        self._env = env
        self._now = now
        self._held: tuple[Credentials, float] | None = None
        self._not_before = 0.0

    def __call__(self) -> Credentials:
        """The credentials.

        Raises:
            NoCredentials: They cannot be fetched, and none that are valid are held.
        """
        now = self._now()
        held = self._held
        if held is not None and (now < held[1] - RENEWED_SECONDS or (now < self._not_before and now < held[1])):
            return held[0]
        # Whatever comes of it: an endpoint that still gives the old ones is not asked by every call.
        self._not_before = now + _AGAIN_SECONDS
        try:
            held = self._held = self._fetched()
        except (CallFailed, ConfigurationError, OSError, ValueError, KeyError, TypeError) as error:
            if held is not None and now < held[1]:
                return held[0]
            raise NoCredentials(f"the container's credentials cannot be fetched: {error}") from error
        return held[0]

    def _fetched(self) -> tuple[Credentials, float]:
        endpoint = self._endpoint()
        headers = f"host: {endpoint.authority}\r\naccept: application/json\r\nconnection: close\r\n"
        token = self._token()
        if token:
            headers += f"authorization: {token}\r\n"
        connection = Connection(endpoint, _default_context, _FETCH_SECONDS)
        try:
            request = f"GET {endpoint.path or '/'} HTTP/1.1\r\n{headers}\r\n"
            answer, _ = connection.exchange(request.encode(), _FETCH_SECONDS)
        finally:
            connection.close()
        if answer.status != _OK:
            raise ValueError(f"{endpoint.authority} answered {answer.status}")
        found: dict[str, Any] = json.loads(answer.body)
        credentials = Credentials(found["AccessKeyId"], found["SecretAccessKey"], found.get("Token"))
        return credentials, _epoch(found["Expiration"])

    def _endpoint(self) -> Endpoint:
        relative = self._env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        endpoint = Endpoint(_RELATIVE + relative if relative else self._env["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
        if not endpoint.tls and endpoint.host not in _LINK_LOCAL:
            raise ConfigurationError(
                f"{endpoint.authority} is not on this machine, and its answer would not be encrypted"
            )
        return endpoint

    def _token(self) -> str:
        file = self._env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        if file:
            with open(file, encoding="utf-8") as opened:  # noqa: PTH123 - pathlib is not worth its import here
                token = opened.read().strip()
        else:
            token = self._env.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
        if "\r" in token or "\n" in token:
            raise ValueError("the token for the credentials has more than one line")
        return token


class BotocoreChain:
    """Everything else that botocore knows: profiles, roles, single sign-on, instance metadata.

    Args:
        found: What a session of botocore has found already; None looks when credentials are first needed.
    """

    def __init__(self, found: Any = None) -> None:
        self._found = found

    def __call__(self) -> Credentials:
        """The credentials; botocore refreshes them itself.

        Raises:
            NoCredentials: Its chain has none.
        """
        if self._found is None:
            from botocore.session import Session  # noqa: PLC0415 - 60 ms that Lambda never needs

            self._found = Session().get_credentials()
        if self._found is None:
            raise NoCredentials("no credentials were found, in the environment or elsewhere")
        try:
            frozen = self._found.get_frozen_credentials()
        except Exception as error:
            raise NoCredentials(f"the credentials cannot be refreshed: {error}") from error
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)


def _default_context() -> Any:
    import ssl  # noqa: PLC0415 - the endpoint of Lambda and of ECS is not encrypted

    return ssl.create_default_context()


def _epoch(text: str) -> float:
    from datetime import UTC, datetime  # noqa: PLC0415 - only where credentials expire

    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

"""Where an environment's router is, and the key to it: Cloud Map and Secrets Manager, asked once in a while.

What was found stays good for a while and, when Cloud Map or Secrets Manager do not answer, for longer: a front-end that
could reach the router a moment ago must not fail because a directory is down.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from canary_router import settings
from canary_router.errors import AccessRefused, CanaryRouterError, ConfigurationError, NotFound, Unavailable

_log = logging.getLogger(__name__)
_PATIENCE = Config(connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECONDS_BETWEEN_RETRIES = 10.0
_REFUSALS = ("AccessDenied", "AccessDeniedException", "UnrecognizedClientException")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException")
NOT_THERE = ("NamespaceNotFound", "ServiceNotFound", "ResourceNotFoundException")


@dataclass(frozen=True)
class Location:
    """A router's address and the key that it wants. The key is not shown: a location may end up in a log."""

    endpoint: str
    api_key: str = field(repr=False)


class Directory:
    """Finds one environment's router, and remembers it. Fit for use from many threads."""

    def __init__(
        self, environment: str, session: boto3.Session, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keeps what was found for so many seconds."""
        self._environment = environment
        self._session = session
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._found: Location | None = None
        self._good_until = float("-inf")
        self._refused_until = float("-inf")

    def locate(self) -> Location:
        """The router, as it was found a short time ago or is found now.

        Raises:
            NotFound: No router is registered for the environment, or its secret is gone.
            ConfigurationError: What is registered contradicts itself or cannot be trusted with a key.
            AccessRefused: The caller may not ask Cloud Map or Secrets Manager.
            Unavailable: They do not answer, and nothing is remembered.
        """
        last = self._found
        if last is not None and self._clock() < self._good_until:
            return last
        # While one thread looks, the others go on with what there is; only the very first look is waited for.
        if not self._lock.acquire(blocking=last is None):
            return last or self.locate()
        try:
            if self._found is None or self._clock() >= self._good_until:
                self._look()
            return self._found or self._look()
        finally:
            self._lock.release()

    def locate_anew(self, refused: Location) -> Location:
        """The router after it refused a key or was not there: either may have changed since it was found.

        Args:
            refused: What did not work. When another thread has found something else meanwhile, that is the answer.

        Raises:
            CanaryRouterError: As ``locate``.
        """
        with self._lock:
            if self._found is not None and (self._found != refused or self._clock() < self._refused_until):
                return self._found
            self._refused_until = self._clock() + _SECONDS_BETWEEN_RETRIES
            return self._look()

    def _look(self) -> Location:
        try:
            self._found, seconds = self._look_up(), self._seconds
        except Unavailable as error:
            if self._found is None:
                raise
            _log.warning("Going on with the router that was found before: %s", error)
            seconds = min(self._seconds, _SECONDS_BETWEEN_RETRIES)
        self._good_until = self._clock() + seconds
        return self._found

    def _look_up(self) -> Location:
        attributes = self._attributes()
        secret = attributes.get("api_key_secret", "")
        endpoint = _trusted(attributes.get("endpoint", ""), self._environment)
        try:
            client = self._session.client("secretsmanager", config=_PATIENCE)
            key = str(client.get_secret_value(SecretId=secret)["SecretString"])
        except (ClientError, BotoCoreError, KeyError) as error:
            raise trouble(f"The router's key, in the secret {secret!r}, cannot be read", error) from error
        return Location(endpoint, key)

    def _attributes(self) -> Mapping[str, str]:
        try:
            answer = cloud_map_client(self._session).discover_instances(
                NamespaceName=settings.CLOUD_MAP_NAMESPACE,
                ServiceName=settings.CLOUD_MAP_SERVICE,
                QueryParameters={"environment": self._environment},
                HealthStatus="ALL",
            )
        except (ClientError, BotoCoreError) as error:
            raise trouble(f"The router of {self._environment!r} cannot be looked up in Cloud Map", error) from error
        # Not every emulator heeds the query, so the answer is filtered once more.
        if "Instances" not in answer:
            raise Unavailable(
                f"What answers for Cloud Map about {self._environment!r} is not Cloud Map",
                advice="Is there a proxy, or a log-in page, between you and AWS?",
            )
        found = [instance.get("Attributes", {}) for instance in answer["Instances"]]
        ours = {
            (it.get("endpoint", ""), it.get("api_key_secret", "")): it
            for it in found
            if it.get("environment") == self._environment
        }
        if not ours:
            raise NotFound(
                f"No router is registered in Cloud Map for the environment {self._environment!r}",
                advice="Deploy one there first, or look whether environment, account and region are the ones you mean.",
            )
        if len(ours) > 1:
            raise ConfigurationError(
                f"Several routers are registered for {self._environment!r}: {', '.join(sorted(e for e, _ in ours))}",
                advice="Remove the instances in Cloud Map that are not in use.",
            )
        return next(iter(ours.values()))


def cloud_map_client(session: boto3.Session) -> Any:
    """A Cloud Map client that also works behind an endpoint of the caller's own.

    botocore puts ``data-`` before the host's name for this call, which only AWS's own hosts answer to.
    """
    configured = session.client("servicediscovery", config=_PATIENCE)
    ignoring = _PATIENCE.merge(Config(ignore_configured_endpoint_urls=True))  # type: ignore[call-arg] # not in the stubs
    if configured.meta.endpoint_url == session.client("servicediscovery", config=ignoring).meta.endpoint_url:
        return configured
    return session.client("servicediscovery", config=_PATIENCE.merge(Config(inject_host_prefix=False)))


def _trusted(endpoint: str, environment: str) -> str:
    """The endpoint, if a key may be sent there: encrypted, or without leaving this machine."""
    parts = urlsplit(endpoint)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        return endpoint.rstrip("/")
    raise ConfigurationError(
        f"The router of {environment!r} is registered at {endpoint!r}, which is no HTTPS address",
        advice="Correct the attribute 'endpoint' in Cloud Map: the key would travel in clear.",
    )


def trouble(what: str, error: Exception) -> CanaryRouterError:
    """The project's error for one of botocore's; ``what`` says what could not be done."""
    code = str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
    if code in _REFUSALS:
        return AccessRefused(
            f"{what}: {error}",
            advice="Allow the caller servicediscovery:DiscoverInstances and secretsmanager:GetSecretValue.",
        )
    if code in _EXPIRED or isinstance(error, NoCredentialsError):
        return AccessRefused(f"{what}: {error}", advice="Log in again, or choose a profile with credentials.")
    if isinstance(error, NoRegionError):
        return ConfigurationError(f"{what}: {error}", advice="Set AWS_DEFAULT_REGION, or give a session with a region.")
    if code in NOT_THERE or isinstance(error, KeyError):
        return NotFound(f"{what}: {error}", advice="Deploy the router there first; is this the region that you mean?")
    return Unavailable(f"{what}: {error}", advice="Try again; check credentials, region and network.")

"""HTTP to the router: encrypted, bounded in time and size, never redirected, by the urllib3 that boto3 brings."""

import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from canary_router import __version__
from canary_router.errors import CanaryRouterError, InvalidInput, StartUnknown, Unavailable

ANSWER_LIMIT_BYTES = 1024 * 1024
_NEVER_SENT = (ConnectTimeoutError, NameResolutionError, NewConnectionError, ProxyError, SSLError)
_CONNECT_ADVICE = (
    "Check the network; behind a proxy set HTTPS_PROXY, behind one that inspects TLS set AWS_CA_BUNDLE to a PEM file."
)


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers in lower case, the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> float:
        """Seconds that the server wants to be left alone; 0 when it does not say, or says a date."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdecimal() else 0.0


class Transport:
    """Sends requests over connections that are kept. Fit for use from many threads.

    Args:
        connect_seconds: Patience with the connection.
        read_seconds: Patience with each part of the answer.
        connections: Connections that are kept at most: as many as threads use the client at a time.
    """

    def __init__(self, *, connect_seconds: float, read_seconds: float, connections: int) -> None:
        self._timeout = urllib3.Timeout(connect=connect_seconds, read=read_seconds)
        self._connections = connections
        self._pools: dict[str, urllib3.PoolManager] = {}

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Sends one request, once.

        Raises:
            Unavailable: It was never sent.
            StartUnknown: It may have arrived, but no answer did.
            InvalidInput: A header cannot be sent at all.
        """
        headers = {"User-Agent": f"canary-router/{__version__}", "Accept": "application/json", **headers}
        host = urlsplit(url).netloc
        try:
            response = self._pool(url).request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=self._timeout,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                content = response.read(ANSWER_LIMIT_BYTES + 1)
            except BaseException:
                response.close()
                raise
            if len(content) > ANSWER_LIMIT_BYTES:
                response.close()
                raise StartUnknown(f"The answer of {host} is longer than {ANSWER_LIMIT_BYTES} bytes")
            response.release_conn()
        except _NEVER_SENT as error:
            raise Unavailable(f"{host} cannot be reached: {_reason(error)}", advice=_CONNECT_ADVICE) from error
        except HTTPError as error:
            raise _lost(host, error) from error
        except ValueError as error:
            raise InvalidInput(
                f"The request cannot be sent: {error}", advice="A key has 1 to 128 printable ASCII characters."
            ) from error
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, content)

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = _proxy_for(url)
        pool = self._pools.get(proxy)
        if pool is None:
            kept, bundle = self._connections, os.environ.get("AWS_CA_BUNDLE")
            pool = (
                urllib3.ProxyManager(proxy, maxsize=kept, ca_certs=bundle)
                if proxy
                else urllib3.PoolManager(maxsize=kept, ca_certs=bundle)
            )
            # Two threads may both come here; the loser's pool holds no connection yet.
            pool = self._pools.setdefault(proxy, pool)
        return pool


def _proxy_for(url: str) -> str:
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return ""
    return urllib.request.getproxies().get(parts.scheme, "")


def _lost(host: str, error: Exception) -> CanaryRouterError:
    return StartUnknown(
        f"{host} was asked, but its answer was lost: {_reason(error)}",
        advice="Send the job again with the same idempotency key: that gives the one job.",
    )


def _reason(error: BaseException) -> str:
    """The innermost cause: urllib3 wraps them in each other, with addresses of objects in between."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}"

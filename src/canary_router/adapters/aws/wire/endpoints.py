"""Where a service answers: what the environment says, else the region's own endpoint."""

import re
from collections.abc import Mapping

from canary_router.errors import ConfigurationError

_URL = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(/[^?#\s]*)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("us-iso-", "c2s.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
)
"""Partitions whose domain is not ``amazonaws.com``; the government's regions use the common one."""
_NOT_DONE_HERE = ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


class Endpoint:
    """A URL in its parts.

    Attributes:
        tls: Whether the connection is encrypted.
        host: Name or address to connect to, in ASCII.
        port: Port to connect to.
        authority: What the ``host`` header says.
        path: Prefix of every path; empty, or without a slash at its end.
    """

    __slots__ = ("authority", "host", "path", "port", "tls")

    def __init__(self, url: str) -> None:
        match = _URL.fullmatch(url)
        if match is None:
            raise ConfigurationError(
                f"{url!r} is not the URL of an endpoint", advice="Write it as https://host or http://host:port."
            )
        scheme, host, port, path = match.groups()
        default = _DEFAULT_PORTS[scheme]
        self.tls = scheme == "https"
        self.host = host.strip("[]")
        self.port = int(port or default)
        self.authority = host if self.port == default else f"{host}:{self.port}"
        self.path = (path or "").rstrip("/")


def endpoint_of(service: str, host_prefix: str, region: str, env: Mapping[str, str]) -> Endpoint:
    """The endpoint of a service, as botocore finds it in the environment.

    Args:
        service: Name in ``AWS_ENDPOINT_URL_<SERVICE>``, for example ``DYNAMODB``.
        host_prefix: First part of the host name, for example ``dynamodb``.
        region: Name of the region.
        env: The environment variables. An empty one counts as not set.

    Raises:
        ConfigurationError: A variable holds something else than a URL.
    """
    if env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() != "true":
        url = env.get(f"AWS_ENDPOINT_URL_{service}") or env.get("AWS_ENDPOINT_URL")
        if url:
            return Endpoint(url)
    suffix = next((suffix for beginning, suffix in _SUFFIXES if region.startswith(beginning)), "amazonaws.com")
    return Endpoint(f"https://{host_prefix}.{region}.{suffix}")


def needs_botocore(env: Mapping[str, str]) -> bool:
    """Whether the environment asks for something that only botocore does: a proxy, FIPS or dual-stack endpoints."""
    if any(env.get(name, "").lower() == "true" for name in _NOT_DONE_HERE):
        return True
    return any(env.get(name) for name in _PROXIES)

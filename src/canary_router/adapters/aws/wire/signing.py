"""Signature Version 4, as it is for every service but S3.

The rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
``tests/unit/test_signing.py`` holds it to botocore's over generated requests.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping

from canary_router.adapters.aws.wire.credentials import Credentials
from canary_router.core.quoting import quoted

_ALGORITHM = "AWS4-HMAC-SHA256"
_CACHED_PATHS = 64


class Signer:
    """Signs requests to one service in one region. The key of a day is derived once."""

    def __init__(self, service: str, region: str) -> None:
        """Args: the service's name in signatures, such as ``states``, and the region."""
        self._service = service
        self._region = region
        self._derived = ("", "", b"")
        self._paths: dict[str, str] = {}

    def sign(
        self, credentials: Credentials, request: tuple[str, str], headers: Mapping[str, str], body: bytes, *, at: float
    ) -> dict[str, str]:
        """The headers that make a signed request of this one, the given ones among them.

        Args:
            credentials: Whose signature.
            request: The method, and the target as it is sent: path and query, both percent-encoded.
            headers: What is signed besides: lower-case names, ``host`` among them.
            body: The body.
            at: Seconds since the epoch; AWS takes a signature for five minutes.
        """
        method, target = request
        path, _, query = target.partition("?")
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
        day = stamp[:8]
        signed = {**headers, "x-amz-date": stamp}
        if credentials.token:
            signed["x-amz-security-token"] = credentials.token
        names = sorted(signed)
        fields = "".join([f"{name}:{' '.join(signed[name].split())}\n" for name in names])
        listed = ";".join(names)
        canonical = (
            f"{method}\n{self._canonical_path(path)}\n{_canonical_query(query)}\n{fields}\n{listed}\n"
            f"{hashlib.sha256(body).hexdigest()}"
        )
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._key(credentials.secret_key, day), to_sign.encode(), "sha256").hex()
        signed["authorization"] = (
            f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={listed}, Signature={signature}"
        )
        return signed

    def _key(self, secret: str, day: str) -> bytes:
        # One assignment, so that a second thread sees the whole of the old value or of the new one.
        known_secret, known_day, key = self._derived
        if known_secret != secret or known_day != day:
            key = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived = (secret, day, key)
        return key

    def _canonical_path(self, path: str) -> str:
        canonical = self._paths.get(path)
        if canonical is None:
            if len(self._paths) >= _CACHED_PATHS:
                self._paths.clear()
            canonical = self._paths[path] = canonical_path(path)
        return canonical


def canonical_path(path: str) -> str:
    """A path without dots and empty segments, encoded once more than it is sent."""
    if not path:
        return "/"
    segments: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del segments[-1:]
        elif segment and segment != ".":
            segments.append(segment)
    ends = "/" if path.endswith("/") and segments else ""
    return quoted(f"/{'/'.join(segments)}{ends}", safe="/~")


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = sorted((name, value) for name, _, value in (part.partition("=") for part in query.split("&")))
    return "&".join([f"{name}={value}" for name, value in pairs])

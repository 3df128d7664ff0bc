"""Which of two versions a request is offered to. Whether it is admitted there, the record alone decides."""

import hashlib
import json
from typing import Any

from canary_router.core.model import Release, ReleaseState
from canary_router.errors import InvalidInput

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def has_room(release: Release) -> bool:
    """Whether a release, as it was last read, could take one more job. May be stale: the write decides."""
    return release.state is ReleaseState.OPEN and release.admitted < release.places


def may_have_room_again(release: Release) -> bool:
    """Whether a release could ever take one more job, now or later. No stale answer to this is wrong about a "no".

    Places are never given back, more than the policy's budget are never granted, and a decided release stays decided.
    Only a pause ends, and a sequential gate grants more places while its jobs end.
    """
    return release.state.can_be_decided and release.admitted < release.policy.budget


def is_full(release: Release) -> bool:
    """Whether all places that a release had, as it was last read, are taken. A sequential gate may grant more."""
    return release.admitted >= release.places


def is_offered_to_latest(release: Release, draw: float) -> bool:
    """Whether a request is offered to the release.

    Args:
        release: As it was last read.
        draw: A random number, 0 <= draw < 1.
    """
    return has_room(release) and draw < release.policy.share


def transform_id_for_key(service: str, idempotency_key: str) -> str:
    """The id of the one transform that a service has for an ``Idempotency-Key``."""
    digest = hashlib.sha256(f"{service}\0{idempotency_key}".encode()).hexdigest()
    return f"k-{digest[:40]}"


def canonical_input(document: Any) -> bytes:
    """A job's input in the one form that is hashed and measured: compact JSON with sorted keys, in UTF-8.

    Raises:
        InvalidInput: The document holds text that is not Unicode (a lone surrogate), or a number JSON does not know.
    """
    try:
        return _CANONICAL.encode(document).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"The input cannot be written as JSON in UTF-8: {error}", advice="Send valid JSON, encoded in UTF-8."
        ) from error


def input_hash(canonical: bytes) -> str:
    """SHA-256 of an input in canonical form, in hexadecimal."""
    return hashlib.sha256(canonical).hexdigest()

"""Repeats calls that may be repeated, and tells what a failed one may have done.

Two kinds of clients are understood: boto3's, and the wire's (``failures.py``), which the request function uses. The
clients must not retry by themselves, since only who has seen every attempt can say that nothing happened:

    attempt 1   put ... the answer gets lost, the write has happened
    attempt 2   put ... throttled: "nothing was written" would be a lie

What a service answers is not trusted to have its form: whatever is wrong with it becomes one of the two errors that
the ports promise.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from canary_router.adapters.aws.failures import CallFailed, NotSendable, NotSent
from canary_router.errors import CanaryRouterError, Unavailable, Uncertain

T = TypeVar("T")

_NEVER_SENT = (
    "ConnectTimeoutError",
    "CredentialRetrievalError",
    "EndpointConnectionError",
    "NoCredentialsError",
    "ParamValidationError",
    "PartialCredentialsError",
    "TokenRetrievalError",
)
"""botocore's errors that mean: the request did not reach the service, so nothing can have happened there."""
_NO_ANSWER = ("ConnectionError", "HTTPClientError")
"""botocore's errors that mean: another attempt may get through."""

_CONTENDED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TooManyUpdates",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Others are at it: the same call may go through in a moment."""
_CONTENDED_REASONS = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"})
_SERVER_ERROR = 500
_ATTEMPTS = 3
_CONTENDED_ATTEMPTS = 8
_PATIENCE_SECONDS = 2.0
"""From the first attempt on; after that none begins. A service that is silent is not asked twice."""


def response_of(error: Exception) -> dict[str, Any] | None:
    """What the service answered; None unless it answered with an error.

    botocore's ``ClientError`` and the wire's ``ServiceError`` carry it in the same form.
    """
    response = getattr(error, "response", None)
    return response if isinstance(response, dict) else None


def code_of(error: Exception) -> str:
    """The service's error code, such as ``ThrottlingException``; empty where there was no answer."""
    return str(_part_of(error, "Error").get("Code", ""))


def status_of(error: Exception) -> int:
    """The HTTP status of the service's answer; 0 where there was none."""
    return int(_part_of(error, "ResponseMetadata").get("HTTPStatusCode", 0))


def cancellation_reasons(error: Exception) -> list[Any]:
    """Why a transaction was cancelled, one reason for each of its writes, in their order."""
    return list((response_of(error) or {}).get("CancellationReasons", ()))


def never_sent(error: Exception) -> bool:
    """Whether the request did not reach the service, so that nothing can have happened there."""
    return isinstance(error, NotSent) or _is_botocores(error, _NEVER_SENT)


def read(what: str, call: Callable[[], T]) -> T:
    """Makes a call that may be repeated at will.

    Args:
        what: Names the call, for the error.
        call: Makes one attempt and understands its answer.

    Raises:
        Unavailable: No attempt was answered as it should be.
    """
    try:
        return _repeated(call)
    except CanaryRouterError:
        raise
    except Exception as error:  # a malformed answer can raise anything
        raise Unavailable(f"{what}: {_described(error)}") from error


def write(what: str, call: Callable[[int], T], *, repeatable: bool = True) -> T:
    """Makes a call that has an effect.

    Args:
        what: Names the call, for the error.
        call: Makes one attempt. It is told of how many earlier ones nobody knows whether they have happened.
        repeatable: Whether the write may be sent again when its first attempt may have happened.

    Raises:
        Unavailable: No attempt has had an effect.
        Uncertain: One of them may have.
    """
    lost = 0

    def attempt() -> T:
        nonlocal lost
        try:
            return call(lost)
        except CanaryRouterError:
            raise
        except Exception as error:
            lost += may_have_happened(error)
            if lost and not repeatable:
                raise Uncertain(f"{what}: {_described(error)}") from error
            raise

    try:
        return _repeated(attempt)
    except CanaryRouterError:
        raise
    except Exception as error:
        kind = Uncertain if lost else Unavailable
        raise kind(f"{what}: {_described(error)}") from error


def may_have_happened(error: Exception) -> bool:
    """Whether a write that failed like this may have had its effect all the same."""
    if response_of(error) is not None:
        # The service answered: what it refuses (4xx) it has not done; an internal error (5xx) may follow the effect.
        return status_of(error) >= _SERVER_ERROR
    return not never_sent(error)


def _repeated(attempt: Callable[[], T]) -> T:
    began = time.monotonic()
    count = 1
    while True:
        try:
            return attempt()
        except Exception as error:
            contended = _is_contended(error)
            if not (contended or _is_transient(error)):
                raise
            if count >= (_CONTENDED_ATTEMPTS if contended else _ATTEMPTS):
                raise
            if time.monotonic() - began > _PATIENCE_SECONDS:
                raise
        time.sleep(pause(count, _jitter(), contended=contended))
        count += 1


def pause(count: int, draw: float, *, contended: bool) -> float:
    """Seconds to wait after so many attempts: anything up to a bound that doubles, so that callers drift apart.

    Args:
        count: How many attempts were made.
        draw: A random number, 0 <= draw < 1.
        contended: Whether others are at it, rather than the service in trouble.
    """
    return draw * (0.005 if contended else 0.025) * 2.0**count


def _jitter() -> float:
    """Uniform over 0 <= x < 1. The module ``random`` is not worth its import, and alike in every SnapStart copy."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


def _is_contended(error: Exception) -> bool:
    if response_of(error) is None:
        return False
    reasons = {str(reason.get("Code")) for reason in cancellation_reasons(error)}
    return code_of(error) in _CONTENDED or bool(reasons & _CONTENDED_REASONS)


def _is_transient(error: Exception) -> bool:
    if response_of(error) is not None:
        return status_of(error) >= _SERVER_ERROR
    if isinstance(error, CallFailed):
        return not isinstance(error, NotSendable)
    return _is_botocores(error, _NO_ANSWER)


def _described(error: Exception) -> str:
    known = isinstance(error, CallFailed) or _is_botocores(error, ("BotoCoreError", "ClientError"))
    return str(error) if known else f"the answer was malformed ({type(error).__name__}: {error})"


def _part_of(error: Exception, name: str) -> dict[str, Any]:
    part = (response_of(error) or {}).get(name)
    return part if isinstance(part, dict) else {}


def _is_botocores(error: Exception, names: tuple[str, ...]) -> bool:
    # Whoever does not use botocore cannot have got an error of its own, and must not pay 60 ms to find that out.
    module = sys.modules.get("botocore.exceptions")
    return module is not None and isinstance(error, tuple(getattr(module, name) for name in names))

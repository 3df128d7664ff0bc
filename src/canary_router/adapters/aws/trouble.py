"""Tells from botocore's errors whether a call may have had an effect."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)

from canary_router.errors import CanaryRouterError, Unavailable, Uncertain

NEVER_SENT = (
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
)
"""The request did not reach the service, so nothing can have happened there."""

_SERVER_ERROR = 500


def code_of(error: ClientError) -> str:
    """The service's error code, such as ``ThrottlingException``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status of the service's answer; 0 where there was none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def unavailable(what: str, error: Exception) -> Unavailable:
    """A call without effect that failed."""
    return Unavailable(f"{what}: {error}")


def of_write(what: str, error: ClientError | BotoCoreError) -> CanaryRouterError:
    """A failed write: ``Unavailable`` where the service refused or was not reached, else ``Uncertain``."""
    if isinstance(error, ClientError):
        # The service answered: what it refuses (4xx) it has not done; an internal error (5xx) may follow the effect.
        return Uncertain(f"{what}: {error}") if status_of(error) >= _SERVER_ERROR else unavailable(what, error)
    return unavailable(what, error) if isinstance(error, NEVER_SENT) else Uncertain(f"{what}: {error}")

"""Errors as one line that names the thing and the remedy, and as an exit code."""

from canary_router.errors import (
    CanaryRouterError,
    ConfigurationError,
    InvalidInput,
    KeyReused,
    NotFound,
    NotInTime,
    OrderRefused,
)

NO = 1
USAGE = 2
AWS = 3
_USAGE = (InvalidInput, ConfigurationError, NotFound, KeyReused)

_CERTIFICATES = "Behind a proxy that inspects TLS set AWS_CA_BUNDLE to a PEM file with its certificate."

# What botocore, our own calls and the services say, by the name of the class or the code, and what to do about it.
_REMEDIES = {
    "NoCredentialsError": "Log in (aws sso login, aws configure) or give --profile.",
    "PartialCredentialsError": "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile.",
    "NoRegionError": "Give --region, or set AWS_DEFAULT_REGION.",
    "ProfileNotFound": "Choose one of those that 'aws configure list-profiles' lists.",
    "EndpointConnectionError": "Is the region right, and the network up? For an emulator: is it running?",
    "ConnectTimeoutError": "Is the network up? Behind a proxy set HTTPS_PROXY.",
    "NotSent": "Is the region right, and the network up? For an emulator: is it running?",
    "SSLCertVerificationError": _CERTIFICATES,
    "SSLError": _CERTIFICATES,
    "ExpiredToken": "Log in again.",
    "ExpiredTokenException": "Log in again.",
    "UnauthorizedSSOTokenError": "Log in again: aws sso login.",
    "SSOTokenLoadError": "Log in again: aws sso login.",
    "TokenRetrievalError": "Log in again: aws sso login.",
    "InvalidClientTokenId": "The access key is not known there: check account and profile.",
    "UnrecognizedClientException": "The access key is not known there: check account and profile.",
    "AccessDenied": "Ask for the permission that is named, or give --profile with one that has it.",
    "AccessDeniedException": "Ask for the permission that is named, or give --profile with one that has it.",
    "ResourceNotFoundException": "Is the router deployed in this environment, account and region?",
}
_WRONG_USAGE = ("NoRegionError", "ProfileNotFound", "PartialCredentialsError")


def explain(error: Exception) -> tuple[str, int]:
    """The line and the exit code for an error.

    Raises:
        Exception: The error itself, when it is none of those that a user can do something about.
    """
    if isinstance(error, NotInTime | OrderRefused):
        return _line(error, error.advice), NO
    if isinstance(error, CanaryRouterError):
        advice = error.advice or _remedy(error.__cause__)
        return _line(error, advice), USAGE if isinstance(error, _USAGE) else AWS
    if _is_from_aws(error):
        return _line(error, _remedy(error)), USAGE if type(error).__name__ in _WRONG_USAGE else AWS
    raise error


def _line(error: Exception, advice: str) -> str:
    said = str(error).strip()
    stop = "" if said.endswith((".", "!", "?")) else "."
    return f"{said}{stop} {advice}".strip()


def _remedy(error: BaseException | None) -> str:
    """What to do about the error that is deepest: the one above it may say no more than that the call failed."""
    found = ""
    while error is not None:
        response = getattr(error, "response", None)
        code = str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
        found = next((_REMEDIES[name] for name in (code, type(error).__name__) if name in _REMEDIES), found)
        error = error.__cause__
    return found


def _is_from_aws(error: Exception) -> bool:
    from botocore.exceptions import BotoCoreError, ClientError

    return isinstance(error, BotoCoreError | ClientError)

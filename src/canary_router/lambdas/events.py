"""Reads what EventBridge sends."""

from collections.abc import Mapping

from canary_router.core.model import Status
from canary_router.flows.outcome import Ended

_FINAL = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
_NAME_AT_MOST = 80
_ARN_AT_MOST = 512


def ended_from(event: object) -> Ended | None:
    """The end of an execution that an event tells of; None for any other event."""
    if not isinstance(event, Mapping) or event.get("source") != "aws.states":
        return None
    detail = event.get("detail")
    if not isinstance(detail, Mapping) or detail.get("status") not in _FINAL:
        return None
    name, arn = _text(detail.get("name"), _NAME_AT_MOST), _text(detail.get("executionArn"), _ARN_AT_MOST)
    if name is None or arn is None:
        return None
    return Ended(name=name, execution_arn=arn, status=Status(detail["status"]))


def _text(given: object, at_most: int) -> str | None:
    """Text that may become a key of the record; None for anything else."""
    return given if isinstance(given, str) and 0 < len(given) <= at_most and given.isprintable() else None

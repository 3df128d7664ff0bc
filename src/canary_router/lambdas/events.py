"""Reads what EventBridge sends."""

from collections.abc import Mapping
from typing import Any

from canary_router.core.model import Status
from canary_router.flows.outcome import Ended

_FINAL = {"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"}


def ended_from(event: Mapping[str, Any]) -> Ended | None:
    """The end of an execution that an event tells of; None for any other event."""
    if event.get("source") != "aws.states":
        return None
    detail = event.get("detail")
    if not isinstance(detail, Mapping) or detail.get("status") not in _FINAL:
        return None
    name, arn = detail.get("name"), detail.get("executionArn")
    if not isinstance(name, str) or not isinstance(arn, str):
        return None
    return Ended(name=name, execution_arn=arn, status=Status(detail["status"]))

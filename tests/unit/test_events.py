from typing import Any

import pytest

from canary_router.core.model import Status
from canary_router.flows.outcome import Ended
from canary_router.lambdas.events import ended_from

ARN = "arn:aws:states:eu-west-1:123456789012:execution:transformer-v1-0-0:t-1"


def event(**detail: Any) -> dict[str, Any]:
    return {"source": "aws.states", "detail": {"name": "t-1", "executionArn": ARN, "status": "SUCCEEDED", **detail}}


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_a_final_status_is_an_end(status: str) -> None:
    assert ended_from(event(status=status)) == Ended("t-1", ARN, Status(status))


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"source": "aws.events", "detail-type": "Scheduled Event"},
        {"source": "aws.states"},
        {"source": "aws.states", "detail": None},
        event(status="RUNNING"),
        event(status="ADMITTED"),
        event(status="NOT_STARTED"),
        event(status=None),
        event(name=None),
        event(executionArn=7),
    ],
)
def test_anything_else_is_no_end(other: dict[str, Any]) -> None:
    assert ended_from(other) is None

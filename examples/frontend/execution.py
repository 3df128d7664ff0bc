"""What Step Functions tells of a job: what was asked for, where the job is, when it ended and why.

The router knows whether a job goes on, and how it ended; why, only its execution knows.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_WORK = ("TaskState", "ParallelState", "MapState")
_EVENTS_AT_MOST = 100
"""A job that polls for hours has thousands of events: only the newest say where it is now."""

_CAUSE_AT_MOST = 500


@dataclass(frozen=True)
class Execution:
    """A job's execution.

    Attributes:
        document: The input that the job was given; None when it cannot be read.
        began: When it began.
        ended: When it ended; None while it goes on.
        cause: Why it failed, as one text for people; empty when it did not.
        steps: Names of the steps that work at this moment.
    """

    document: object = None
    began: datetime | None = None
    ended: datetime | None = None
    cause: str = ""
    steps: tuple[str, ...] = ()

    def seconds(self, now: datetime) -> float | None:
        """How long it took, or goes on."""
        return None if self.began is None else max(0.0, ((self.ended or now) - self.began).total_seconds())


def look(states: Any, execution_arn: str) -> Execution:
    """Asks Step Functions.

    Args:
        states: A boto3 ``stepfunctions`` client.
        execution_arn: The execution.

    Raises:
        ClientError, BotoCoreError: As boto3 raises them.
    """
    found = states.describe_execution(executionArn=execution_arn)
    steps: tuple[str, ...] = ()
    if found["status"] == "RUNNING":
        history = states.get_execution_history(
            executionArn=execution_arn, maxResults=_EVENTS_AT_MOST, reverseOrder=True, includeExecutionData=False
        )
        steps = working(reversed(history["events"]))
    try:
        document = json.loads(found.get("input", ""))
    except (ValueError, RecursionError):
        document = None
    return Execution(
        document=document,
        began=found.get("startDate"),
        ended=found.get("stopDate"),
        cause=cause_of(found.get("error", ""), found.get("cause", "")),
        steps=steps,
    )


def working(events: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The steps that were begun and have not ended, by an execution's events, the oldest first."""
    steps = dict[str, bool]()
    for event in events:
        kind = str(event.get("type", ""))
        if not kind.startswith(_WORK):
            continue
        for details, works in (("stateEnteredEventDetails", True), ("stateExitedEventDetails", False)):
            if details in event:
                steps[str(event[details]["name"])[:60]] = works
    return tuple(name for name, works in steps.items() if works)


def cause_of(error: str, cause: str) -> str:
    """Why a job failed. A function's cause is JSON with a stack trace in it, which is not for this page."""
    try:
        document = json.loads(cause)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and "errorMessage" in document:
        error, cause = str(document.get("errorType") or error), str(document["errorMessage"])
    text = f"{error}: {cause}" if error and cause else error or cause
    return text if len(text) <= _CAUSE_AT_MOST else f"{text[: _CAUSE_AT_MOST - 1]}…"

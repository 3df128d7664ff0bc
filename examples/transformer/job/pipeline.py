"""The pipeline function: what the router invokes to start a job of this version."""

import os
from typing import Any

import boto3

from canary_router.pipeline import start_transform

STATES = boto3.client("stepfunctions")


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Starts the state machine for one transform, and answers with its execution."""
    return start_transform(event, os.environ["STATE_MACHINE_ARN"], client=STATES)

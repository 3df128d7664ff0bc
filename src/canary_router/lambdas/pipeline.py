"""The pipeline function of a version whose state machine needs nothing else: it starts it for one transform."""

import os

import boto3

from canary_router.pipeline import start_transform

_states = boto3.client("stepfunctions")


def handler(event: object, _context: object) -> dict[str, str]:
    """Starts the state machine under the transform's id, and answers with its execution."""
    return start_transform(event, os.environ["STATE_MACHINE_ARN"], client=_states)

"""Answers a stage's pipeline: called when a release is decided, when the pipeline begins to wait, and by the clock."""

import os

from canary_router import wiring
from canary_router.core.tags import Stage
from canary_router.flows.approval import answer_waiting
from canary_router.settings import ENV_STAGE

_ports, _settings = wiring.lambda_environment()
_stage = Stage(os.environ[ENV_STAGE])
(_service,) = _settings.services
_approvals = wiring.aws_approvals(_service, _stage)


def handler(_event: object, _context: object) -> dict[str, str]:
    """Looks, whatever the event says. What it raises counts as the function's error; the schedule looks again."""
    return {"found": answer_waiting(_approvals, _ports, _stage, _service)}

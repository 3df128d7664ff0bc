"""CloudFormation's custom resource at the end of a stack's deployment: it writes ``latest``, or withdraws it."""

from typing import Any

import boto3

from canary_router import wiring
from canary_router.lambdas.custom_resource import carry_out, nudge, order_from, reply

_ports, _settings = wiring.lambda_environment()
_functions = boto3.client("lambda")


def handler(event: dict[str, Any], _context: object) -> None:
    """Carries out one order of CloudFormation and answers it; CloudFormation waits for an answer for an hour."""
    order = order_from(event)
    outcome = carry_out(_ports.pointers, order, _settings)
    if outcome.changed:
        nudge(_functions, _settings.environment)
    reply(order, outcome)

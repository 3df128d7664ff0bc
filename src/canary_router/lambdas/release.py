"""CloudFormation's custom resource at the end of a stack's deployment: it writes ``latest``, or withdraws it."""

import boto3

from canary_router import wiring
from canary_router.lambdas.custom_resource import serve

_ports, _settings = wiring.lambda_environment()
_functions = boto3.client("lambda")


def handler(event: object, _context: object) -> None:
    """Carries out one order and answers it; CloudFormation waits for an answer for an hour."""
    serve(event, _ports.pointers, _settings, _functions)

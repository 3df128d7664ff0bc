"""Puts the request function together, and imports nothing that a request does not need.

It speaks to AWS with ``adapters/aws/wire``: importing boto3 and making four clients takes longer than all the rest of
a cold start. Where the environment asks for what only botocore does (a proxy, FIPS or dual-stack endpoints), boto3's
clients take the place of the wire's, under the same adapters.
"""

import os
import sys
from collections.abc import Mapping
from typing import Any

from canary_router import settings
from canary_router.adapters.aws.dynamodb import DynamoLedger
from canary_router.adapters.aws.functions import LambdaInvoker
from canary_router.adapters.aws.metrics import EmbeddedMeter
from canary_router.adapters.aws.outbox import HeardOutbox, WireOutbox
from canary_router.adapters.aws.parameters import SsmPointers
from canary_router.adapters.aws.stepfunctions import StepFunctionsExecutions
from canary_router.adapters.aws.wire.calls import Wire
from canary_router.adapters.aws.wire.credentials import Source
from canary_router.adapters.aws.wire.endpoints import needs_botocore
from canary_router.adapters.aws.wire.transport import Limits
from canary_router.adapters.clock import SystemClock
from canary_router.adapters.nobody import NobodyToTell
from canary_router.flows.request import Router
from canary_router.ports import Ports

ORDINARY = Limits(connect=settings.CONNECT_SECONDS, answer=settings.ANSWER_SECONDS)
INVOKING = Limits(connect=settings.CONNECT_SECONDS, answer=settings.INVOKE_SECONDS - settings.CONNECT_SECONDS)


def request_router(env: Mapping[str, str]) -> Router:
    """The request flow of a Lambda function, with real chance.

    Raises:
        ConfigurationError: An environment variable is missing or malformed.
    """
    config = settings.Settings.from_env(env)
    return router(request_ports(env, config.environment), config)


def request_ports(env: Mapping[str, str], environment: str) -> Ports:
    """Ports over AWS for the request flow; they tell nobody, since only the controller announces.

    Args:
        env: Environment variables: region, credentials, endpoints.
        environment: Name of the router's environment.

    Raises:
        ConfigurationError: There is no region, or an endpoint is malformed.
    """
    wired = not needs_botocore(env)
    return _ports(_wire_clients(Wire(env)) if wired else _boto3_clients(), environment, wired=wired)


def wire_ports(env: Mapping[str, str], environment: str, source: Source) -> Ports:
    """The same ports over the wire, for who knows that it may be used, with credentials of their own.

    Args:
        env: As for ``request_ports``.
        environment: Name of the router's environment.
        source: Gives the credentials.

    Raises:
        ConfigurationError: As for ``request_ports``.
    """
    return _ports(_wire_clients(Wire(env, source)), environment, wired=True)


def _ports(clients: dict[str, Any], environment: str, *, wired: bool) -> Ports:
    clock = SystemClock()
    table = settings.table_name(environment)
    ledger = DynamoLedger(clients["dynamodb"], table)
    return Ports(
        pointers=SsmPointers(clients["ssm"], environment),
        ledger=ledger,
        outbox=WireOutbox(clients["dynamodb"], table) if wired else HeardOutbox(ledger),
        invoker=LambdaInvoker(clients["lambda"]),
        executions=StepFunctionsExecutions(clients["stepfunctions"]),
        notifier=NobodyToTell(),
        meter=EmbeddedMeter(environment, clock, print_line),
        clock=clock,
    )


def router(ports: Ports, config: settings.Settings) -> Router:
    """The request flow, with real chance."""
    return Router(ports, config, draw=draw, new_id=new_id)


def draw() -> float:
    """A number with 0 <= x < 1. From the system: copies of one SnapStart snapshot must not all draw the same."""
    return (int.from_bytes(os.urandom(7), "big") >> 3) * 2.0**-53


def new_id() -> str:
    """An id that does not repeat itself: 128 random bits, fit for the name of an execution."""
    return f"t-{os.urandom(16).hex()}"


def print_line(line: str) -> None:
    """Writes a line to the function's log."""
    sys.stdout.write(line + "\n")


def _wire_clients(wire: Wire) -> dict[str, Any]:
    return {
        "ssm": wire.ssm(ORDINARY),
        "dynamodb": wire.dynamodb(ORDINARY),
        "lambda": wire.functions(INVOKING),
        "stepfunctions": wire.executions(ORDINARY),
    }


def _boto3_clients() -> dict[str, Any]:
    import boto3  # noqa: PLC0415 - 160 ms that nearly nobody needs
    from botocore.config import Config  # noqa: PLC0415

    session: Any = boto3.Session()
    return {
        name: session.client(
            name,
            config=Config(
                connect_timeout=limits.connect, read_timeout=limits.answer, retries={"total_max_attempts": 1}
            ),
        )
        for name, limits in {
            "ssm": ORDINARY,
            "dynamodb": ORDINARY,
            "lambda": INVOKING,
            "stepfunctions": ORDINARY,
        }.items()
    }

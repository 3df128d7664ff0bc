"""Where the AWS adapters are held to their ports: servers on this machine, each with its own flaws."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from canary_router.adapters.aws.wire.calls import Wire
from canary_router.adapters.aws.wire.transport import Limits
from canary_router.local.record import Emulator

REGION = "us-east-1"


BOTO3, WIRE = "boto3", "wire"


@dataclass(frozen=True)
class Backend:
    """One server that speaks AWS.

    ``patience``: how many seconds its clients wait for an answer; ``transport``: whose clients they are, boto3's or
    the request function's own.
    """

    name: str
    endpoint_url: str
    access_key_id: str
    secret_access_key: str
    patience: float = 5
    transport: str = BOTO3

    @classmethod
    def ministack(cls, emulator: Emulator) -> "Backend":
        return cls("ministack", emulator.endpoint_url, emulator.access_key_id, emulator.secret_access_key)

    def over(self, transport: str) -> "Backend":
        return replace(self, transport=transport)

    def with_patience(self, seconds: float) -> "Backend":
        return replace(self, patience=seconds)

    def client(self, service: str) -> Any:
        """A client as the wiring makes it: it never repeats a call by itself."""
        return _client(self, service)


WIRED: dict[str, Callable[[Wire, Limits], Any]] = {
    "ssm": Wire.ssm,
    "dynamodb": Wire.dynamodb,
    "lambda": Wire.functions,
    "stepfunctions": Wire.executions,
}


class WiredClient:
    """The wire's client, with boto3's for what only a test asks for, such as to create a table."""

    def __init__(self, wired: Any, others: Any) -> None:
        self._wired = wired
        self._others = others

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wired, name, None) or getattr(self._others, name)


def _wired_client(backend: Backend, service: str) -> WiredClient:
    wire = Wire(
        {
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": backend.endpoint_url,
            "AWS_ACCESS_KEY_ID": backend.access_key_id,
            "AWS_SECRET_ACCESS_KEY": backend.secret_access_key,
        }
    )
    made = WIRED[service](wire, Limits(2, backend.patience))
    return WiredClient(made, _client(backend.over(BOTO3), service))


@cache
def _client(backend: Backend, service: str) -> Any:
    if backend.transport == WIRE and service in WIRED:
        return _wired_client(backend, service)
    session: Any = boto3.Session(backend.access_key_id, backend.secret_access_key, region_name=REGION)
    config = Config(
        connect_timeout=2, read_timeout=backend.patience, retries={"total_max_attempts": 1}, max_pool_connections=40
    )
    return session.client(service, endpoint_url=backend.endpoint_url, config=config)

"""Where the AWS adapters are held to their ports: servers on this machine, each with its own flaws."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from canary_router.local.record import Emulator

REGION = "us-east-1"


@dataclass(frozen=True)
class Backend:
    """One server that speaks AWS. ``patience``: how many seconds its clients wait for an answer."""

    name: str
    endpoint_url: str
    access_key_id: str
    secret_access_key: str
    patience: float = 5

    @classmethod
    def ministack(cls, emulator: Emulator) -> "Backend":
        return cls("ministack", emulator.endpoint_url, emulator.access_key_id, emulator.secret_access_key)

    def with_patience(self, seconds: float) -> "Backend":
        return replace(self, patience=seconds)

    def client(self, service: str) -> Any:
        """A client as the wiring makes it: it never repeats a call by itself."""
        return _client(self, service)


@cache
def _client(backend: Backend, service: str) -> Any:
    session: Any = boto3.Session(backend.access_key_id, backend.secret_access_key, region_name=REGION)
    config = Config(
        connect_timeout=2, read_timeout=backend.patience, retries={"total_max_attempts": 1}, max_pool_connections=40
    )
    return session.client(service, endpoint_url=backend.endpoint_url, config=config)

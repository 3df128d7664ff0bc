"""Where the AWS adapters are held to their ports: servers on this machine, each with its own flaws."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from canary_router.local.record import Emulator

REGION = "us-east-1"


@dataclass(frozen=True)
class Backend:
    """One server that speaks AWS."""

    name: str
    endpoint_url: str
    access_key_id: str
    secret_access_key: str

    @classmethod
    def ministack(cls, emulator: Emulator) -> "Backend":
        return cls("ministack", emulator.endpoint_url, emulator.access_key_id, emulator.secret_access_key)

    def client(self, service: str, *, read_timeout: float = 5) -> Any:
        """A client as the wiring makes it: short of patience, and never repeating a call by itself."""
        return _client(self, service, read_timeout)


@cache
def _client(backend: Backend, service: str, read_timeout: float) -> Any:
    session: Any = boto3.Session(backend.access_key_id, backend.secret_access_key, region_name=REGION)
    config = Config(
        connect_timeout=2, read_timeout=read_timeout, retries={"total_max_attempts": 1}, max_pool_connections=40
    )
    return session.client(service, endpoint_url=backend.endpoint_url, config=config)

"""The record of a running emulator: how every later command, in any process, finds it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from canary_router.local import loopback, processes

REGION = "us-east-1"
ACCOUNT = "000000000000"
"""ministack takes twelve digits as an access key of that account's root."""


@dataclass(frozen=True)
class Process:
    """A process as it can be told from a later one with the same number."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> "Process":
        """The process that has this number now."""
        return cls(pid, processes.started_at(pid) or "")

    @property
    def is_alive(self) -> bool:
        """Whether it is still there."""
        return processes.is_alive(self.pid, self.started)


@dataclass(frozen=True)
class Emulator:
    """What there is to know about a running emulator.

    Attributes:
        endpoint_url: Where it answers, for ``AWS_ENDPOINT_URL``.
        process: Its process, which leads a process group of its own.
        owner: The process that will end it; None when it is to stay until somebody ends it.
        state_dir: Directory with all of its files; it goes when the emulator ends.
        region: The region to use.
        account: The account to use.
        access_key_id: Access key of that account's root.
        secret_access_key: Its secret. ministack checks every signature but the root's.
        environment: Environment of the router deployed there; empty until there is one.
        router_endpoint: URL of that router; empty until there is one.
        purpose: What it was started for, for whoever finds it later.
        standins: The process beside it that stands in for services which it does not have; None until there is one.
        standins_url: Where that answers; empty until it does.
    """

    endpoint_url: str
    process: Process
    owner: Process | None
    state_dir: str
    region: str = REGION
    account: str = ACCOUNT
    access_key_id: str = ACCOUNT
    secret_access_key: str = "test"  # noqa: S105 - the emulator's fixed one, good for nothing else
    environment: str = ""
    router_endpoint: str = ""
    purpose: str = ""
    standins: Process | None = None
    standins_url: str = ""

    @property
    def pid(self) -> int:
        """Number of its process."""
        return self.process.pid

    @property
    def log(self) -> Path:
        """The file that it logs to."""
        return Path(self.state_dir) / "ministack.log"

    @property
    def is_orphan(self) -> bool:
        """Whether it was left behind by an owner that is no more."""
        return self.owner is not None and not self.owner.is_alive

    @property
    def spark_endpoint(self) -> str:
        """URL of the stand-in for EMR Serverless."""
        return f"{self.standins_url}/spark"

    @property
    def search_endpoint(self) -> str:
        """URL of the stand-in for OpenSearch."""
        return f"{self.standins_url}/search"

    def environment_over(self, env: Mapping[str, str]) -> dict[str, str]:
        """An environment in which AWS is this emulator, whatever profile or session the given one speaks of."""
        return {key: value for key, value in env.items() if not key.startswith("AWS_")} | self.client_environment()

    def client_environment(self) -> dict[str, str]:
        """The variables that make every AWS client, in any language, talk to this emulator and to nothing else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": f"{loopback.HOST},localhost",
        }


def read(home: Path) -> Emulator | None:
    """The record under this home directory; None when there is none, or one that this version cannot read."""
    try:
        data: dict[str, Any] = json.loads(_file(home).read_text(encoding="utf-8"))
        data["process"] = Process(**data["process"])
        for name in ("owner", "standins"):
            data[name] = Process(**data[name]) if data.get(name) else None
        return Emulator(**data)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(home: Path, emulator: Emulator) -> None:
    """Writes the record; a reader sees the old one or the new one, never a part."""
    home.mkdir(parents=True, exist_ok=True)
    scratch = _file(home).with_suffix(".new")
    scratch.write_text(json.dumps(asdict(emulator), indent=2) + "\n", encoding="utf-8")
    scratch.replace(_file(home))


def remove(home: Path) -> None:
    """Removes the record, if there is one."""
    _file(home).unlink(missing_ok=True)
    _file(home).with_suffix(".new").unlink(missing_ok=True)


def _file(home: Path) -> Path:
    return home / "state.json"

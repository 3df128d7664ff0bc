"""A deployed router and what a test does to it: as a front-end, as a deployment, as a person, and as fate."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import urllib3
from botocore.config import Config

from canary_router import settings, wiring
from canary_router.core.model import Release, ReleaseState
from canary_router.flows import inspect
from canary_router.local.home import tools_home
from canary_router.local.record import Emulator
from canary_router.local.toolchain import Toolchain, node_environment
from canary_router.ports import Ports

ENVIRONMENT = "e2e"
SERVICE = "batch"
JOB = {"seconds": 0, "fail": False}
SLOW = {"seconds": 12, "fail": False}
BAD = {"seconds": 0, "fail": True}
SENT_AGAIN = urllib3.Retry(
    8, status_forcelist={503, 504}, allowed_methods=None, raise_on_status=False, backoff_factor=0.2, backoff_jitter=0.5
)
"""What a front-end does that sends jobs with a key: an emulator on a busy machine may be too slow for many at once."""
_APP = Path(__file__).with_name("app.py")


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    document: dict[str, Any]
    headers: dict[str, str]


class Deployed:
    """The router of an environment on an emulator."""

    def __init__(self, emulator: Emulator, assembly: Path, environment: str = ENVIRONMENT) -> None:
        self.emulator = emulator
        self.environment = environment
        self._assembly = assembly
        self._http = urllib3.PoolManager(maxsize=64, retries=False, timeout=urllib3.Timeout(60))
        self.session = boto3.Session(emulator.access_key_id, emulator.secret_access_key, region_name=emulator.region)

    def client(self, name: str, **options: Any) -> Any:
        return self.session.client(name, endpoint_url=self.emulator.endpoint_url, **options)  # type: ignore[call-overload]

    # --- as a deployment

    def synthesise(self) -> None:
        command = [sys.executable, str(_APP)]
        env = {
            "CDK_OUTDIR": str(self._assembly),
            "CDK_CONTEXT_JSON": json.dumps({"emulator": self.emulator.endpoint_url}),
        }
        run(command, env | node_environment())

    def cdk(self, *arguments: str) -> None:
        cdk = Toolchain(tools_home()).cdk()
        env = self.emulator.client_environment() | node_environment()
        run([*cdk, "--app", str(self._assembly), *arguments], env)

    def deploy(self, *stacks: str) -> None:
        self.cdk("deploy", "--require-approval", "never", "--concurrency", "2", *stacks)

    def write(self, leaf: str, value: str) -> None:
        """Writes a parameter, with a new second for every write of latest, as deployments have."""
        name = settings.parameter_name(self.environment, SERVICE, leaf)
        self.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def arn(self, tag: str) -> str:
        name = settings.pipeline_function_name(SERVICE, tag)
        return f"arn:aws:lambda:{self.emulator.region}:{self.emulator.account}:function:{name}"

    def release(self, tag: str) -> None:
        self.write("latest", self.arn(tag))
        time.sleep(1.1)  # what the router remembers of the pointers runs out

    # --- as a front-end

    @cached_property
    def endpoint(self) -> str:
        found = self.client("servicediscovery", config=Config(inject_host_prefix=False)).discover_instances(
            NamespaceName=settings.CLOUD_MAP_NAMESPACE, ServiceName=settings.CLOUD_MAP_SERVICE
        )
        return str(found["Instances"][0]["Attributes"]["endpoint"])

    @cached_property
    def key(self) -> str:
        name = f"canary-router/{self.environment}/api-key"
        return str(self.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])

    def ask(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        *,
        retries: urllib3.Retry | None = None,
        **headers: str,
    ) -> Answer:
        sent = {"x-api-key": self.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        url = self.endpoint + path
        sent = self.signed(method, url, body, sent)
        answer = self._http.request(method, url, body=body, headers=sent, retries=retries or False)
        document = json.loads(answer.data) if answer.data else {}
        return Answer(answer.status, document, dict(answer.headers))

    def signed(self, method: str, url: str, body: str | bytes | None, headers: dict[str, str]) -> dict[str, str]:
        """The headers as they are sent; nobody signs calls of the router's API."""
        return headers

    def submit(self, job: object = JOB, service: str = SERVICE, **headers: str) -> Answer:
        return self.ask("POST", f"/services/{service}/transforms", json.dumps(job), retries=None, **headers)

    def submit_many(self, count: int, job: object = JOB, *, at_once: int = 25) -> list[Answer]:
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(lambda _: self.submit(job), range(count)))

    def submit_persistently(self, count: int, job: object) -> list[Answer]:
        """All at once, and each again with its key until it is known to run."""

        def submit_one(key: str) -> Answer:
            path = f"/services/{SERVICE}/transforms"
            return self.ask("POST", path, json.dumps(job), retries=SENT_AGAIN, Idempotency_Key=key)

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(submit_one, [f"{time.time_ns()}-{number}" for number in range(count)]))

    def submit_until_full(self, job: object, places: int = 2) -> list[Answer]:
        """Sends jobs until as many as the budget has went to latest; returns those."""
        taken: list[Answer] = []
        for _ in range(200):
            answer = self.submit(job)
            assert answer.status == 202, answer
            if answer.document["route"] == "latest":
                taken.append(answer)
            if len(taken) == places:
                return taken
        raise AssertionError("latest did not get its jobs")

    # --- as an operator

    @cached_property
    def ports(self) -> Ports:
        session = boto3.Session(
            self.emulator.access_key_id, self.emulator.secret_access_key, region_name=self.emulator.region
        )
        return self.ports_over(session)

    def ports_over(self, session: boto3.Session) -> Ports:
        """Ports whose clients find the emulator as every AWS client does. Other tests must not see the variable."""
        os.environ["AWS_ENDPOINT_URL"] = self.emulator.endpoint_url
        try:
            return wiring.aws_ports(session, self.environment)
        finally:
            del os.environ["AWS_ENDPOINT_URL"]

    @property
    def newest(self) -> Release:
        return inspect.releases(self.ports.ledger, SERVICE)[0]

    def pointer(self, leaf: str) -> str:
        reading = getattr(self.ports.pointers.read(SERVICE), leaf)
        return "none" if reading is None else str(reading.value)

    def reconcile(self) -> None:
        """The schedule's minute, now."""
        name = settings.function_name(self.environment, "outcome")
        answer = self.client("lambda").invoke(FunctionName=name, Payload=b'{"source": "canary-router"}')
        assert "FunctionError" not in answer, answer["Payload"].read()

    def decided(self, tag: str, state: ReleaseState) -> Release:
        """Waits for the newest release, of this version, to come to this end."""

        def is_decided() -> bool:
            return (self.newest.target.tag, self.newest.state) == (tag, state)

        wait_until(is_decided, lambda: f"{self.newest}")
        return self.newest


def wait_until(condition: Callable[[], bool], found: Callable[[], str] = str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"It did not happen within {seconds} seconds. Instead: {found()}")
        time.sleep(0.2)


def run(command: list[str], env: dict[str, str], folder: Path | None = None) -> None:
    env = os.environ | env
    done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"

"""The deployed router and its versions, as an onlooker sees them: never through the proxy."""

import json
import os
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from tests.chaos.versions import ENVIRONMENT, GOOD

from canary_router import settings
from canary_router.adapters.aws.dynamodb import DynamoLedger
from canary_router.adapters.aws.parameters import SsmPointers
from canary_router.core import changes, records
from canary_router.core.model import ServiceState
from canary_router.flows import operate
from canary_router.local.home import tools_home
from canary_router.local.record import Emulator
from canary_router.local.toolchain import Toolchain, node_environment

BY_HAND = "by hand, before there was a router"
_APP = Path(__file__).with_name("app.py")
_ROOT = Path(__file__).parents[2]


class Stage:
    """Where the chaos happens."""

    def __init__(self, emulator: Emulator, endpoints: dict[str, str], services: list[str], deadline: int) -> None:
        """Takes the endpoints by which the functions are to reach AWS, by their kind."""
        self.emulator = emulator
        self.services = services
        self._context = {
            "services": services,
            "emulator": emulator.endpoint_url,
            "endpoints": endpoints,
            "deadline": deadline,
        }
        self._session = boto3.Session(emulator.access_key_id, emulator.secret_access_key, region_name=emulator.region)
        self.ssm, self.states = self._client("ssm"), self._client("stepfunctions")

    def _client(self, name: str) -> Any:
        # Patient, and never twice by itself: the onlooker causes no trouble, and meets none.
        config = Config(
            inject_host_prefix=False, max_pool_connections=32, read_timeout=60, retries={"total_max_attempts": 1}
        )
        return self._session.client(name, endpoint_url=self.emulator.endpoint_url, config=config)  # type: ignore[call-overload]

    def deploy(self, assembly: Path) -> None:
        env = os.environ | node_environment() | self.emulator.client_environment()
        cdk = [*Toolchain(tools_home()).cdk(), "--app", str(assembly)]
        for command, more in (
            ([sys.executable, str(_APP)], {"CDK_OUTDIR": str(assembly), "CDK_CONTEXT_JSON": json.dumps(self._context)}),
            ([*cdk, "bootstrap", f"aws://{self.emulator.account}/{self.emulator.region}"], {}),
            ([*cdk, "deploy", "--require-approval", "never", "--all"], {}),
        ):
            path = {"PYTHONPATH": str(_ROOT)}
            done = subprocess.run(command, env=env | more | path, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{command}\n{done.stdout}\n{done.stderr}")
        for service in self.services:
            self._put(service, "current", self.pipeline(service, GOOD[0]), BY_HAND)

    def pipeline(self, service: str, tag: str) -> str:
        name = settings.pipeline_function_name(service, tag)
        return f"arn:aws:lambda:{self.emulator.region}:{self.emulator.account}:function:{name}"

    def machine(self, service: str, tag: str) -> str:
        name = settings.stack_name(service, tag)
        return f"arn:aws:states:{self.emulator.region}:{self.emulator.account}:stateMachine:{name}"

    def _put(self, service: str, leaf: str, value: str, note: str) -> int:
        name = settings.parameter_name(ENVIRONMENT, service, leaf)
        described = {"Description": note} if note else {}
        put = self.ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True, **described)
        return int(put["Version"])

    def write_latest(self, service: str, tag: str, order: str) -> int:
        """Writes ``latest`` as a deployment does; without an order as a person does who types it: with no description.

        A parameter that is written without a description keeps the one that it has, which here is a note of another's.
        """
        arn = self.pipeline(service, tag)
        if order:
            return operate.release(self.pointers, service, arn, order).version
        return self._put(service, "latest", arn, "")

    def is_asleep(self, service: str) -> bool:
        latest = self.pointers.read(service).latest
        return (latest is None or latest.is_blank) and self.state(service).open_release is None

    def state(self, service: str) -> ServiceState:
        return records.state_of(service, self.ledger.get(records.state_key(service)))

    def bury(self, service: str) -> None:
        """Ends the lease of a writer that is known to be dead, as 90 seconds would, and lets another one take over.

        That is harder on the controller than the world is, never softer: it has less time to find out what happened.
        """
        owner = self.state(service).lease_owner
        self.ledger.commit(changes.return_lease(service, owner))
        self.reconcile()

    def reconcile(self) -> None:
        """The schedule, quicker: an emulated minute is a minute. What it meets is part of the chaos.

        When the function's process dies, the emulator starts another and delivers the event again, twice at most, as
        Lambda does. Events of EventBridge it delivers once; AWS would deliver those again too.
        """
        functions = self._client("lambda")
        functions.invoke(
            FunctionName=settings.function_name(ENVIRONMENT, "outcome"),
            InvocationType="Event",
            Payload=b'{"source": "canary-router"}',
        )

    @cached_property
    def pointers(self) -> SsmPointers:
        """The parameters, as they are."""
        return SsmPointers(self.ssm, ENVIRONMENT)

    @cached_property
    def ledger(self) -> DynamoLedger:
        """The record, as it is."""
        return DynamoLedger(self._client("dynamodb"), settings.table_name(ENVIRONMENT))

    @cached_property
    def endpoint(self) -> str:
        found = self._client("servicediscovery").discover_instances(
            NamespaceName=settings.CLOUD_MAP_NAMESPACE, ServiceName=settings.CLOUD_MAP_SERVICE
        )
        return str(found["Instances"][0]["Attributes"]["endpoint"])

    @cached_property
    def key(self) -> str:
        secret = self._client("secretsmanager").get_secret_value(SecretId=f"canary-router/{ENVIRONMENT}/api-key")
        return str(secret["SecretString"])

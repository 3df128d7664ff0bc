"""Three accounts with all that is delivered from and to: the emulator, what the CDK has deployed, and who plays AWS.

CodePipeline, the webhooks, the start of builds, and whatever crosses from one account to another but S3's objects are
played; the modules beside this one say how. All else is the emulator, with every permission checked.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.delivery import played
from tests.delivery.accounts import Account
from tests.delivery.builds import CodeBuild, Webhook, projects_told
from tests.delivery.buses import Outbound, lets_in, matching_targets, transformed
from tests.delivery.codebuild import Build
from tests.delivery.codepipeline import Execution, Pipeline
from tests.delivery.codepipeline_api import CodePipelineApi
from tests.delivery.image import Image
from tests.delivery.keys import SharedKeys
from tests.delivery.places import ACCOUNTS, DELIVERY, DEV, FIRST, SERVICE, pipeline_stack, role, router_stack
from tests.delivery.repository import Repository
from tests.delivery.routers import StageRouter
from tests.delivery.served import serving
from tests.e2e.deployed import run

from canary_router import settings
from canary_router.local import emulator as local_emulator
from canary_router.local.record import Emulator
from canary_router.local.toolchain import node_environment

ROOT = Path(__file__).parents[2]
OUTPUTS = ("BucketName", "DataKeyArn", "StagingSigningKeyArn", "ProductionSigningKeyArn")


@dataclass
class Stage:
    """A stage's account."""

    name: str
    account: Account
    router: StageRouter
    pipeline: Pipeline
    bus_policy: Mapping[str, Any]


@dataclass
class World:
    """All of it."""

    dev: Account
    stages: Mapping[str, Stage]
    builds: CodeBuild
    repository: Repository
    outbound: Outbound
    template: Mapping[str, Any]
    outputs: Mapping[str, str]

    def webhook(self, told: Webhook) -> list[Build]:
        """GitHub tells CodeBuild of an event: the builds that it starts."""
        names = projects_told(self.template, told)
        return [self.builds.run(name, self.repository.checkout(told), told.variables()) for name in names]

    def deliver(self, count: int) -> list[Execution]:
        """Brings so many events of the bucket to the stages' buses; the executions that they start are played."""
        started = []
        for forwarded in self.outbound.sent(count):
            (stage,) = [it for it in self.stages.values() if it.account.number == forwarded.bus.split(":")[4]]
            assert lets_in(stage.bus_policy, forwarded), forwarded
            for rule, target in matching_targets(stage.account, forwarded.event):
                assert target["Arn"] == stage.pipeline.arn, target
                stage.account.taken_on(target["RoleArn"], "events", rule)
                assert stage.account.may(target["RoleArn"], "codepipeline:StartPipelineExecution", target["Arn"])
                started.append(stage.pipeline.start(transformed(target, forwarded.event)))
                stage.pipeline.play()
        return started

    def artifacts(self) -> list[str]:
        """Keys in the bucket."""
        found = self.dev.client("s3").list_objects_v2(Bucket=self.outputs["BucketName"])
        return [it["Key"] for it in found.get("Contents", ())]

    def put(self, key: str, body: bytes) -> None:
        """Writes into the bucket as no role may: as the account's administrator, whom the emulator asks nothing."""
        self.dev.client("s3").put_object(Bucket=self.outputs["BucketName"], Key=key, Body=body)

    def first_written(self, key: str) -> bytes:
        """The first version of an object: what the build has put there."""
        s3, bucket = self.dev.client("s3"), self.outputs["BucketName"]
        versions = [it for it in s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"] if it["Key"] == key]
        oldest = min(versions, key=lambda it: it["LastModified"])
        return bytes(s3.get_object(Bucket=bucket, Key=key, VersionId=oldest["VersionId"])["Body"].read())


@contextmanager
def furnished(folder: Path) -> Iterator[World]:
    """Starts the emulator, deploys, and ends it all with the block."""
    emulator = local_emulator.start(folder / "home")
    try:
        with ExitStack() as stack:
            yield _furnish(stack, emulator, folder)
    finally:
        local_emulator.stop(folder / "home")


def _furnish(stack: ExitStack, emulator: Emulator, folder: Path) -> World:
    dev = Account(emulator, DEV)
    accounts = {stage: Account(emulator, number) for stage, number in ACCOUNTS.items()}
    keys, api = SharedKeys(dev), CodePipelineApi()
    keys_at, pipelines_at = stack.enter_context(serving(keys.answer)), stack.enter_context(serving(api.answer))
    outputs = _deploy(dev, accounts, folder, pipelines_at)
    dev.concede_bucket(outputs["BucketName"])
    for key in OUTPUTS[1:]:
        dev.concede_key(outputs[key])
    image = Image(folder / "image")
    stages = {}
    for stage, account in accounts.items():
        (folder / stage).mkdir()
        builds = CodeBuild(account, image, keys, folder / stage, {"AWS_ENDPOINT_URL_KMS": keys_at})
        stages[stage] = _stage(stage, account, builds)
        verdict = account.client("lambda").get_function_configuration(FunctionName=f"{SERVICE}-{stage}-verdict")
        api.know(stages[stage].pipeline, verdict["Role"])
        for reads_parameters in (verdict["Role"], role(stage, "deploy")):
            account.concede_parameters(reads_parameters)
    (folder / "dev").mkdir()
    return World(
        dev=dev,
        stages=stages,
        builds=CodeBuild(dev, image, keys, folder / "dev", {}),
        repository=Repository.founded(folder / "team"),
        outbound=Outbound(dev),
        template=json.loads((folder / "first" / f"{DELIVERY}.template.json").read_text()),
        outputs=outputs,
    )


def _deploy(dev: Account, accounts: Mapping[str, Account], folder: Path, pipelines_at: str) -> dict[str, str]:
    """Deploys all there is before the first tag, side by side where nothing depends on it; Delivery's outputs."""
    first, pipelines = folder / "first", folder / "pipelines"
    with ThreadPoolExecutor(3) as pool:
        synthesis = pool.submit(_synthesise, first, "first", ENDPOINT=dev.emulator.endpoint_url)
        list(pool.map(Account.bootstrap, (dev, *accounts.values())))
        synthesis.result()
        dev.deploy(first, DELIVERY)
        outputs = _delivery_outputs(dev)
        synthesis = pool.submit(_synthesise, pipelines, "pipelines", OUTPUTS=json.dumps(outputs))

        def deploy_router(stage: str) -> None:
            accounts[stage].deploy(first, router_stack(stage), settings.stack_name(SERVICE, FIRST[stage]))

        def deploy_pipeline(stage: str) -> None:
            played.prepare(pipelines, pipeline_stack(stage), pipelines_at)
            accounts[stage].deploy(pipelines, pipeline_stack(stage))

        list(pool.map(deploy_router, accounts))
        synthesis.result()
        list(pool.map(deploy_pipeline, accounts))
    return outputs


def _stage(name: str, account: Account, builds: CodeBuild) -> Stage:
    told = played.played_in(account.outputs(pipeline_stack(name)))
    pipeline, bus_policy = (told[kind] for kind in played.PLAYED)
    account.concede_bucket(pipeline["ArtifactStore"]["Location"])
    return Stage(name, account, StageRouter(account, name), Pipeline(account, pipeline, builds), bus_policy)


def _delivery_outputs(dev: Account) -> dict[str, str]:
    """By the names that the construct gives them, without what the CDK adds to be unique."""
    found = dev.outputs(DELIVERY)
    return {name: next(value for key, value in found.items() if name in key) for name in OUTPUTS}


def _synthesise(outdir: Path, what: str, **variables: str) -> None:
    env = {"CDK_OUTDIR": str(outdir), **variables, **node_environment(os.environ)}
    run([sys.executable, "-m", "tests.delivery.app", what], env, ROOT)

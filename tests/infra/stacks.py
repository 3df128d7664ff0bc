"""The stacks that these tests look at, all in one app, since a synthesis takes seconds."""

from dataclasses import replace
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn

from canary_router.cdk import (
    BundledFunction,
    CanaryRouter,
    Delivery,
    DeliveryOptions,
    ExtraTarget,
    FunctionOptions,
    GitHubDelivery,
    GitHubOptions,
    ImmutableStack,
    NotificationOptions,
    Policy,
    Prune,
    Release,
    RouterOptions,
    StageOptions,
    StagePipeline,
    shared_cloud_map_service,
)
from canary_router.cdk.options import MAX_SERVICES

DEFAULT = "router-staging"
CHOSEN = "router-local"
LARGEST = "router-largest"
VERSION = "transformer-v1-3-0-rc-1"
DELIVERY = "delivery"
READERS = {
    "staging": "arn:aws:iam::222222222222:role/staging-pipeline",
    "production": "arn:aws:iam::333333333333:role/production-pipeline",
}
VERIFIERS = {stage: role.replace("-pipeline", "-deploy") for stage, role in READERS.items()}
DELIVERY_OPTIONS = DeliveryOptions(
    repository="example/transformer",
    pull_request_buildspec="version: 0.2\nphases:\n  build:\n    commands:\n      - make check test\n",
    tag_buildspec="version: 0.2\nphases:\n  build:\n    commands:\n      - ./release.sh\n",
    readers=READERS,
    verifiers=VERIFIERS,
    actors=["583231", "9919"],
)
GITHUB = "github-delivery"
GITHUB_OPTIONS = GitHubOptions(
    repository="example/transformer",
    repository_id="1296269",
    owner_id="583231",
    readers=READERS,
    verifiers=VERIFIERS,
)
DATA_KEY = "arn:aws:kms:eu-west-1:111111111111:key/0d5f7a2c-data"
SIGNING_KEYS = {stage: f"arn:aws:kms:eu-west-1:111111111111:key/7e1b9c3d-{stage}" for stage in READERS}
STAGES = {stage: f"{stage}-pipeline" for stage in READERS}
STAGING_OPTIONS = StageOptions(
    stage="staging",
    bucket="artifacts-of-transformer",
    data_key=DATA_KEY,
    signing_key=SIGNING_KEYS["staging"],
    reader=READERS["staging"],
    verifier=VERIFIERS["staging"],
)
STAGE_OPTIONS = {
    "staging": STAGING_OPTIONS,
    # With every option set.
    "production": replace(
        STAGING_OPTIONS,
        stage="production",
        signing_key=SIGNING_KEYS["production"],
        reader=READERS["production"],
        verifier=VERIFIERS["production"],
        environment="live",
        buildspec="version: 0.2\nphases:\n  build:\n    commands:\n      - ./deploy.sh\n",
        approval=True,
        wait_days=3,
        bootstrap_qualifier="ours",
        bootstrap_roles=("deploy", "file-publishing", "image-publishing", "lookup"),
    ),
}
DELETER = "arn:aws:iam::111111111111:role/deletes-versions"
LONG_NAME = "x" * 38
LARGEST_SERVICES = tuple(f"{LONG_NAME}{letter}a" for letter in "abcdefghijklmnopqrstuvwxyz"[:MAX_SERVICES])


class Transformer(ImmutableStack):
    """A version with as little in it as a version can have."""

    def __init__(self, scope: cdk.App, tag: str, **names: str) -> None:
        super().__init__(scope, service="transformer", tag=tag, environment="staging", commit=names.get("commit", ""))
        pipeline = BundledFunction(
            self,
            "Pipeline",
            FunctionOptions(
                function_name=names.get("pipeline", self.pipeline_function_name),
                handler="one_line_pipeline.handler",
                sources=[Path(__file__).parent],
            ),
        )
        machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=names.get("machine", self.state_machine_name),
            definition_body=sfn.DefinitionBody.from_chainable(sfn.Succeed(self, "Done")),
        )
        for rule in ("SF1", "SF2"):
            reason = "Logs and traces of a state machine are its owner's choice."
            cdk.Validations.of(machine).acknowledge(cdk.Acknowledgment(id=f"AwsSolutions-{rule}", reason=reason))
        pipeline.allow("states:StartExecution", on=[machine.state_machine_arn])
        Release(self, "Release", pipeline=pipeline.function, state_machine=machine)
        # Comes after the release in the source; the deployment must turn that round.
        sns.Topic(self, "LateComer", enforce_ssl=True)


def build(outdir: Path) -> cdk.App:
    app = cdk.App(outdir=str(outdir))
    default = cdk.Stack(app, DEFAULT)
    CanaryRouter(default, "Router", environment="staging", services=["transformer", "indexer"])

    chosen = cdk.Stack(app, CHOSEN)
    options = RouterOptions(
        policies={"transformer": Policy(requests=3, share=1.0)},
        extra_targets=[ExtraTarget(pipeline_function="legacy-start", state_machine="legacy-job")],
        pointer_ttl=0,
        grace=1.5,
        removal_policy=cdk.RemovalPolicy.DESTROY,
        sets_api_log_role=False,
        cloud_map_service_id=shared_cloud_map_service(chosen),
        endpoint=lambda api_id: f"https://jobs.example.com/{api_id}",
        alarm_topic=sns.Topic(chosen, "Topic", enforce_ssl=True),
        notifications=NotificationOptions(
            topic=sns.Topic(chosen, "Releases", enforce_ssl=True),
            webhook=secretsmanager.Secret.from_secret_name_v2(chosen, "Chat", "chat/releases"),
        ),
        dashboard=False,
        prune=Prune(keep=3, drain=86_400, schedule=events.Schedule.cron(hour="3", minute="0"), deletion_role=DELETER),
    )
    CanaryRouter(chosen, "Router", environment="local", services=["transformer"], options=options)

    # Account and region are known here, as they are in most applications.
    largest = cdk.Stack(app, LARGEST, env=cdk.Environment(account="123456789012", region="ap-northeast-1"))
    everything = RouterOptions(prune=Prune())
    CanaryRouter(largest, "Router", environment="e" * 40, services=LARGEST_SERVICES, options=everything)

    Transformer(app, "v1.3.0-rc.1")
    Delivery(cdk.Stack(app, DELIVERY), "Delivery", service="transformer", options=DELIVERY_OPTIONS)
    GitHubDelivery(cdk.Stack(app, GITHUB), "Delivery", service="transformer", options=GITHUB_OPTIONS)
    stages = cdk.Stack(app, STAGES["staging"])
    StagePipeline(stages, "Stage", service="transformer", options=STAGE_OPTIONS["staging"])
    # Account and region are known at synthesis.
    place = cdk.Environment(account="333333333333", region="eu-west-1")
    stages = cdk.Stack(app, STAGES["production"], env=place)
    options_of_production = replace(
        STAGE_OPTIONS["production"], alarm_topic=sns.Topic(stages, "Topic", enforce_ssl=True)
    )
    StagePipeline(stages, "Stage", service="transformer", options=options_of_production)
    return app

"""The CDK apps of the story: what each account has before the first tag.

The first makes what builds, the routers, and the versions that were deployed by hand once. The second makes the stages'
pipelines, which are told the outputs of what builds, as a person would tell them.
"""

import json
import os
import sys
from collections.abc import Mapping

import aws_cdk as cdk
from tests.delivery.places import (
    ACCOUNTS,
    ACTOR,
    DELIVERY,
    DEV,
    FIRST,
    REGION,
    SERVICE,
    pipeline_stack,
    role,
    router_stack,
)
from tests.delivery.service.app import BatchStack

from canary_router.cdk import CanaryRouter, Delivery, DeliveryOptions, RouterOptions, StageOptions, StagePipeline
from canary_router.local.concessions import concede


def _place(account: str) -> cdk.Environment:
    return cdk.Environment(account=account, region=REGION)


def build_first(app: cdk.App, endpoint: str) -> None:
    options = DeliveryOptions(
        repository=f"example/{SERVICE}",
        readers={stage: role(stage, "reader") for stage in ACCOUNTS},
        verifiers={stage: role(stage, "deploy") for stage in ACCOUNTS},
        actors=[ACTOR],
    )
    Delivery(cdk.Stack(app, DELIVERY, env=_place(DEV)), "Delivery", service=SERVICE, options=options)
    router = RouterOptions(
        pointer_ttl=1,
        grace=5,
        requests_per_second=1000,
        burst=1000,
        removal_policy=cdk.RemovalPolicy.DESTROY,
        endpoint=lambda api_id: f"{endpoint}/restapis/{api_id}/v1/_user_request_",
    )
    for stage, account in ACCOUNTS.items():
        stack = cdk.Stack(app, router_stack(stage), env=_place(account))
        concede(CanaryRouter(stack, "Router", environment=stage, services=[SERVICE], options=router))
        BatchStack(app, FIRST[stage], stage, _place(account)).add_stack_dependency(stack)


def build_pipelines(app: cdk.App, outputs: Mapping[str, str]) -> None:
    for stage, account in ACCOUNTS.items():
        options = StageOptions(
            stage=stage,
            bucket=outputs["BucketName"],
            data_key=outputs["DataKeyArn"],
            signing_key=outputs[f"{stage.capitalize()}SigningKeyArn"],
            reader=role(stage, "reader"),
            verifier=role(stage, "deploy"),
            approval=stage == "production",
        )
        stack = cdk.Stack(app, pipeline_stack(stage), env=_place(account))
        StagePipeline(stack, "Stage", service=SERVICE, options=options)


if __name__ == "__main__":
    made = cdk.App()
    if sys.argv[1] == "first":
        build_first(made, os.environ["ENDPOINT"])
    else:
        build_pipelines(made, json.loads(os.environ["OUTPUTS"]))
    made.synth()

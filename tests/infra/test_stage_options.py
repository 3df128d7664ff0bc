"""What a stage's pipeline is told is refused at synthesis where it cannot work, or would let in more than was meant."""

from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest
from tests.infra import stacks

from canary_router.cdk import StagePipeline
from canary_router.errors import ConfigurationError

OTHER_KEY = stacks.SIGNING_KEYS["staging"].replace("111111111111", "444444444444")


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"stage": "development"}, "is not a stage"),
        ({"environment": "Live"}, "not the name of an environment"),
        ({"bucket": "arn:aws:s3:::artifacts"}, "not the name of a bucket"),
        ({"bucket": "artifacts/*"}, "not the name of a bucket"),
        ({"data_key": "alias/data"}, "not the ARN of a key"),
        ({"signing_key": "*"}, "not the ARN of a key"),
        ({"signing_key": stacks.DATA_KEY}, "cannot encrypt and sign"),
        ({"signing_key": OTHER_KEY}, "in different places"),
        ({"signing_key": stacks.SIGNING_KEYS["staging"].replace("eu-west-1", "us-east-1")}, "in different places"),
        ({"reader": "staging-pipeline"}, "not the ARN of a role"),
        ({"reader": "arn:aws:iam::222222222222:role/*"}, "not the ARN of a role"),
        ({"verifier": "arn:aws:iam::222222222222:root"}, "not the ARN of a role"),
        ({"verifier": stacks.READERS["staging"]}, "one of the two roles"),
        ({"verifier": stacks.VERIFIERS["production"]}, "in different accounts"),
        (
            {"reader": "arn:aws:iam::111111111111:role/a", "verifier": "arn:aws:iam::111111111111:role/b"},
            "in the account that builds",
        ),
        ({"buildspec": "deploy.yml"}, "has no version"),
        ({"wait_days": 0}, "cannot wait"),
        ({"wait_days": 61}, "cannot wait"),
        ({"bootstrap_qualifier": "*"}, "no qualifier"),
        ({"bootstrap_roles": ()}, "not roles of cdk bootstrap"),
        ({"bootstrap_roles": ("cfn-exec",)}, "not roles of cdk bootstrap"),
    ],
    ids=str,
)
def test_options_that_cannot_work_or_let_in_too_much_are_refused(part: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(stacks.STAGING_OPTIONS, **part)


@pytest.mark.parametrize(("account", "region"), [("333333333333", "eu-west-1"), ("222222222222", "eu-central-1")])
def test_a_stack_in_another_place_than_its_options_say_is_refused(account: str, region: str) -> None:
    stack = cdk.Stack(cdk.App(), "x", env=cdk.Environment(account=account, region=region))
    with pytest.raises(ConfigurationError, match="and its options are for"):
        StagePipeline(stack, "Stage", service="transformer", options=stacks.STAGING_OPTIONS)


@pytest.mark.parametrize("service", ["Transformer", "etl-v1-0-0"])
def test_a_service_whose_name_cannot_be_one_is_refused(service: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the name of a service"):
        StagePipeline(cdk.Stack(cdk.App(), "x"), "Stage", service=service, options=stacks.STAGING_OPTIONS)

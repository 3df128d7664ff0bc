"""Names of the story: accounts, stacks and roles."""

SERVICE = "batch"
DEV, STAGING, PRODUCTION = "111111111111", "222222222222", "333333333333"
ACCOUNTS = {"staging": STAGING, "production": PRODUCTION}
FIRST = {"staging": "v1.0.0-rc.1", "production": "v1.0.0"}
"""The versions that were deployed by hand, before there was a pipeline."""
ACTOR = "583231"
"""The account id of the one person on GitHub whose pull requests are built."""
REGION = "us-east-1"
DELIVERY = f"{SERVICE}-delivery"


def router_stack(stage: str) -> str:
    return f"canary-router-{stage}"


def pipeline_stack(stage: str) -> str:
    return f"{SERVICE}-{stage}"


def role(stage: str, name: str) -> str:
    return f"arn:aws:iam::{ACCOUNTS[stage]}:role/{SERVICE}-{name}"

"""The development account of a service that is built by GitHub Actions: ``cdk deploy --app 'python app.py'``."""

import aws_cdk as cdk

from canary_router.cdk import GitHubDelivery, GitHubOptions

OPTIONS = GitHubOptions(
    repository="example/transformer",
    repository_id="1296269",
    owner_id="583231",
    readers={
        "staging": "arn:aws:iam::222222222222:role/transformer-reader",
        "production": "arn:aws:iam::333333333333:role/transformer-reader",
    },
    verifiers={
        "staging": "arn:aws:iam::222222222222:role/transformer-deploy",
        "production": "arn:aws:iam::333333333333:role/transformer-deploy",
    },
)


def build(app: cdk.App) -> cdk.Stack:
    """One stack with all of it."""
    stack = cdk.Stack(app, "transformer-delivery")
    GitHubDelivery(stack, "Delivery", service="transformer", options=OPTIONS)
    return stack


if __name__ == "__main__":
    app = cdk.App()
    build(app)
    app.synth()

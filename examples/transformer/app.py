"""The sample's CDK app, all five stacks of it: `cdk deploy -c environment=staging -c tag=v1.1.0 transformer-v1-1-0`.

Context, all of it optional:

- ``environment``: by default ``local``, which is an emulator on this machine;
- ``tag``: the version, by default ``v1.0.0``;
- ``service``: by default ``transformer``; of two environments in one account and region, each needs its own;
- ``first_router``: ``no`` where the account and region have a router of another environment already;
- ``spark_endpoint``, ``search_endpoint``: URLs of what stands in for EMR Serverless and OpenSearch, or of your own.
"""

from dataclasses import dataclass

import aws_cdk as cdk

from frontend.stack import FrontendStack
from transformer.router import RouterStack
from transformer.search import SearchStack
from transformer.shared import SharedStack
from transformer.stack import SERVICE, TransformerStack

LOCAL = "local"


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the context says; see above."""

    environment: str = LOCAL
    tag: str = "v1.0.0"
    service: str = SERVICE
    first_router: bool = True
    spark_endpoint: str | None = None
    search_endpoint: str | None = None

    @classmethod
    def of(cls, app: cdk.App) -> "Choices":
        """Reads the context."""
        context = {name: app.node.try_get_context(name) for name in cls.__dataclass_fields__}
        given = {name: value for name, value in context.items() if value}
        return cls(**given | {"first_router": context["first_router"] != "no"})


def build(app: cdk.App, choices: Choices) -> None:
    """Adds the stacks of one environment to the app. None refers to another; each is deployed on its own."""
    environment = choices.environment
    # What the emulator cannot do: serve TLS, and let CDK's publishing role at its own bucket.
    local = environment == LOCAL
    synthesizer = cdk.CliCredentialsStackSynthesizer if local else cdk.DefaultStackSynthesizer
    SharedStack(
        app,
        environment=environment,
        spark_endpoint=choices.spark_endpoint,
        tls_only=not local,
        synthesizer=synthesizer(),
    )
    SearchStack(app, environment=environment, endpoint=choices.search_endpoint, synthesizer=synthesizer())
    RouterStack(
        app,
        environment=environment,
        service=choices.service,
        first=choices.first_router,
        synthesizer=synthesizer(),
    )
    FrontendStack(app, environment=environment, service=choices.service, synthesizer=synthesizer())
    TransformerStack(app, tag=choices.tag, environment=environment, service=choices.service, synthesizer=synthesizer())


if __name__ == "__main__":
    app = cdk.App()
    build(app, Choices.of(app))
    app.synth()

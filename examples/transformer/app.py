"""The sample's CDK app: `cdk deploy -c tag=v1.1.0 transformer-v1-1-0`.

Context: ``tag`` (default ``v1.0.0``), ``environment`` (default ``local``, which is an emulator on this machine) and
``service`` (default ``transformer``; of two environments in one account and region, each needs its own).
"""

import aws_cdk as cdk

from transformer.shared import SharedStack
from transformer.stack import SERVICE, TransformerStack

LOCAL = "local"


def build(app: cdk.App, *, tag: str, environment: str, service: str = SERVICE) -> None:
    """Adds the shared stack and one version's stack to the app."""
    # What the emulator cannot do: serve TLS, and let CDK's publishing role at its own bucket.
    local = environment == LOCAL
    synthesizer = cdk.CliCredentialsStackSynthesizer if local else cdk.DefaultStackSynthesizer
    SharedStack(app, environment=environment, tls_only=not local, synthesizer=synthesizer())
    TransformerStack(app, tag=tag, environment=environment, service=service, synthesizer=synthesizer())


if __name__ == "__main__":
    app = cdk.App()
    tag = app.node.try_get_context("tag") or "v1.0.0"
    environment = app.node.try_get_context("environment") or LOCAL
    service = app.node.try_get_context("service") or SERVICE
    build(app, tag=tag, environment=environment, service=service)
    app.synth()

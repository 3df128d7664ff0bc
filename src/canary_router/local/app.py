"""The CDK app of the local router: a program of its own, since the CDK takes seconds and megabytes to import.

    python -m canary_router.local.app ASSEMBLY --endpoint-url URL [--service NAME]... [--tag TAG]...
                                               [--router --spark-endpoint URL --search-endpoint URL]

It writes one assembly with everything that was asked for, so that a deployment of any part of it later on needs no
second synthesis. With ``--router`` that is the router, too, and what all versions of the sample stand on: the shared
data, and the addresses of what stands in for EMR Serverless and OpenSearch, of which the emulator has neither.
"""

import argparse
import sys
from collections.abc import Sequence

import aws_cdk as cdk

from canary_router.cdk import CanaryRouter, RouterOptions
from canary_router.errors import CanaryRouterError
from canary_router.local.concessions import concede
from canary_router.local.sample import SERVICE, router_stack_name, samples_folder

STAGE_PATH = "v1/_user_request_"
"""Where the emulator serves the stage of an API."""


def build(app: cdk.App, options: argparse.Namespace) -> None:
    """Adds the stacks that were asked for. A version needs all of the others."""
    # The emulator denies the CDK's publishing role its own bucket; there, the caller's credentials do the work.
    synthesizer = cdk.CliCredentialsStackSynthesizer
    needed: list[cdk.Stack] = []
    if options.router:
        stack = cdk.Stack(app, router_stack_name(options.environment), synthesizer=synthesizer())
        router = CanaryRouter(
            stack,
            "Router",
            environment=options.environment,
            services=[SERVICE, *options.service],
            options=RouterOptions(
                pointer_ttl=options.pointer_ttl,
                removal_policy=cdk.RemovalPolicy.DESTROY,
                endpoint=lambda api_id: f"{options.endpoint_url}/restapis/{api_id}/{STAGE_PATH}",
            ),
        )
        concede(router)
        needed.append(stack)
    # The sample is no part of the package: it is imported as its users would write it.
    sys.path.insert(0, str(samples_folder()))
    from transformer.search import SearchStack  # noqa: PLC0415
    from transformer.shared import SharedStack  # noqa: PLC0415
    from transformer.stack import TransformerStack  # noqa: PLC0415

    environment = options.environment
    if options.router:
        shared = SharedStack(
            app,
            environment=environment,
            spark_endpoint=options.spark_endpoint,
            tls_only=False,
            synthesizer=synthesizer(),
        )
        search = SearchStack(app, environment=environment, endpoint=options.search_endpoint, synthesizer=synthesizer())
        search.add_stack_dependency(shared)
        needed += [shared, search]
    for tag in options.tag:
        version = TransformerStack(app, tag=tag, environment=environment, synthesizer=synthesizer())
        for other in needed:
            version.add_stack_dependency(other)


def main(arguments: Sequence[str] | None = None) -> None:
    """Synthesises."""
    parser = argparse.ArgumentParser(prog="canary_router.local.app", description=__doc__)
    parser.add_argument("assembly", help="folder to write the assembly to")
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--environment", default="local")
    parser.add_argument("--router", action="store_true", help="the router and what all versions stand on, too")
    parser.add_argument("--spark-endpoint", help="URL of what runs Spark jobs; with --router")
    parser.add_argument("--search-endpoint", help="URL of what has the search indexes; with --router")
    parser.add_argument("--service", action="append", default=[], help="another service that the router serves")
    parser.add_argument("--pointer-ttl", type=float, default=5.0)
    parser.add_argument("--tag", action="append", default=[], help="a version of the sample")
    options = parser.parse_args(arguments)
    if options.router and not (options.spark_endpoint and options.search_endpoint):
        parser.error("--router needs --spark-endpoint and --search-endpoint: the emulator has neither service")
    app = cdk.App(outdir=options.assembly, analytics_reporting=False)
    try:
        build(app, options)
    except (CanaryRouterError, ValueError) as error:
        sys.exit(f"{error}")
    app.synth()


if __name__ == "__main__":
    main()

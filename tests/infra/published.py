"""Two stacks of which one reads what the other publishes, and knows nothing else of it.

python -m tests.infra.published ASSEMBLY ENVIRONMENT
"""

import sys

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from canary_router.cdk import Discover, Publish, PublishFirst

PUBLISHER, READER = "publisher", "reader"
QUEUE = "shared-queue"


def build(app: cdk.App, environment: str) -> None:
    """Adds both to the app."""
    publisher = cdk.Stack(app, f"{PUBLISHER}-{environment}", synthesizer=cdk.CliCredentialsStackSynthesizer())
    queue = sqs.Queue(publisher, "Queue", queue_name=f"{QUEUE}-{environment}")
    attributes = {"queue_arn": queue.queue_arn, "colour": "blue", "place": f"the queue {queue.queue_name}"}
    PublishFirst(publisher, "Published", environment=environment, stack="shared", attributes=attributes)

    reader = cdk.Stack(app, f"{READER}-{environment}", synthesizer=cdk.CliCredentialsStackSynthesizer())
    shared = Discover(reader, "Shared", environment=environment, stack="shared")
    seen = {"seen": shared["place"], "colour": shared["colour"], "arn": shared["queue_arn"], "again": shared["colour"]}
    Publish(reader, "Published", environment=environment, stack=READER, attributes=seen)


def main() -> None:
    """Writes an assembly with both."""
    folder, environment = sys.argv[1:]
    app = cdk.App(outdir=folder, analytics_reporting=False)
    build(app, environment)
    app.synth()


if __name__ == "__main__":
    main()

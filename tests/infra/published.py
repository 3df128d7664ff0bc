"""Two stacks of which one reads what the other publishes, and knows nothing else of it."""

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs

from canary_router.cdk import Discover, Publish, PublishFirst

ENVIRONMENT = "staging"
PUBLISHER, READER = "publisher", "reader"
QUEUE = "shared-queue"


def build(app: cdk.App, environment: str = ENVIRONMENT) -> None:
    """Adds both to the app."""
    publisher = cdk.Stack(app, f"{PUBLISHER}-{environment}", synthesizer=cdk.CliCredentialsStackSynthesizer())
    queue = sqs.Queue(publisher, "Queue", queue_name=f"{QUEUE}-{environment}")
    attributes = {"queue_url": queue.queue_url, "colour": "blue", "place": f"the queue {queue.queue_name}"}
    PublishFirst(publisher, "Published", environment=environment, stack="shared", attributes=attributes)

    reader = cdk.Stack(app, f"{READER}-{environment}", synthesizer=cdk.CliCredentialsStackSynthesizer())
    shared = Discover(reader, "Shared", environment=environment, stack="shared")
    seen = {"seen": shared["place"], "colour": shared["colour"], "url": shared["queue_url"], "again": shared["colour"]}
    Publish(reader, "Published", environment=environment, stack=READER, attributes=seen)


def main() -> None:
    """Writes the assembly to where the CDK's command line wants it."""
    app = cdk.App()
    build(app)
    app.synth()


if __name__ == "__main__":
    main()

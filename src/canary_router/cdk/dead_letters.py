"""A queue for events that a function could not take, so that none is lost and somebody can see them."""

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Validations
from aws_cdk import aws_sqs as sqs
from constructs import Construct


def dead_letter_queue(scope: Construct, name: str) -> sqs.Queue:
    """The queue ``DeadLetters`` of a construct, which keeps events for two weeks.

    Args:
        scope: The construct whose events they are.
        name: The queue's name.
    """
    queue = sqs.Queue(
        scope,
        "DeadLetters",
        queue_name=name,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
        removal_policy=RemovalPolicy.DESTROY,
    )
    reason = "It is itself the queue of dead letters."
    Validations.of(queue).acknowledge(Acknowledgment(id="AwsSolutions-SQS3", reason=reason))
    return queue

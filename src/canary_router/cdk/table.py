"""The table that holds an environment's record."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from canary_router import settings

_STRING = dynamodb.AttributeType.STRING
_NUMBER = dynamodb.AttributeType.NUMBER


def record_table(scope: Construct, environment: str, removal_policy: RemovalPolicy) -> dynamodb.Table:
    """Makes the table, with its two indexes.

    It holds the truth about releases, so it can be restored to any second of the last 35 days, and is kept when the
    stack is removed unless the user asks for the contrary.

    Args:
        scope: Parent construct.
        environment: Name of the environment.
        removal_policy: What becomes of it when the stack is removed.
    """
    table = dynamodb.Table(
        scope,
        "Table",
        table_name=settings.table_name(environment),
        partition_key=dynamodb.Attribute(name=settings.PARTITION_KEY, type=_STRING),
        sort_key=dynamodb.Attribute(name=settings.SORT_KEY, type=_STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        time_to_live_attribute=settings.TTL_ATTRIBUTE,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        encryption=dynamodb.TableEncryption.AWS_MANAGED,
        deletion_protection=removal_policy != RemovalPolicy.DESTROY,
        removal_policy=removal_policy,
    )
    for index, key in (
        (settings.RELEASE_INDEX, settings.RELEASE_INDEX_KEY),
        (settings.PENDING_INDEX, settings.PENDING_INDEX_KEY),
    ):
        table.add_global_secondary_index(
            index_name=index,
            partition_key=dynamodb.Attribute(name=key, type=_STRING),
            sort_key=dynamodb.Attribute(name=settings.INDEX_SORT_KEY, type=_NUMBER),
            projection_type=dynamodb.ProjectionType.ALL,
        )
    return table

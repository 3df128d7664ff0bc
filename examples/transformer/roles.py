"""What one version may do, as policy statements: no action it does not call, no resource it does not touch."""

from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam
from constructs import Construct

from canary_router.cdk import Discover


def bucket_arn(stack: Stack, shared: Discover) -> str:
    """The bucket with the data and the results."""
    return f"arn:{stack.partition}:s3:::{shared['bucket']}"


def run_queries(stack: Stack, shared: Discover) -> list[iam.PolicyStatement]:
    """For the state machine: run a query and fetch its rows, and what Athena then does in the caller's name."""
    bucket = bucket_arn(stack, shared)
    glue = f"arn:{stack.partition}:glue:{stack.region}:{stack.account}"
    athena = f"arn:{stack.partition}:athena:{stack.region}:{stack.account}"
    return [
        iam.PolicyStatement(
            actions=["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"],
            resources=[f"{athena}:workgroup/{shared['work_group']}"],
        ),
        iam.PolicyStatement(actions=["athena:GetDataCatalog"], resources=[f"{athena}:datacatalog/AwsDataCatalog"]),
        iam.PolicyStatement(
            actions=["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"],
            resources=[
                f"{glue}:catalog",
                f"{glue}:database/{shared['database']}",
                f"{glue}:table/{shared['database']}/{shared['table']}",
            ],
        ),
        iam.PolicyStatement(actions=["s3:GetBucketLocation"], resources=[bucket]),
        iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[bucket],
            conditions={"StringLike": {"s3:prefix": [f"{shared['data_prefix']}*", f"{shared['query_prefix']}*"]}},
        ),
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"{bucket}/{shared['data_prefix']}*"]),
        iam.PolicyStatement(
            actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            resources=[f"{bucket}/{shared['query_prefix']}*"],
        ),
    ]


def acknowledge_wildcards(scope: Construct, shared: Discover, result_prefix: str) -> None:
    """Tells cdk-nag why some of the resources end in a star."""
    stack = Stack.of(scope)
    bucket = bucket_arn(stack, shared)
    prefixes = (shared["data_prefix"], shared["query_prefix"], result_prefix)
    reasons = {
        _quoted(stack.resolve(f"{bucket}/{prefix}*")): "The objects under a prefix get their names at run time"
        for prefix in prefixes
    }
    reasons["*"] = "For a state machine's log deliveries and traces, AWS knows no narrower resource"
    Validations.of(scope).acknowledge(
        *(Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{arn}]", reason=reason) for arn, reason in reasons.items())
    )


def _quoted(resolved: Any) -> str:
    """A value in the form in which cdk-nag quotes what is known at deployment only."""
    match resolved:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_quoted(part) for part in parts)
        case _:
            return str(resolved)

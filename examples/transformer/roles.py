"""What one version may do, as policy statements: no action it does not call, no resource it does not touch."""

from aws_cdk import aws_iam as iam

from transformer.places import Places


def run_queries(places: Places) -> list[iam.PolicyStatement]:
    """For the state machine: run a query and fetch its rows, and what Athena then does in the caller's name."""
    bucket, shared, stack = places.bucket_arn, places.shared, places.stack
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
        _list_below(places, shared["data_prefix"], shared["query_prefix"]),
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"{bucket}/{shared['data_prefix']}*"]),
        iam.PolicyStatement(
            actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            resources=[f"{bucket}/{shared['query_prefix']}*"],
        ),
    ]


def start_spark(places: Places, job_role: iam.Role) -> list[iam.PolicyStatement]:
    """For the function that starts the Spark job and looks at it."""
    application = places.application_arn
    return [
        iam.PolicyStatement(actions=["emr-serverless:StartJobRun"], resources=[application]),
        iam.PolicyStatement(actions=["emr-serverless:GetJobRun"], resources=[f"{application}/jobruns/*"]),
        iam.PolicyStatement(
            actions=["iam:PassRole"],
            resources=[job_role.role_arn],
            conditions={"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}},
        ),
    ]


def run_spark(places: Places, script: str) -> list[iam.PolicyStatement]:
    """For the Spark job: read its script and all of the data, write where its version writes.

    Args:
        places: The version's places.
        script: ARN of the script's object.
    """
    bucket, data, days = places.bucket_arn, places.shared["data_prefix"], places.days_prefix
    return [
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[script, f"{bucket}/{data}*"]),
        # Spark writes beside the place, moves, and removes what a run before has left.
        iam.PolicyStatement(
            actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            resources=[f"{bucket}/{days}*"],
        ),
        _list_below(places, data, days),
    ]


def index_days(places: Places) -> list[iam.PolicyStatement]:
    """For the function that reads what Spark has written and puts it into the index."""
    return [
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"{places.bucket_arn}/{places.days_prefix}*"]),
        _list_below(places, places.days_prefix),
        iam.PolicyStatement(actions=["es:ESHttpPut"], resources=[places.index_arn]),
        iam.PolicyStatement(actions=["es:ESHttpPost"], resources=[f"{places.index_arn}/_bulk"]),
    ]


def read_what_was_delivered(places: Places) -> list[iam.PolicyStatement]:
    """For the function that compares it with what was found."""
    return [
        iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"{places.bucket_arn}/{places.result_prefix}*"]),
        iam.PolicyStatement(
            actions=["es:ESHttpPost"], resources=[f"{places.index_arn}/_refresh", f"{places.index_arn}/_search"]
        ),
    ]


def wildcards(places: Places) -> dict[str, str]:
    """Why some of the resources end in a star, by resource."""
    shared = places.shared
    prefixes = (shared["data_prefix"], shared["query_prefix"], places.days_prefix, places.result_prefix)
    return {
        **{f"{places.bucket_arn}/{it}*": "The objects under a prefix get their names at run time" for it in prefixes},
        f"{places.application_arn}/jobruns/*": "EMR Serverless gives a run its id when it is started",
        "*": "For a state machine's log deliveries and traces, AWS knows no narrower resource",
    }


def _list_below(places: Places, *prefixes: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["s3:ListBucket"],
        resources=[places.bucket_arn],
        conditions={"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
    )

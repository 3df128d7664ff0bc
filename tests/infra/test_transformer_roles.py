"""What each part of the sample may do. The lists below are complete: an action more, or a resource, fails."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.infra.templates import Template, as_list, shown

BUCKET = "arn:<AWS::Partition>:s3:::<WorkflowSharedbucket>"
STACK = "transformer-v1-1-0"
HERE = "<AWS::Region>:<AWS::AccountId>"
APPLICATION = f"arn:<AWS::Partition>:emr-serverless:{HERE}:/applications/<WorkflowSharedsparkapplicationid>"
INDEX = f"<WorkflowSearcharn>/{STACK}"
DATA, QUERIES = f"{BUCKET}/<WorkflowShareddataprefix>*", f"{BUCKET}/<WorkflowSharedqueryprefix>*"
DAYS = f"{BUCKET}/<WorkflowShareddaysprefix>{STACK}/*"
RESULTS = f"{BUCKET}/<WorkflowSharedresultprefix>{STACK}/*"
GLUE = f"arn:<AWS::Partition>:glue:{HERE}"
ATHENA = f"arn:<AWS::Partition>:athena:{HERE}"
FUNCTIONS = {f"<WorkflowSteps{it}Function.Arn>" for it in ("Prepare", "Spark", "Publish", "Index", "Validate")}


def on(resources: set[str], *actions: str) -> dict[str, set[str]]:
    return dict.fromkeys(actions, resources)


def log_of(part: str) -> dict[str, set[str]]:
    return on({f"<Workflow{part}Log.Arn>"}, "logs:CreateLogStream", "logs:PutLogEvents")


GRANTS: dict[str, dict[str, set[str]]] = {
    "pipeline": {"states:StartExecution": {"<WorkflowStateMachine>"}, **log_of("Pipeline")},
    "prepare": log_of("StepsPrepare"),
    "spark": {
        "emr-serverless:StartJobRun": {APPLICATION},
        "emr-serverless:GetJobRun": {f"{APPLICATION}/jobruns/*"},
        "iam:PassRole": {"<WorkflowSparkJobRole.Arn>"},
        **log_of("StepsSpark"),
    },
    "publish": {"s3:PutObject": {RESULTS}, **log_of("StepsPublish")},
    "index": {
        "s3:GetObject": {DAYS},
        "s3:ListBucket": {BUCKET},
        "es:ESHttpPut": {INDEX},
        "es:ESHttpPost": {f"{INDEX}/_bulk"},
        **log_of("StepsIndex"),
    },
    "validate": {
        "s3:GetObject": {RESULTS},
        "es:ESHttpPost": {f"{INDEX}/_refresh", f"{INDEX}/_search"},
        **log_of("StepsValidate"),
    },
}


@pytest.fixture(scope="module")
def version(sample: Path) -> Template:
    return Template.read(sample, STACK)


def role(template: Template, assumed_by: str) -> str:
    """Logical id of the one role that a service may assume."""
    services = {
        name: shown(properties["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"])
        for name, properties in template.named("AWS::IAM::Role").items()
    }
    (found,) = [name for name, service in services.items() if service == assumed_by]
    return found


@pytest.mark.parametrize("function", GRANTS)
def test_a_function_may_do_what_its_step_does_and_nothing_else(version: Template, function: str) -> None:
    assert version.grants(version.role_of(f"{STACK}-{function}")) == GRANTS[function]


def test_the_state_machine_may_query_and_invoke_its_steps_and_nothing_else(version: Template) -> None:
    grants = version.grants(role(version, "states.amazonaws.com"))
    for_logs = {name for name in grants if name.startswith(("logs:", "xray:"))}
    assert all(grants[name] == {"*"} for name in for_logs)
    tables = {"catalog", "database/<WorkflowShareddatabase>", "table/<WorkflowShareddatabase>/<WorkflowSharedtable>"}
    glue = {f"{GLUE}:{it}" for it in tables}
    assert {name: resources for name, resources in grants.items() if name not in for_logs} == {
        **on(
            {f"{ATHENA}:workgroup/<WorkflowSharedworkgroup>"},
            "athena:StartQueryExecution",
            "athena:GetQueryExecution",
            "athena:GetQueryResults",
        ),
        "athena:GetDataCatalog": {f"{ATHENA}:datacatalog/AwsDataCatalog"},
        **on(glue, "glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"),
        "s3:GetBucketLocation": {BUCKET},
        "s3:ListBucket": {BUCKET},
        "s3:GetObject": {DATA, QUERIES},
        **on({QUERIES}, "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
        "lambda:InvokeFunction": FUNCTIONS,
    }


def test_the_spark_job_may_read_its_script_and_the_data_and_write_its_own_days(version: Template) -> None:
    grants = version.grants(role(version, "emr-serverless.amazonaws.com"))
    (script,) = grants["s3:GetObject"] - {DATA, DAYS}
    assert re.fullmatch(r"arn:.*:s3:::cdk-hnb659fds-assets-.*/[0-9a-f]{64}\.py", script)
    assert grants == {
        "s3:GetObject": {script, DATA, DAYS},
        **on({DAYS}, "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"),
        "s3:ListBucket": {BUCKET},
    }


def conditions(template: Template, action: str) -> list[Any]:
    """Under which conditions an action is allowed, anywhere in a stack; names of parameters in angle brackets."""
    documents = [policy["PolicyDocument"] for policy in template.all("AWS::IAM::Policy")]
    statements = [statement for document in documents for statement in document["Statement"]]
    return [plain(it.get("Condition")) for it in statements if action in as_list(it["Action"])]


def plain(value: Any) -> Any:
    match value:
        case dict() if not value.keys() & {"Ref", "Fn::Join"}:
            return {key: plain(it) for key, it in value.items()}
        case list():
            return [plain(it) for it in value]
        case None:
            return None
        case _:
            return shown(value)


def test_the_bucket_is_listed_below_the_prefixes_only_that_are_read(version: Template) -> None:
    data, queries = "<WorkflowShareddataprefix>*", "<WorkflowSharedqueryprefix>*"
    days = f"<WorkflowShareddaysprefix>{STACK}/*"
    found = [it["StringLike"]["s3:prefix"] for it in conditions(version, "s3:ListBucket")]
    assert sorted(map(as_list, found)) == sorted([[data, queries], [data, days], [days]])


def test_the_job_role_is_passed_to_emr_serverless_only_and_trusts_the_one_application(version: Template) -> None:
    expected = {"StringEquals": {"iam:PassedToService": "emr-serverless.amazonaws.com"}}
    assert conditions(version, "iam:PassRole") == [expected]
    trust = version.resource(role(version, "emr-serverless.amazonaws.com"))["Properties"]["AssumeRolePolicyDocument"]
    (statement,) = trust["Statement"]
    assert plain(statement["Condition"]) == {
        "StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"},
        "ArnLike": {"aws:SourceArn": APPLICATION},
    }


STACKS = (STACK, "transformer-shared-staging", "transformer-search-staging", "transformer-frontend-staging")


@pytest.mark.parametrize("stack", STACKS)
def test_only_what_aws_cannot_narrow_is_allowed_on_every_resource(sample: Path, stack: str) -> None:
    template = Template.read(sample, stack)
    kinds = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
    for policy in [it for kind in kinds for it in template.all(kind)]:
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = as_list(statement["Action"])
            assert not [action for action in actions if "*" in action]
            if statement["Resource"] == "*" and actions != ["servicediscovery:DiscoverInstances"]:
                assert {action.split(":")[0] for action in actions} <= {"logs", "xray"}
    assert not [name for name, it in template.named("AWS::IAM::Role").items() if "ManagedPolicyArns" in it]


def test_a_front_end_may_find_its_router_and_read_its_jobs_and_nothing_else(sample: Path) -> None:
    policy = Template.read(sample, "transformer-frontend-staging").one("AWS::IAM::ManagedPolicy")
    found = {
        tuple(as_list(it["Action"])): ({shown(arn) for arn in as_list(it["Resource"])}, plain(it.get("Condition")))
        for it in policy["PolicyDocument"]["Statement"]
    }
    executions = f"arn:<AWS::Partition>:states:{HERE}:execution:transformer-v*:*"
    secret = f"arn:<AWS::Partition>:secretsmanager:{HERE}:secret:<Routerapikeysecret>-??????"
    names = {"servicediscovery:NamespaceName": ["canary-router", "canary-router-staging"]}
    assert found == {
        ("servicediscovery:DiscoverInstances",): ({"*"}, {"StringEqualsIfExists": names}),
        ("secretsmanager:GetSecretValue",): ({secret}, None),
        ("states:DescribeExecution", "states:GetExecutionHistory"): ({executions}, None),
        ("s3:GetObject",): ({"arn:<AWS::Partition>:s3:::<Sharedbucket>/<Sharedresultprefix>*"}, None),
    }

"""The functions that are the steps of one version's job, each with a role of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import aws_iam as iam
from constructs import Construct

from canary_router.cdk import BundledFunction, FunctionOptions
from transformer import roles
from transformer.places import Places
from transformer.spark_job import SparkJob

SEARCH_CLIENT = ("opensearch-py",)
"""What the two functions bring along that talk to OpenSearch; it takes memory, too."""


class JobFunctions(Construct):
    """The steps, by the names of their modules in ``job``.

    Args:
        scope: Parent construct.
        tag: The version.
        source: Folder with its code.
        places: Where it reads and writes.
        spark_job: Its Spark job.

    Attributes:
        arns: ARN of each function, by the variable under which the state machine's definition names it.
    """

    def __init__(self, scope: Construct, *, tag: str, source: Path, places: Places, spark_job: SparkJob) -> None:
        super().__init__(scope, "Steps")
        self._source = source
        self._places = places
        shared = places.shared
        bucket, results = shared["bucket"], {"BUCKET": shared["bucket"], "PREFIX": places.result_prefix}
        searching = {"SEARCH_ENDPOINT": places.search["endpoint"]}
        spark = {
            "APPLICATION_ID": shared["spark_application_id"],
            "SPARK_ENDPOINT": shared["spark_endpoint"],
            "JOB_ROLE_ARN": spark_job.role.role_arn,
            "SCRIPT": spark_job.script,
            "DATA": f"s3://{bucket}/{shared['data_prefix']}",
            "DAYS": f"s3://{bucket}/{places.days_prefix}",
        }
        days = {"BUCKET": bucket, "PREFIX": places.days_prefix, "INDEX": places.index}
        write_result = iam.PolicyStatement(
            actions=["s3:PutObject"], resources=[f"{places.bucket_arn}/{places.result_prefix}*"]
        )
        self._steps = {
            "PrepareFunction": self._step("Prepare", {"TABLE": shared["table"]}, []),
            "SparkFunction": self._step("Spark", spark, roles.start_spark(places, spark_job.role)),
            "PublishFunction": self._step("Publish", results | {"VERSION": tag}, [write_result]),
            "IndexFunction": self._step("Index", days | searching, roles.index_days(places), SEARCH_CLIENT),
            "ValidateFunction": self._step(
                "Validate", results | searching, roles.read_what_was_delivered(places), SEARCH_CLIENT
            ),
        }
        self.arns = {variable: step.function.function_arn for variable, step in self._steps.items()}

    def _step(
        self,
        name: str,
        variables: Mapping[str, str],
        permissions: Sequence[iam.PolicyStatement],
        packages: Sequence[str] = (),
    ) -> BundledFunction:
        module = name.lower()
        options = FunctionOptions(
            function_name=f"{self._places.stack.stack_name}-{module}",
            handler=f"transformer.job.{module}.handler",
            sources=[self._source],
            packages=packages,
            variables=variables,
            timeout=60 if packages else 30,
            memory=512 if packages else 256,
        )
        step = BundledFunction(self, name, options)
        for statement in permissions:
            step.function.add_to_role_policy(statement)
        return step

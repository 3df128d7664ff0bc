"""The shared stack: the data that all versions of the Transformer read, and what they compute with.

It is deployed once per environment and outlives every version. Nothing here knows of versions: they read what this
stack publishes.
"""

from pathlib import Path
from typing import Any

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from canary_router.cdk import PublishFirst
from transformer.seeding import SeededFile
from transformer.spark_application import SparkApplication

DATA_FILE = Path(__file__).parent / "data" / "seattle-weather.csv"
DATA_PREFIX = "daily-weather/"
"""The table's files: everything under this prefix is read as rows."""
QUERY_PREFIX = "queries/"
"""Athena's results, which expire after a week."""
DAYS_PREFIX = "days/"
"""What Spark writes, from where it goes into the search index; it expires as well."""
RESULT_PREFIX = "results/"
"""What the jobs are for."""

COLUMNS = {
    "observed_on": "string",
    "precipitation": "double",
    "temp_max": "double",
    "temp_min": "double",
    "wind": "double",
    "weather": "string",
}
"""The columns of the file, in its order. The first is text: ``2012/01/31`` is no date to Athena."""


class SharedStack(Stack):
    """Bucket with the data in it, Glue table over it, Athena work group and Spark application to work on it.

    Args:
        scope: The app.
        environment: Name of the environment.
        spark_endpoint: URL of something that runs Spark jobs as EMR Serverless does; None makes an application there.
        tls_only: Whether the bucket refuses plain HTTP, which is all that the local emulator speaks.
        **stack_options: What ``Stack`` takes, such as ``env`` and ``synthesizer``.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        environment: str,
        spark_endpoint: str | None = None,
        tls_only: bool = True,
        **stack_options: Any,
    ) -> None:
        stack_name = f"transformer-shared-{environment}"
        super().__init__(scope, stack_name, stack_name=stack_name, **stack_options)
        bucket = self._bucket(tls_only=tls_only)
        database = self._database(environment)
        table = self._table(database, bucket)
        work_group = self._work_group(f"transformer-{environment}", bucket)
        spark = SparkApplication(self, "Spark", environment=environment, endpoint=spark_endpoint)
        seeded = SeededFile(self, "Seed", file=DATA_FILE, bucket=bucket, key=f"{DATA_PREFIX}{DATA_FILE.name}")
        published = PublishFirst(
            self,
            "Published",
            environment=environment,
            stack="shared",
            attributes={
                "bucket": bucket.bucket_name,
                "data_prefix": DATA_PREFIX,
                "query_prefix": QUERY_PREFIX,
                "days_prefix": DAYS_PREFIX,
                "result_prefix": RESULT_PREFIX,
                "database": database.ref,
                "table": table.ref,
                "work_group": work_group.ref,
                "spark_application_id": spark.id,
                "spark_endpoint": spark.endpoint,
            },
        )
        published.node.add_dependency(seeded)  # who finds the table finds its rows

    def _bucket(self, *, tls_only: bool) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Data",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=tls_only,
            lifecycle_rules=[
                *(s3.LifecycleRule(prefix=it, expiration=Duration.days(7)) for it in (QUERY_PREFIX, DAYS_PREFIX)),
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            # Results outlive the stack that made room for them.
            removal_policy=RemovalPolicy.RETAIN,
        )
        Validations.of(bucket).acknowledge(
            Acknowledgment(id="AwsSolutions-S1", reason="Public data and what is computed from it")
        )
        return bucket

    def _database(self, environment: str) -> glue.CfnDatabase:
        return glue.CfnDatabase(
            self,
            "Database",
            catalog_id=self.account,
            database_name=f"transformer_{environment.replace('-', '_')}",
            database_input=glue.CfnDatabase.DatabaseInputProperty(description="Data of the sample Transformer"),
        )

    def _table(self, database: glue.CfnDatabase, bucket: s3.Bucket) -> glue.CfnTable:
        return glue.CfnTable(
            self,
            "Table",
            catalog_id=self.account,
            database_name=database.ref,
            table_input=glue.CfnTable.TableInputProperty(
                name="daily_weather",
                description="Daily weather in Seattle, 2012 to 2015, from NOAA",
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "csv", "skip.header.line.count": "1"},
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=f"s3://{bucket.bucket_name}/{DATA_PREFIX}",
                    columns=[glue.CfnTable.ColumnProperty(name=name, type=kind) for name, kind in COLUMNS.items()],
                    input_format="org.apache.hadoop.mapred.TextInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                        parameters={"field.delim": ","},
                    ),
                ),
            ),
        )

    def _work_group(self, name: str, bucket: s3.Bucket) -> athena.CfnWorkGroup:
        return athena.CfnWorkGroup(
            self,
            "WorkGroup",
            name=name,
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{bucket.bucket_name}/{QUERY_PREFIX}",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3"
                    ),
                ),
            ),
        )

"""The shared stack: the data that all versions of the Transformer read, deployed once per environment.

It outlives every version. Nothing here knows of versions, and versions find it by the names in ``names.py``.
"""

from pathlib import Path
from typing import Any

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from transformer.names import DATA_FILE, TABLE, SharedData
from transformer.seeding import SeededFile

HERE = Path(__file__).parent

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
    """Bucket with the data in it, Glue table over it, Athena work group to query it.

    Args:
        scope: The app.
        environment: Name of the environment.
        tls_only: Whether the bucket refuses plain HTTP, which is all that the local emulator speaks.
        **stack_options: What ``Stack`` takes, such as ``env`` and ``synthesizer``.
    """

    def __init__(self, scope: Construct, *, environment: str, tls_only: bool = True, **stack_options: Any) -> None:
        stack_name = SharedData(environment, "", "").stack
        super().__init__(scope, stack_name, stack_name=stack_name, **stack_options)
        self.names = SharedData(environment, self.account, self.region)
        bucket = self._bucket(tls_only=tls_only)
        self._table()
        self._work_group()
        SeededFile(
            self,
            "Seed",
            file=HERE / "data" / DATA_FILE,
            bucket=bucket,
            key=f"{self.names.data_prefix}{DATA_FILE}",
        )

    def _bucket(self, *, tls_only: bool) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Data",
            bucket_name=self.names.bucket,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=tls_only,
            lifecycle_rules=[
                s3.LifecycleRule(prefix=self.names.query_prefix, expiration=Duration.days(7)),
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            # Results outlive the stack that made room for them.
            removal_policy=RemovalPolicy.RETAIN,
        )
        Validations.of(bucket).acknowledge(
            Acknowledgment(id="AwsSolutions-S1", reason="Public data and what is computed from it")
        )
        return bucket

    def _table(self) -> None:
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=self.account,
            database_name=self.names.database,
            database_input=glue.CfnDatabase.DatabaseInputProperty(description="Data of the sample Transformer"),
        )
        table = glue.CfnTable(
            self,
            "Table",
            catalog_id=self.account,
            database_name=self.names.database,
            table_input=glue.CfnTable.TableInputProperty(
                name=TABLE,
                description="Daily weather in Seattle, 2012 to 2015, from NOAA",
                table_type="EXTERNAL_TABLE",
                parameters={"classification": "csv", "skip.header.line.count": "1"},
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=f"s3://{self.names.bucket}/{self.names.data_prefix}",
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
        table.add_resource_dependency(database)

    def _work_group(self) -> None:
        athena.CfnWorkGroup(
            self,
            "WorkGroup",
            name=self.names.work_group,
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{self.names.bucket}/{self.names.query_prefix}",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_S3"
                    ),
                ),
            ),
        )

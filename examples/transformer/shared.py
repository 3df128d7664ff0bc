"""The shared stack: the data that all versions of the Transformer read, deployed once per environment.

It outlives every version. Nothing here knows of versions, and versions find it by the names in ``names.py``.
"""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from aws_cdk import CustomResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from transformer.function import Function
from transformer.names import DATA_FILE, TABLE, SharedData

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
        stack_options: What ``Stack`` takes, such as ``env`` and ``synthesizer``.
    """

    def __init__(self, scope: Construct, *, environment: str, **stack_options: Any) -> None:
        stack_name = SharedData(environment, "", "").stack
        super().__init__(scope, stack_name, stack_name=stack_name, **stack_options)
        self.names = SharedData(environment, self.account, self.region)
        bucket = self._bucket()
        self._table()
        self._work_group()
        self._seed(bucket)

    def _bucket(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Data",
            bucket_name=self.names.bucket,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            lifecycle_rules=[
                s3.LifecycleRule(prefix=self.names.query_prefix, expiration=Duration.days(7)),
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
            ],
            # Results outlive the stack that made room for them.
            removal_policy=RemovalPolicy.RETAIN,
        )

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

    def _seed(self, bucket: s3.Bucket) -> None:
        key = f"{self.names.data_prefix}{DATA_FILE}"
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder)
            shutil.copy(HERE / "seed.py", bundle)
            (bundle / "data").mkdir()
            shutil.copy(HERE / "data" / DATA_FILE, bundle / "data")
            seed = Function(
                self,
                "Seed",
                bundle=bundle,
                handler="seed.handler",
                environment={"BUCKET": self.names.bucket, "KEY": key},
            )
        seed.allow(["s3:PutObject", "s3:DeleteObject"], [bucket.arn_for_objects(key)])
        upload = CustomResource(
            self,
            "Upload",
            service_token=seed.function.function_arn,
            resource_type="Custom::WeatherData",
            # Another file is another property: CloudFormation then calls the function again.
            properties={"sha256": hashlib.sha256((HERE / "data" / DATA_FILE).read_bytes()).hexdigest()},
        )
        upload.node.add_dependency(seed, bucket)

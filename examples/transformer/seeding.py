"""Puts a file into a bucket as part of a deployment, with no tool beside the CDK."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from aws_cdk import Acknowledgment, CustomResource, Duration, RemovalPolicy, Stack, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from canary_router.cdk.bundle import matching_runtime, write_bundle

SOURCES = Path(__file__).parents[1]


class SeededFile(Construct):
    """An object in a bucket, put there by a function that carries the file in its bundle.

    The CDK's own ``BucketDeployment`` does this for any size, by a function with the AWS command line in a layer.

    Args:
        scope: The stack.
        construct_id: Id in the stack.
        file: The file, small enough for a function's bundle.
        bucket: Where it goes.
        key: Key of the object.
    """

    def __init__(self, scope: Construct, construct_id: str, *, file: Path, bucket: s3.Bucket, key: str) -> None:
        super().__init__(scope, construct_id)
        function = self._function(file)
        function.add_to_role_policy(
            iam.PolicyStatement(actions=["s3:PutObject", "s3:DeleteObject"], resources=[bucket.arn_for_objects(key)])
        )
        upload = CustomResource(
            self,
            "Upload",
            service_token=function.function_arn,
            resource_type="Custom::SeededFile",
            properties={
                "Bucket": bucket.bucket_name,
                "Key": key,
                "File": file.name,
                # Another content is another property: CloudFormation then calls the function again.
                "Sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            },
        )
        upload.node.add_dependency(function, bucket)

    def _function(self, file: Path) -> lambda_.Function:
        name = f"{Stack.of(self).stack_name}-seed"
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/{name}",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        with tempfile.TemporaryDirectory() as folder:
            write_bundle("transformer.seed", Path(folder), [SOURCES])
            shutil.copy(file, folder)
            function = lambda_.Function(
                self,
                "Function",
                function_name=name,
                runtime=matching_runtime(),
                architecture=lambda_.Architecture.ARM_64,
                handler="transformer.seed.handler",
                code=lambda_.Code.from_asset(folder),
                role=role,
                log_group=log_group,
                timeout=Duration.seconds(30),
                memory_size=256,
            )
        Validations.of(function).acknowledge(
            Acknowledgment(id="AwsSolutions-L1", reason="The bundle's bytecode fits this runtime and no other")
        )
        return function

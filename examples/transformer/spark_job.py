"""The Spark job of one version: its script, and the role in which it runs."""

from pathlib import Path

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from transformer.places import Places
from transformer.roles import run_spark


class SparkJob(Construct):
    """What a run of the job needs beside the application.

    Args:
        scope: Parent construct.
        construct_id: Id in the parent.
        script: The script, as a file. It is uploaded as every asset of the CDK is.
        places: Where it reads and writes.

    Attributes:
        role: What EMR Serverless runs the script as.
        script: URL of the script.
    """

    def __init__(self, scope: Construct, construct_id: str, *, script: Path, places: Places) -> None:
        super().__init__(scope, construct_id)
        asset = assets.Asset(self, "Script", path=str(script))
        self.script = asset.s3_object_url
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "emr-serverless.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": places.stack.account},
                    "ArnLike": {"aws:SourceArn": places.application_arn},
                },
            ),
        )
        for statement in run_spark(places, asset.bucket.arn_for_objects(asset.s3_object_key)):
            self.role.add_to_policy(statement)

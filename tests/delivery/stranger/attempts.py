"""What a stranger's pull request makes ``make test`` do: everything that a pull request's build must not be able to."""

import os
import sys
from collections.abc import Callable

import boto3
from botocore.exceptions import ClientError

BUCKET, KEY, ROLE = sys.argv[1:]


def tried(name: str, call: Callable[[], object]) -> None:
    try:
        call()
        found = "DONE"
    except ClientError as error:
        found = error.response["Error"]["Code"]
    sys.stdout.write(f"{name}: {found}\n")


s3, kms, ssm, sts = boto3.client("s3"), boto3.client("kms"), boto3.client("ssm"), boto3.client("sts")
artifact = "production/batch/v9.9.9/batch-v9.9.9.zip"
tried("write an artifact", lambda: s3.put_object(Bucket=BUCKET, Key=artifact, Body=b"mine"))
tried("list artifacts", lambda: s3.list_objects_v2(Bucket=BUCKET))
algorithm = "RSASSA_PKCS1_V1_5_SHA_256"
tried("sign", lambda: kms.sign(KeyId=KEY, Message=b"x" * 32, MessageType="DIGEST", SigningAlgorithm=algorithm))  # type: ignore[arg-type] # a literal
tried("write a parameter", lambda: ssm.put_parameter(Name="/canary-router/staging/batch/latest", Value="x"))
tried("take on the role of tags", lambda: sts.assume_role(RoleArn=ROLE, RoleSessionName="mine"))
secrets = [name for name in ("ARTIFACTS", "SIGNING_KEY") if name in os.environ]
sys.stdout.write(f"secrets: {secrets}\n")

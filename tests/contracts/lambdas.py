"""Real pipeline functions, as far as a local emulator runs them: each does what its input says."""

import io
import zipfile

from tests.contracts.backends import Backend
from tests.contracts.roles import role_for

BUSY_SECONDS = 1.5

_CODE = f"""
import hashlib, json, os, time

EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:job-v1-0-0:"

def handler(event, context):
    order = event["input"]["do"]
    started = EXECUTION + event["transform_id"]
    if order == "start":
        return {{"execution_arn": started}}
    if order == "start, in another style":
        return {{"executionArn": started}}
    if order == "tell what came":
        text = json.dumps(event, sort_keys=True)
        return {{"execution_arn": EXECUTION + hashlib.sha256(text.encode()).hexdigest()}}
    if order == "answer":
        return event["input"]["with"]
    if order == "answer at length":
        return {{"execution_arn": started, "more": "x" * 200_000}}
    if order == "raise":
        raise ValueError("the table is not there")
    if order == "die":
        os._exit(3)
    if order == "take long":
        time.sleep({BUSY_SECONDS})
        return {{"execution_arn": started}}
"""


def deploy(backend: Backend, name: str) -> str:
    """Makes a pipeline function and returns its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("index.py", _CODE)
    client = backend.client("lambda")
    made = client.create_function(
        FunctionName=name,
        Role=role_for(backend, "lambda"),
        Handler="index.handler",
        Runtime="python3.13",
        Code={"ZipFile": archive.getvalue()},
        Timeout=10,
    )
    arn: str = made["FunctionArn"]
    return arn

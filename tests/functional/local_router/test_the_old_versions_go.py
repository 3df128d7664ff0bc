"""Old versions are retired for real, on what the demo and the tests before this one have left running."""

import boto3
import pytest
from botocore.exceptions import ClientError
from tests.functional.local_router.machine import OK, USAGE, Machine

from canary_router import settings

AT_ONCE = ("prune", "transformer", "--keep", "0", "--drain", "PT0S")


def test_old_versions_are_retired_and_what_serves_goes_on(machine: Machine) -> None:
    before = machine.json("status", "transformer")
    serving = {before["current"]["version"], before["previous"]["version"]}
    fresh = machine.json("prune", "transformer", "--yes")
    assert not any(it["goes"] for it in fresh["plan"]), "all were in use within the last 14 days"
    asked = machine.run(*AT_ONCE)
    assert asked.returncode == USAGE
    assert "Give --yes" in asked.stderr

    plan = machine.json(*AT_ONCE, "--dry-run")["plan"]
    going = {it["version"]: it["stack"] for it in plan if it["goes"]}
    assert going
    assert {it["version"] for it in plan if not it["goes"]} >= serving
    done = machine.json(*AT_ONCE, "--yes", "--reason", "they are old")["done"]
    assert {it["version"]: it["state"] for it in done} == dict.fromkeys(going, "RETIRED")

    record = machine.json("local", "status")
    session = boto3.Session(record["access_key_id"], record["secret_access_key"], region_name=record["region"])
    stacks = session.client("cloudformation", endpoint_url=record["endpoint_url"]).describe_stacks()["Stacks"]
    left = {it["StackName"] for it in stacks}
    assert not left & set(going.values())
    assert {settings.stack_name("transformer", tag) for tag in serving} <= left
    assert "canary-router-local" in left
    functions = session.client("lambda", endpoint_url=record["endpoint_url"])
    for tag in going:
        with pytest.raises(ClientError, match="ResourceNotFound"):
            functions.get_function(FunctionName=settings.pipeline_function_name("transformer", tag))

    assert machine.json("status", "transformer")["current"] == before["current"]
    sent = machine.json("send", "transformer", "--input", "-", "--wait", given='{"year": 2014, "measure": "wind"}')
    assert sent["version"] == before["current"]["version"]
    kept = [it for it in machine.json("history", "transformer")["retirements"] if it["why"] == "they are old"]
    assert {it["version"] for it in kept} == set(going)
    assert {it["who"] for it in kept} == {f"arn:aws:iam::{record['account']}:root"}
    assert machine.run(*AT_ONCE, "--yes").returncode == OK, "there is nothing left to do"

"""What people decide about releases, and what they are told, on what the demo left running."""

import boto3
from tests.functional.local_router.machine import NO, OK, USAGE, Machine

from canary_router import settings


def pipeline(machine: Machine, tag: str) -> str:
    record = machine.json("local", "status")
    name = settings.pipeline_function_name("transformer", tag)
    return f"arn:aws:lambda:{record['region']}:{record['account']}:function:{name}"


def test_people_decide_about_a_release_and_go_back_from_it(machine: Machine) -> None:
    before = machine.json("status", "transformer")["current"]["version"]
    machine.json("release", "transformer", pipeline(machine, "v1.1.0"))
    paused = machine.json("pause", "transformer", "--reason", "a moment")
    assert (paused["release"]["version"], paused["release"]["state"]) == ("v1.1.0", "PAUSED")
    assert machine.json("status", "transformer")["waiting_for"] == "somebody to resume, promote or abort it"
    again = machine.run("pause", "transformer")
    assert (again.returncode, again.stdout) == (NO, "")
    assert machine.json("resume", "transformer")["release"]["state"] == "OPEN"
    asked = machine.run("promote", "transformer")
    assert asked.returncode == USAGE
    assert "--yes" in asked.stderr
    promoted = machine.json("promote", "transformer", "--yes", "--reason", "looked at it")["release"]
    assert promoted["state"] == "PROMOTED"
    assert machine.json("status", "transformer")["current"]["version"] == "v1.1.0"
    back = machine.json("rollback", "transformer", "--yes")["release"]
    assert (back["version"], back["state"]) == (before, "PROMOTED")
    assert machine.json("send", "transformer", "--wait")["version"] == before

    history = machine.json("history", "transformer")
    assert [it["kind"] for it in history["orders"]][:4] == ["rollback", "promote", "resume", "pause"]
    assert [it["version"] for it in history["releases"]][:2] == [before, "v1.1.0"]
    assert history["orders"][0]["who"] == f"arn:aws:iam::{machine.json('local', 'status')['account']}:root"
    assert "looked at it" in machine.run("history", "transformer").stdout


def test_a_jobs_version_is_explained(machine: Machine) -> None:
    sent = machine.json("send", "transformer", "--key", "to be explained")
    told = machine.json("explain", sent["transform_id"])
    assert told["transform"]["version"] == sent["version"]
    assert [it["text"] for it in told["facts"] if it["topic"] == "release"] == [
        "No release was on trial when it came in: every request went to current."
    ]
    unrecorded = machine.json("send", "transformer")
    assert machine.json("explain", unrecorded["transform_id"])["is_recorded"] is False
    assert machine.run("explain", "nobody").returncode == USAGE


def test_the_doctor_finds_a_function_that_is_gone_and_nobody_goes_back_to_it(machine: Machine) -> None:
    healthy = machine.run("doctor")
    assert healthy.returncode == OK, healthy.stdout
    record = machine.json("local", "status")
    session = boto3.Session(record["access_key_id"], record["secret_access_key"], region_name=record["region"])
    arn = pipeline(machine, "v1.1.0")
    session.client("lambda", endpoint_url=record["endpoint_url"]).delete_function(FunctionName=arn)
    refused = machine.run("rollback", "transformer", "--yes")
    assert refused.returncode == NO
    assert "v1.1.0 cannot serve: its pipeline function" in refused.stderr
    checks = {it["check"]: it for it in machine.json("doctor", code=NO)["checks"]}
    assert [name for name, it in checks.items() if it["state"] != "ok"] == ["pipelines"]
    assert "previous is v1.1.0" in checks["pipelines"]["findings"][0]["text"]

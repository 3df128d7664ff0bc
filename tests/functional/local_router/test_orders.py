"""Releases that a person orders, on what the demo left running."""

import subprocess
import time

from tests.functional.local_router.machine import NO, OK, USAGE, Machine


def send_until_ended(machine: Machine, watch: "subprocess.Popen[str]") -> str:
    until = time.monotonic() + 90
    while watch.poll() is None and time.monotonic() < until:
        machine.json("send", "transformer")
    output, _ = watch.communicate(timeout=30)
    return output


def test_a_further_version_is_deployed_and_watched_until_it_is_promoted(machine: Machine) -> None:
    deployed = machine.json("local", "deploy", "v1.2.1")
    assert (deployed["stack"], deployed["changed"]) == ("transformer-v1-2-1", True)
    watch = machine.begin("watch", "transformer", "--timeout", "80")
    output = send_until_ended(machine, watch)
    assert watch.returncode == OK, output
    assert "v1.2.1  PROMOTED" in output
    assert machine.json("status", "transformer")["current"]["version"] == "v1.2.1"
    assert machine.json("local", "deploy", "v1.2.1")["changed"] is False


def test_a_service_that_no_router_serves_is_not_released(machine: Machine) -> None:
    arn = "arn:aws:lambda:us-east-1:000000000000:function:other-v1-0-0-pipeline"
    refused = machine.run("release", "other", arn)
    assert refused.returncode == USAGE
    assert "does not serve 'other'" in refused.stderr
    assert "transformer" in refused.stderr


def test_a_version_that_was_turned_away_is_released_anew_and_turned_away_again(machine: Machine) -> None:
    record = machine.json("local", "status")
    arn = f"arn:aws:lambda:{record['region']}:{record['account']}:function:transformer-v1-2-0-pipeline"
    released = machine.json("release", "transformer", arn, "--version", "v1.2.0")
    assert (released["version"], released["nudged"]) == ("v1.2.0", True)
    watch = machine.begin("watch", "transformer", "--timeout", "80")
    output = send_until_ended(machine, watch)
    assert watch.returncode == NO, output
    assert "v1.2.0  ABORTED" in output
    found = machine.json("transforms", "transformer")
    assert found["release_id"] == released["release_id"]
    assert 1 <= len(found["transforms"]) <= 2
    assert {it["version"] for it in found["transforms"]} == {"v1.2.0"}
    # Watching what is over tells how it ended.
    assert machine.json("watch", "transformer", code=NO)["state"] == "ABORTED"

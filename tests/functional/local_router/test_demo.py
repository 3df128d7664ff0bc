"""The demo, kept, and the verbs against what it left: as a new user goes about it, by the installed command."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from html import unescape
from typing import Any
from urllib.parse import urlencode

import boto3
import urllib3
from tests.functional.local_router.follower import Follower, visitor
from tests.functional.local_router.machine import NO, OK, ROOT, USAGE, Machine


def test_the_demo_shows_a_good_and_a_bad_release_and_fails_no_request(shown: tuple[Machine, dict[str, Any]]) -> None:
    _, document = shown
    assert set(document) == {
        "requests", "failed_requests", "errors", "releases", "current", "latest", "seconds", "jobs", "results",
        "documents",
    }  # fmt: skip
    assert document["requests"] > 30
    assert document["failed_requests"] == 0
    first, good, bad = document["releases"]
    assert set(first) == {"version", "state", "admitted", "succeeded", "failed", "reason"}
    assert (first["version"], first["state"], first["admitted"]) == ("v1.0.0", "PROMOTED", 0)
    assert (good["version"], good["state"], good["admitted"], good["succeeded"]) == ("v1.1.0", "PROMOTED", 2, 2)
    assert (bad["version"], bad["state"], bad["succeeded"]) == ("v1.2.0", "ABORTED", 0)
    assert 1 <= bad["failed"] <= bad["admitted"] <= 2
    assert (document["current"], document["latest"]) == ("v1.1.0", "none")
    assert document["jobs"]["v1.2.0"] == {"FAILED": bad["admitted"]}
    succeeded = sum(counts["SUCCEEDED"] for tag, counts in document["jobs"].items() if tag != "v1.2.0")
    assert succeeded + bad["admitted"] == document["requests"]
    assert document["results"] == succeeded
    # Each is of one of the three years of 365 days that the demo asks for.
    assert document["documents"] == 365 * succeeded


def test_the_dashboard_beside_it_showed_both_releases_while_they_were_judged(
    played: tuple[Machine, dict[str, Any], Follower],
) -> None:
    _, _, follower = played
    assert not follower.is_alive()
    for version, end in (("v1.1.0", "PROMOTED"), ("v1.2.0", "ABORTED")):
        assert follower.seen.index((version, "OPEN")) < follower.seen.index((version, end))
    assert {("v1.1.0", "RUNNING"), ("v1.1.0", "SUCCEEDED"), ("v1.2.0", "FAILED")} <= follower.jobs


def test_the_dashboard_says_what_the_command_line_says(machine: Machine) -> None:
    process = machine.begin("--output", "json", "dashboard")
    assert process.stdout is not None
    try:
        look = visitor(json.loads("".join([*iter(process.stdout.readline, "}\n"), "}"]))["url"])
        assert look("/services.json") == machine.json("status")
        page = look("/services/transformer.json")
        assert page == page | machine.json("history", "transformer")
        failed = next(it for it in page["transforms"] if it["status"] == "FAILED")["transform_id"]
        assert look(f"/services/transformer/jobs/{failed}.json") == machine.json("explain", failed)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert (process.returncode, output) == (OK, "")


def test_what_the_demo_kept_is_found_by_itself(machine: Machine) -> None:
    document = machine.json("status")
    (service,) = document["services"]
    assert (document["environment"], service["service"]) == ("local", "transformer")
    assert (service["current"]["version"], service["latest"]["state"]) == ("v1.1.0", "blank")
    assert machine.json("status", "transformer") == service
    assert "v1.1.0" in machine.run("status").stdout
    assert machine.run("--environment", "local", "status").returncode == OK
    missing = machine.run("status", "another")
    assert (missing.returncode, missing.stdout) == (USAGE, "")
    assert "There is no service 'another'" in missing.stderr


def test_a_job_is_sent_and_waited_for(machine: Machine) -> None:
    sent = machine.json("send", "transformer", "--input", "-", "--wait", given='{"year": 2013, "metric": "wind"}')
    assert (sent["version"], sent["route"], sent["status"]) == ("v1.1.0", "current", "SUCCEEDED")
    failed = machine.json("send", "transformer", "--input", "-", "--wait", code=NO, given='{"year": 1900}')
    assert failed["status"] == "FAILED"
    again = [machine.json("send", "transformer", "--key", "one and the same")["transform_id"] for _ in range(2)]
    assert again[0] == again[1]
    listed = machine.json("transforms", "transformer", "--current")["transforms"]
    assert [it["transform_id"] for it in listed] == again[:1]
    unknown = machine.run("send", "another")
    assert unknown.returncode == USAGE
    assert "another" in unknown.stderr


def test_the_front_end_example_sends_a_job(machine: Machine) -> None:
    record = machine.json("local", "status")
    env = machine.env | {
        "AWS_ENDPOINT_URL": record["endpoint_url"],
        "AWS_DEFAULT_REGION": record["region"],
        "AWS_ACCESS_KEY_ID": record["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": record["secret_access_key"],
    }
    script = ROOT / "examples" / "frontend" / "submit_job.py"
    command = [sys.executable, str(script), record["environment"], "--year", "2015"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == OK, done.stderr
    assert "has SUCCEEDED" in done.stdout


def rotate_the_routers_key(machine: Machine) -> None:
    """As an operator does: a new key for the usage plan, the secret, and an end to the old key."""
    record = machine.json("local", "status")
    session = boto3.Session(record["access_key_id"], record["secret_access_key"], region_name=record["region"])
    gateway = session.client("apigateway", endpoint_url=record["endpoint_url"])
    secrets = session.client("secretsmanager", endpoint_url=record["endpoint_url"])
    value = "a-new-key-of-twenty-letters-or-more"
    (plan,) = gateway.get_usage_plans()["items"]
    (old,) = gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]
    new = gateway.create_api_key(name="rotated", enabled=True, value=value)
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=new["id"], keyType="API_KEY")
    secret = f"canary-router/{record['environment']}/api-key"
    before = secrets.get_secret_value(SecretId=secret)["SecretString"]
    secrets.put_secret_value(SecretId=secret, SecretString=value)
    gateway.delete_usage_plan_key(usagePlanId=plan["id"], keyId=old["id"])
    gateway.delete_api_key(apiKey=old["id"])
    unknown_job = f"{record['router_endpoint']}/services/transformer/transforms/x"
    answers = [urllib3.request("GET", unknown_job, headers={"x-api-key": key}).status for key in (before, value)]
    assert answers == [403, 404]


def test_one_command_serves_the_front_ends_page_which_outlives_the_routers_key(machine: Machine) -> None:
    server = subprocess.Popen(
        ["make", "--silent", "frontend", "ARGS=--port 0"],  # noqa: S607 - whichever make there is
        cwd=ROOT, env=machine.env, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    assert server.stdout is not None
    try:
        said = server.stdout.readline()
        url, _, rest = said.partition(" ")
        assert rest == "submits to the environment local; Ctrl-C ends it\n", said
        _ask_for_a_year(url, "2013", "Succeeded on v1.1.0.", '<th scope="col">Spread</th>')
        _ask_for_a_year(url, "2030", "Failed on v1.1.0.", "There are no observations for the year 2030")
        rotate_the_routers_key(machine)
        _ask_for_a_year(url, "2015", "Succeeded on v1.1.0.", 'class="range"')
        assert machine.json("send", "transformer")["status"] == "RUNNING"
    finally:
        os.killpg(server.pid, signal.SIGINT)
        output, _ = server.communicate(timeout=30)
    assert "Traceback" not in output
    assert "a-new-key" not in output


def _ask_for_a_year(url: str, year: str, end: str, shown: str) -> None:
    """Submits the form of the page, and looks at the job's page until it says this end and shows this."""
    found = re.search(r'name="key" value="([^"]+)"', urllib3.request("GET", url).data.decode())
    assert found
    fields = urlencode({"key": found[1], "year": year, "metric": "wind"})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    # What follows is a page of its own, to which the answer leads.
    answer = urllib3.request("POST", f"{url}jobs", body=fields, headers=form, redirect=False)
    assert answer.status == 303, answer.data.decode()
    until, page = time.monotonic() + 60, ""
    while 'data-final="yes"' not in page:
        assert time.monotonic() < until, page
        time.sleep(0.3)
        page = unescape(urllib3.request("GET", url.rstrip("/") + answer.headers["Location"]).data.decode())
    assert end in page
    assert shown in page

"""The demo, kept, and every verb against what it left: as a new user goes about it, by the installed command."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
import urllib3

from canary_router import settings

ROOT = Path(__file__).parents[2]
PROGRAM = str(Path(sys.executable).parent / "canary-router")
OK, NO, USAGE = 0, 1, 2


@dataclass(frozen=True)
class Machine:
    """A home directory of its own, and nothing of AWS in the environment."""

    home: Path

    @property
    def env(self) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return ours | {settings.ENV_HOME: str(self.home), "AWS_EC2_METADATA_DISABLED": "true"}

    def run(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [PROGRAM, *arguments], env=self.env, input=given, capture_output=True, text=True, check=False, timeout=300
        )

    def json(self, *arguments: str, code: int = OK, given: str = "") -> dict[str, Any]:
        done = self.run("--output", "json", *arguments, given=given)
        assert done.returncode == code, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [PROGRAM, *arguments], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip

    def is_clean(self) -> bool:
        left = list(self.home.iterdir()) if self.home.exists() else []
        return left == [] and not any(str(self.home) in arguments for arguments in _processes())


def _processes() -> Iterator[str]:
    """The arguments of every process of this machine."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            yield file.read_bytes().decode(errors="replace")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, dict[str, Any]]]:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        yield machine, machine.json("demo", "--keep")
    finally:
        machine.run("local", "down")
        shutil.rmtree(machine.home)


@pytest.fixture
def machine(shown: tuple[Machine, dict[str, Any]]) -> Machine:
    return shown[0]


def test_the_demo_shows_a_good_and_a_bad_release_and_fails_no_request(shown: tuple[Machine, dict[str, Any]]) -> None:
    _, document = shown
    assert set(document) == {"requests", "failed_requests", "releases", "current", "latest", "seconds"}
    assert document["requests"] > 30
    assert document["failed_requests"] == 0
    first, good, bad = document["releases"]
    assert set(first) == {"version", "state", "admitted", "succeeded", "failed", "reason"}
    assert (first["version"], first["state"], first["admitted"]) == ("v1.0.0", "PROMOTED", 0)
    assert (good["version"], good["state"], good["admitted"], good["succeeded"]) == ("v1.1.0", "PROMOTED", 2, 2)
    assert (bad["version"], bad["state"], bad["succeeded"]) == ("v1.2.0", "ABORTED", 0)
    assert 1 <= bad["failed"] <= bad["admitted"] <= 2
    assert (document["current"], document["latest"]) == ("v1.1.0", "none")


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


def test_up_leaves_alone_what_is_up_and_down_leaves_nothing_behind(machine: Machine) -> None:
    record = machine.json("local", "up")
    assert set(record) == {
        "endpoint_url", "region", "account", "environment", "router_endpoint", "access_key_id", "secret_access_key",
        "pid", "state_dir",
    }  # fmt: skip
    assert record == machine.json("local", "status")
    assert machine.json("local", "down") == {"stopped": True}
    assert machine.is_clean()
    assert machine.run("status").returncode == USAGE
    assert machine.json("local", "status", code=NO) == {"running": False}


@pytest.mark.parametrize(
    ("moment", "sign"), [("Synthesising", signal.SIGTERM), ("Deploying canary-router-local", signal.SIGINT)]
)
def test_a_demo_that_is_ended_early_cleans_up(tmp_path: Path, moment: str, sign: signal.Signals) -> None:
    machine = Machine(tmp_path)
    process = machine.begin("demo")
    assert process.stdout is not None
    for line in process.stdout:
        if moment in line:
            break
    time.sleep(0.3)
    process.send_signal(sign)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + sign, output
    assert "Traceback" not in output
    assert machine.is_clean()

"""The emulator's life: it starts, answers, refuses, is found again, and ends without a trace."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from canary_router.errors import ConfigurationError
from canary_router.local import emulator as local_emulator
from canary_router.local import loopback, processes, record
from canary_router.local.record import Emulator, Process

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    local_emulator.stop(tmp_path / "home")


def ssm(emulator: Emulator, key: str = "", secret: str = "") -> "SSMClient":
    return boto3.client(
        "ssm",
        endpoint_url=emulator.endpoint_url,
        region_name=emulator.region,
        aws_access_key_id=key or emulator.access_key_id,
        aws_secret_access_key=secret or emulator.secret_access_key,
    )


def assert_nothing_is_left(home: Path, emulator: Emulator) -> None:
    assert processes.group_members(emulator.pid) == []
    assert not emulator.process.is_alive
    assert list(home.iterdir()) == []
    assert local_emulator.running(home) is None


def test_a_started_emulator_answers_until_it_is_stopped_and_leaves_nothing_behind(home: Path) -> None:
    started = local_emulator.start(home)
    assert local_emulator.running(home) == started
    client = ssm(started)
    client.put_parameter(Name="/here", Value="yes", Type="String")
    assert client.get_parameter(Name="/here")["Parameter"].get("Value") == "yes"
    client.close()

    assert local_emulator.stop(home)
    assert_nothing_is_left(home, started)
    assert not local_emulator.stop(home)


def test_signatures_and_permissions_are_checked(emulator: Emulator) -> None:
    iam = boto3.client(
        "iam",
        endpoint_url=emulator.endpoint_url,
        region_name=emulator.region,
        aws_access_key_id=emulator.access_key_id,
        aws_secret_access_key=emulator.secret_access_key,
    )
    iam.create_user(UserName="emulator-test")
    key = iam.create_access_key(UserName="emulator-test")["AccessKey"]

    with pytest.raises(ClientError, match="signature"):
        ssm(emulator, key["AccessKeyId"], "wrong").describe_parameters()
    with pytest.raises(ClientError, match="not authorized"):
        ssm(emulator, key["AccessKeyId"], key["SecretAccessKey"]).describe_parameters()
    with pytest.raises(ClientError, match="security token"):
        ssm(emulator, "AKIANOBODYKNOWSTHIS0", "wrong").describe_parameters()


FUNCTION = "import os, sys\ndef handler(event, context):\n    return {'pid': os.getpid(), 'home': os.environ['HOME']}\n"


def test_workers_of_functions_end_with_the_emulator(home: Path) -> None:
    started = local_emulator.start(home)
    session = boto3.Session(started.access_key_id, started.secret_access_key, region_name=started.region)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("index.py", FUNCTION)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = session.client("iam", endpoint_url=started.endpoint_url).create_role(
        RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    functions = session.client("lambda", endpoint_url=started.endpoint_url)
    functions.create_function(
        FunctionName="f", Role=role, Handler="index.handler", Runtime="python3.13", Code={"ZipFile": archive.getvalue()}
    )
    answer = json.load(functions.invoke(FunctionName="f")["Payload"])
    assert answer["pid"] in processes.group_members(started.pid)
    assert answer["home"].startswith(started.state_dir), "functions must not see the developer's home"

    local_emulator.stop(home)
    assert_nothing_is_left(home, started)


def test_a_second_start_from_the_same_home_is_refused_and_says_what_to_do(home: Path) -> None:
    started = local_emulator.start(home)
    with pytest.raises(ConfigurationError, match=f"running already.*{started.pid}") as refused:
        local_emulator.start(home)
    assert "local down" in refused.value.advice
    assert started.process.is_alive


def test_a_taken_port_is_refused_by_name(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind((loopback.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} of 127.0.0.1 is taken"):
            local_emulator.start(home, port=port)
    assert local_emulator.running(home) is None


def test_a_port_that_is_asked_for_is_used(home: Path) -> None:
    port = loopback.free_port()
    assert local_emulator.start(home, port=port).endpoint_url == f"http://127.0.0.1:{port}"


def test_the_record_of_a_killed_emulator_is_cleaned_up_when_it_is_looked_for(home: Path) -> None:
    started = local_emulator.start(home)
    os.kill(started.pid, signal.SIGKILL)
    while started.process.is_alive:
        time.sleep(0.01)
    assert local_emulator.running(home) is None
    assert_nothing_is_left(home, started)


def test_a_record_whose_number_belongs_to_another_process_by_now_kills_nobody(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as other:
        record.write(home, Emulator("http://127.0.0.1:9", Process(other.pid, "another time"), None, str(home / "x")))
        assert local_emulator.running(home) is None
        local_emulator.stop(home)
        assert other.poll() is None
        other.kill()


START_AND_WAIT = """
import sys, time
from pathlib import Path
from canary_router.local import emulator
home = Path(sys.argv[1])
started = emulator.start(home)
if sys.argv[2] == "keep":
    emulator.keep(home, started)
print(started.pid, flush=True)
time.sleep(600)
"""


def killed_starter(home: Path, manner: str) -> Emulator:
    """Starts an emulator from another process, which is then killed; returns the record that it left."""
    command = [sys.executable, "-c", START_AND_WAIT, str(home), manner]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.kill()
    left = record.read(home)
    assert left is not None
    assert left.pid == pid
    assert left.process.is_alive
    return left


def test_an_emulator_whose_starter_was_killed_is_replaced_by_the_next_start(home: Path) -> None:
    left = killed_starter(home, "own")
    started = local_emulator.start(home)
    assert started.pid != left.pid
    assert processes.group_members(left.pid) == []


def test_an_emulator_that_is_to_be_kept_outlives_its_starter(home: Path) -> None:
    left = killed_starter(home, "keep")
    assert local_emulator.running(home) == left
    with pytest.raises(ConfigurationError, match="running already"):
        local_emulator.start(home)
    assert local_emulator.stop(home)
    assert_nothing_is_left(home, left)


def test_what_is_added_to_the_record_is_found_by_later_commands(home: Path) -> None:
    started = local_emulator.start(home)
    local_emulator.save(home, replace(started, environment="local", router_endpoint="http://127.0.0.1/x"))
    found = local_emulator.running(home)
    assert found is not None
    assert (found.environment, found.router_endpoint) == ("local", "http://127.0.0.1/x")

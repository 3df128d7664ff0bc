"""What a verb that looks costs whoever waits for it: modules, and processor time beside boto3. Never seconds."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from bench import aws, cold

from canary_router.cli.light import is_plain, light_ports

COMMAND = """
import json, sys
from canary_router.cli.app import run
code = run(sys.argv[1:])
print(json.dumps({"code": code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""
TWO_CLIENTS = "import boto3; boto3.client('ssm'); boto3.client('dynamodb')"
NEVER = {"boto3", "botocore", "urllib3", "s3transfer", "asyncio", "tomllib", "yaml"}
NOT_TO_LOOK = {
    f"canary_router.{name}"
    for name in ("wiring", "client", "core.policy_words", "flows.doctor", "flows.outcome", "local.emulator")
}
STATUS_AT_MOST = 1.0
"""Of importing boto3 and making the two clients that a look needs; 0.75 on Python 3.11. With them it is 1.9."""


def looked(url: str, *arguments: str, **changed: str) -> tuple[str, set[str]]:
    """What a command prints in a fresh process, and the modules that it has loaded by then."""
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        env=aws.environment(url) | changed,
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stderr.splitlines()[-1])
    assert told["code"] == 0, done.stderr
    return done.stdout, set(told["modules"])


def heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] in NEVER} | (modules & NOT_TO_LOOK)


@pytest.mark.parametrize("verb", [["status", "asleep"], ["history", "asleep"], ["transforms", "asleep"]], ids=" ".join)
def test_a_look_with_keys_of_the_environment_loads_nothing_of_boto3_and_of_the_controller(verb: list[str]) -> None:
    with aws.stub() as url:
        told, modules = looked(url, *verb)
    assert told
    assert not heavy(modules)


def test_a_look_as_json_does_not_load_what_draws_tables() -> None:
    with aws.stub() as url:
        told, modules = looked(url, "--output", "json", "status", "asleep")
    assert json.loads(told)["current"]["version"] == "v1.0.0"
    assert "rich" not in modules
    assert not heavy(modules)


def test_settings_that_only_boto3_heeds_are_left_to_it_and_the_answer_is_the_same(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://127.0.0.1:9\n")  # AWS_ENDPOINT_URL goes before it
    with aws.stub() as url:
        light, _ = looked(url, "--output", "json", "status", "asleep")
        told, modules = looked(url, "--output", "json", "status", "asleep", AWS_CONFIG_FILE=str(config))
    assert "boto3" in modules
    assert json.loads(told) == json.loads(light)


def test_a_look_costs_less_than_the_clients_that_it_does_without() -> None:
    """Processor time over that of a bare interpreter, the best of fresh processes, in turn."""
    programs = {
        "bare": ["-c", "pass"],
        "boto3": ["-c", TWO_CLIENTS],
        "status": ["-c", COMMAND, "status", "asleep"],
    }
    taken: dict[str, list[float]] = {name: [] for name in programs}
    with aws.stub() as url:
        for _ in range(5):  # the first one may have to write bytecode
            for name, program in programs.items():
                taken[name].append(cold.start(program, url)[1])
    best = {name: min(each) for name, each in taken.items()}
    assert (best["status"] - best["bare"]) / (best["boto3"] - best["bare"]) < STATUS_AT_MOST


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """An AWS that has no parameters, and remembers who asked."""
    signatures: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            signatures.append(self.headers["authorization"])
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"Parameters": []}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", signatures
        finally:
            server.shutdown()
            thread.join()


KEYS = {"AWS_ACCESS_KEY_ID": "from-the-environment", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "eu-west-1"}
PROFILES = """
[default]
aws_access_key_id = of-the-default
aws_secret_access_key = s

[oncall]
aws_access_key_id = of-oncall
aws_secret_access_key = s
region = eu-central-1
"""


@pytest.mark.parametrize(
    ("asked", "env", "signed"),
    [
        (("", ""), KEYS, "from-the-environment/eu-west-1"),
        (("", "us-west-2"), KEYS, "from-the-environment/us-west-2"),
        (("oncall", ""), {}, "of-oncall/eu-central-1"),
        (("oncall", ""), KEYS, "of-oncall/eu-west-1"),
        (("", "eu-west-3"), {}, "of-the-default/eu-west-3"),
        (("", ""), {"AWS_PROFILE": "oncall"}, "of-oncall/eu-central-1"),
        (("", ""), {**KEYS, "AWS_PROFILE": "oncall"}, "from-the-environment/eu-west-1"),
    ],
)
def test_a_look_is_signed_by_whom_boto3_would_sign_it_for(
    asked: tuple[str, str], env: Mapping[str, str], signed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile, region = asked
    file = tmp_path / "credentials"
    file.write_text(PROFILES)
    with listening() as (url, signatures):
        for name, value in {**env, "AWS_ENDPOINT_URL": url, "AWS_SHARED_CREDENTIALS_FILE": str(file)}.items():
            monkeypatch.setenv(name, value)
        light = light_ports("staging", profile, region)
        assert light is not None
        light.pointers.read("transformer")

        import boto3  # noqa: PLC0415 - the other way, in this process

        session = boto3.Session(profile_name=profile or None, region_name=region or None)
        session.client("ssm").get_parameters(Names=["a"])
    key, _, found = signatures[0].partition("Credential=")[2].split("/")[:3]
    assert f"{key}/{found}" == signed
    assert signatures[1].partition("Credential=")[2].split("/")[:3] == [key, _, found]


@pytest.mark.parametrize(
    "env",
    [{"HTTPS_PROXY": "http://proxy:3128"}, {"AWS_USE_FIPS_ENDPOINT": "true"}, {"AWS_USE_DUALSTACK_ENDPOINT": "true"}],
)
def test_what_is_not_plain_in_the_environment_is_left_to_boto3(env: dict[str, str]) -> None:
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    assert is_plain(nothing)
    assert not is_plain(nothing | env)


@pytest.mark.parametrize(
    "setting", ["endpoint_url = http://a", "services = mine", "ca_bundle = a.pem", "use_fips_endpoint = true", "\xff"]
)
@pytest.mark.parametrize("file", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
def test_what_is_not_plain_in_a_profile_is_left_to_boto3(file: str, setting: str, tmp_path: Path) -> None:
    said = tmp_path / "said"
    said.write_bytes(f"[default]\n{setting}\n".encode("latin-1"))
    nothing = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    assert not is_plain(nothing | {file: str(said)})


def test_without_a_region_boto3_is_left_to_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, KEYS[name])
    assert light_ports("staging", "", "") is None

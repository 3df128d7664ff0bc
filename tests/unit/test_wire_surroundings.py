"""Where calls go and whose signature they carry, as botocore would decide it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest

from canary_router.adapters.aws.failures import NoCredentials
from canary_router.adapters.aws.wire.calls import Wire
from canary_router.adapters.aws.wire.credentials import BotocoreChain, ContainerCredentials, source_of
from canary_router.adapters.aws.wire.endpoints import Endpoint, endpoint_of, needs_botocore
from canary_router.adapters.aws.wire.transport import Limits, Tls
from canary_router.errors import ConfigurationError

SERVICES = {"ssm": "ssm", "dynamodb": "dynamodb", "lambda": "lambda", "stepfunctions": "states"}
SESSION = boto3.Session("a", "b")
REGIONS = sorted(
    {region for part in ("aws", "aws-cn", "aws-us-gov") for region in SESSION.get_available_regions("ssm", part)}
)


@pytest.mark.parametrize("service", SERVICES)
def test_every_region_has_the_endpoint_that_botocore_knows(service: str) -> None:
    for region in REGIONS:
        endpoint = endpoint_of("X", SERVICES[service], region, {})
        client = SESSION.client(service, region_name=region)  # type: ignore[call-overload]  # a name from a list
        assert f"https://{endpoint.authority}{endpoint.path}" == client.meta.endpoint_url


def test_the_environment_says_where_a_service_answers() -> None:
    env = {"AWS_ENDPOINT_URL": "http://localhost:4577", "AWS_ENDPOINT_URL_DYNAMODB": "https://db.example:8443/base/"}
    found = endpoint_of("DYNAMODB", "dynamodb", "eu-west-1", env)
    assert (found.tls, found.host, found.port, found.authority, found.path) == (
        True, "db.example", 8443, "db.example:8443", "/base",
    )  # fmt: skip
    assert endpoint_of("SSM", "ssm", "eu-west-1", env).authority == "localhost:4577"
    ignoring = {**env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert endpoint_of("SSM", "ssm", "eu-west-1", ignoring).host == "ssm.eu-west-1.amazonaws.com"
    assert endpoint_of("SSM", "ssm", "eu-west-1", {"AWS_ENDPOINT_URL": ""}).host == "ssm.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    "url", ["", "localhost:80", "ftp://a", "http://", "http://user@host", "http://a b", "http://a?b"]
)
def test_what_is_no_url_of_an_endpoint_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="endpoint"):
        Endpoint(url)


def test_an_address_in_brackets_is_connected_to_without_them() -> None:
    assert (Endpoint("http://[::1]:80").host, Endpoint("http://[::1]:80").authority) == ("::1", "[::1]")


@pytest.mark.parametrize("name", ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"])
def test_what_only_botocore_does_is_left_to_it(name: str) -> None:
    assert needs_botocore({name: "true"})
    assert not needs_botocore({name: "false"})
    assert needs_botocore({"HTTPS_PROXY": "http://proxy:3128"})
    assert not needs_botocore({"HTTPS_PROXY": ""})


def test_without_a_region_there_is_nowhere_to_call() -> None:
    with pytest.raises(ConfigurationError, match="region"):
        Wire({})


def test_keys_of_the_environment_come_first() -> None:
    env = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    found = source_of({**env, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/"})()
    assert (found.access_key, found.secret_key, found.token) == ("a", "s", "t")


def test_where_there_is_nothing_else_botocores_chain_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = tmp_path / "credentials"
    profile.write_text("[default]\naws_access_key_id = from-a-file\naws_secret_access_key = s\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    source = source_of({})
    assert isinstance(source, BotocoreChain)
    assert source().access_key == "from-a-file"


def test_without_any_credentials_nothing_is_sent() -> None:
    with pytest.raises(NoCredentials):
        BotocoreChain()()


class Container:
    """The endpoint of Lambda's SnapStart, and a clock."""

    def __init__(self, url: str) -> None:
        self.env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/creds", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "secret"}
        self.time = 0.0
        self.status = 200
        self.asked: list[tuple[str, str | None]] = []

    def answer(self) -> bytes:
        expires = f"1970-01-01T0{len(self.asked)}:00:00Z"  # an hour after the one before
        made = {"AccessKeyId": f"key-{len(self.asked)}", "SecretAccessKey": "s", "Token": "t", "Expiration": expires}
        return json.dumps(made).encode()


@contextmanager
def serving() -> Iterator[Container]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            container.asked.append((self.path, self.headers.get("Authorization")))
            self.send_response(container.status)
            self.end_headers()
            self.wfile.write(container.answer())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        container = Container(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield container
        server.shutdown()
        thread.join()


def test_a_containers_credentials_are_fetched_with_its_token_and_kept() -> None:
    with serving() as container:
        source = ContainerCredentials(container.env, lambda: container.time)
        assert [source().access_key for _ in range(3)] == ["key-1"] * 3
        assert container.asked == [("/creds", "secret")]


def test_they_are_fetched_anew_ten_minutes_before_they_expire() -> None:
    with serving() as container:
        source = ContainerCredentials(container.env, lambda: container.time)
        source()
        container.time = 3600 - 601
        assert source().access_key == "key-1"
        container.time = 3600 - 599
        assert source().access_key == "key-2"


def test_old_ones_serve_while_new_ones_cannot_be_had_and_they_are_valid() -> None:
    with serving() as container:
        source = ContainerCredentials(container.env, lambda: container.time)
        source()
        container.status, container.time = 500, 3600 - 300
        assert [source().access_key for _ in range(3)] == ["key-1"] * 3
        assert len(container.asked) == 2, "an endpoint in trouble is not asked at every request"
        container.time = 3601
        with pytest.raises(NoCredentials, match="500"):
            source()
        container.status = 200
        assert source().access_key.startswith("key-")


def test_a_token_does_not_leave_the_machine_in_the_clear() -> None:
    source = ContainerCredentials({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/creds"})
    with pytest.raises(NoCredentials, match=r"example\.com"):
        source()


def test_a_token_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    with serving() as container:
        ContainerCredentials({**container.env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token")})()
        assert container.asked == [("/creds", "from a file")]


def test_certificates_are_always_verified(tmp_path: Path) -> None:
    context = Tls(None)()
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"
    with pytest.raises(OSError, match="No such file"):
        Tls(str(tmp_path / "missing.pem"))()


def test_a_client_is_made_without_a_connection() -> None:
    env = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}
    wire = Wire(env)
    for make in (wire.ssm, wire.dynamodb, wire.functions, wire.executions):
        assert make(Limits(1, 1)) is not None

"""The front-end's client against a server on this machine: finding the router, sending once, waiting."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from tests.unit import loopback_cloud
from tests.unit.loopback_cloud import ENVIRONMENT, EXECUTION, Cloud, Reply, gateway, ok, problem

from canary_router.client import RouterClient, Tuning, new_key
from canary_router.client.discovery import Directory
from canary_router.client.transport import ANSWER_LIMIT_BYTES
from canary_router.core.model import Route, Status
from canary_router.errors import (
    AccessRefused,
    CanaryRouterError,
    ConfigurationError,
    InputTooLarge,
    InvalidInput,
    KeyReused,
    NoCurrentVersion,
    NotFound,
    NotInTime,
    NotStartedOnCurrent,
    RecordUnavailable,
    StartUnknown,
    Throttled,
    Unavailable,
)

LOST: Reply = (0, {}, b"")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with loopback_cloud.running() as cloud:
        monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.url)
        yield cloud


def client_of(cloud: Cloud, attempts: int = 4) -> RouterClient:
    return RouterClient(ENVIRONMENT, session=cloud.session(), tuning=Tuning(attempts=attempts, read_seconds=5))


def test_a_job_goes_to_the_address_in_cloud_map_with_the_key_from_secrets_manager(cloud: Cloud) -> None:
    client = client_of(cloud)
    transform = client.submit("transformer", {"year": 2014})
    assert (transform.transform_id, transform.route, transform.version) == ("t-1", Route.CURRENT, "v1.0.0")
    assert (transform.status, transform.is_final, transform.execution_arn) == (Status.RUNNING, False, EXECUTION)
    ((method, path, headers, body),) = cloud.requests
    assert (method, path, json.loads(body)) == ("POST", "/stage/services/transformer/transforms", {"year": 2014})
    assert headers["x-api-key"] == "key-1"
    assert "idempotency-key" not in headers
    assert client.endpoint == f"{cloud.url}/stage"


def test_address_and_key_are_looked_up_once_for_many_jobs(cloud: Cloud) -> None:
    client = client_of(cloud)
    for _ in range(5):
        client.submit("transformer", {})
    assert cloud.aws_calls == ["DiscoverInstances", "GetSecretValue"]


def test_a_key_that_was_exchanged_is_read_anew_and_the_job_sent_again(cloud: Cloud) -> None:
    client = client_of(cloud)
    client.submit("transformer", {})
    cloud.accepted_key = cloud.secrets["the-secret"] = "key-2"
    assert client.submit("transformer", {}).transform_id == "t-1"
    assert [headers["x-api-key"] for _, _, headers, _ in cloud.requests] == ["key-1", "key-1", "key-2"]


def test_a_key_that_stays_wrong_is_an_error_and_does_not_hammer_secrets_manager(cloud: Cloud) -> None:
    client = client_of(cloud)
    cloud.accepted_key = "nobody has it"
    for _ in range(3):
        with pytest.raises(AccessRefused, match="Forbidden"):
            client.submit("transformer", {})
    assert cloud.aws_calls.count("GetSecretValue") == 2
    assert len(cloud.requests) == 3


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_was_found_is_looked_up_again_when_it_is_old_and_kept_when_aws_does_not_answer(cloud: Cloud) -> None:
    clock = Seconds()
    directory = Directory(ENVIRONMENT, cloud.session(), 300, clock)
    first = directory.locate()
    assert "key-1" not in repr(first)
    clock.now = 301
    cloud.secrets["the-secret"] = "key-2"
    assert directory.locate() == replace(first, api_key="key-2")
    cloud.aws_is_down = True
    clock.now = 700
    assert directory.locate().api_key == "key-2"
    assert len(cloud.aws_calls) == 5  # two look-ups, and one that failed at the first call
    clock.now = 705
    directory.locate()
    assert len(cloud.aws_calls) == 5
    clock.now = 711
    directory.locate()
    assert len(cloud.aws_calls) == 6


@pytest.mark.parametrize(
    ("answer", "error", "said", "advice"),
    [
        ("ExpiredTokenException", AccessRefused, "ExpiredToken", "Log in again"),
        ("AccessDeniedException", AccessRefused, "AccessDenied", "Allow the caller servicediscovery:DiscoverInstances"),
        ("", Unavailable, "is not Cloud Map", "a proxy, or a log-in page"),
    ],
)
def test_where_nobody_can_be_looked_up_the_remedy_is_the_one_that_helps(
    cloud: Cloud, answer: str, error: type[CanaryRouterError], said: str, advice: str
) -> None:
    cloud.aws_is_down, cloud.aws_error = True, answer
    with pytest.raises(error, match=said) as raised:
        Directory(ENVIRONMENT, cloud.session(), 300).locate()
    assert advice in raised.value.advice


def test_without_a_router_the_error_says_what_to_do(cloud: Cloud) -> None:
    cloud.instances = cloud.instances[:1]
    with pytest.raises(NotFound, match="No router is registered in Cloud Map for the environment 'test'") as raised:
        client_of(cloud).submit("transformer", {})
    assert raised.value.advice
    assert cloud.requests == []


def test_two_routers_for_one_environment_are_refused_and_one_registered_twice_is_not(cloud: Cloud) -> None:
    cloud.instances.append(dict(cloud.instances[-1]))
    assert client_of(cloud).submit("transformer", {}).transform_id == "t-1"
    cloud.instances[-1]["endpoint"] = "https://elsewhere.example"
    with pytest.raises(ConfigurationError, match=r"elsewhere\.example"):
        client_of(cloud).submit("transformer", {})


def test_a_key_is_never_sent_in_clear_beyond_this_machine(cloud: Cloud) -> None:
    cloud.instances[-1]["endpoint"] = "http://router.example/stage"
    with pytest.raises(ConfigurationError, match="no HTTPS address"):
        client_of(cloud).submit("transformer", {})
    assert "GetSecretValue" not in cloud.aws_calls


def test_a_missing_secret_and_a_silent_directory_are_told_apart(cloud: Cloud) -> None:
    cloud.secrets.clear()
    with pytest.raises(NotFound, match="the-secret"):
        client_of(cloud).submit("transformer", {})
    cloud.aws_is_down = True
    with pytest.raises(Unavailable, match="Cloud Map"):
        client_of(cloud).submit("transformer", {})


@pytest.mark.usefixtures("cloud")
def test_a_session_without_a_region_is_a_mistake_and_not_an_outage() -> None:
    client = RouterClient(ENVIRONMENT, session=boto3.Session(aws_access_key_id="a", aws_secret_access_key="s"))
    with pytest.raises(ConfigurationError, match="You must specify a region"):
        client.submit("transformer", {})


def test_a_redirect_is_not_followed_since_it_could_lead_the_key_away(cloud: Cloud) -> None:
    cloud.replies = [(302, {"Location": f"{cloud.url}/thief"}, b"")]
    with pytest.raises(StartUnknown):
        client_of(cloud).submit("transformer", {})
    assert len(cloud.requests) == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (problem(400, "invalid-input"), InvalidInput),
        (problem(404, "not-found"), NotFound),
        (problem(409, "key-reused"), KeyReused),
        (problem(413, "input-too-large"), InputTooLarge),
        (problem(502, "not-started", transform_id="t-9"), NotStartedOnCurrent),
        (problem(503, "no-current-version"), NoCurrentVersion),
        (problem(503, "record-unavailable"), RecordUnavailable),
        (problem(503, "unavailable"), Unavailable),
        (problem(504, "start-unknown", transform_id="t-9"), StartUnknown),
        (problem(403, "forbidden"), AccessRefused),
        (problem(415, "unsupported-media-type"), InvalidInput),
        (problem(429, "throttled"), Throttled),
        (gateway(400, "Invalid request body"), InvalidInput),
        (gateway(413, "Request Too Long"), InputTooLarge),
        (gateway(429, "Too Many Requests"), Throttled),
        (gateway(500, "Internal server error"), StartUnknown),
        (gateway(502, "Internal server error"), StartUnknown),
        (gateway(503, "Service Unavailable"), StartUnknown),
        (gateway(504, "Endpoint request timed out"), StartUnknown),
        ((200, {}, b"<html>a proxy</html>"), StartUnknown),
        ((202, {}, b'{"transform_id": "t-1"}'), StartUnknown),
        ((202, {}, b"x" * (ANSWER_LIMIT_BYTES + 1)), StartUnknown),
        (LOST, StartUnknown),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else f"{value[0]} {value[2][:60]!r}",
)
def test_an_answer_is_an_error_of_the_class_that_the_router_raised(
    cloud: Cloud, reply: Reply, error: type[CanaryRouterError]
) -> None:
    cloud.replies = [reply]
    with pytest.raises(error) as raised:
        client_of(cloud, attempts=1).submit("transformer", {})
    assert type(raised.value) is error
    assert len(cloud.requests) == 1
    if b"transform_id" in reply[2] and isinstance(raised.value, NotStartedOnCurrent):
        assert raised.value.transform_id == "t-9"
    if b"problem" in reply[2]:
        assert "It is so. Do this." in str(raised.value)


@pytest.mark.parametrize("reply", [gateway(504, "Endpoint request timed out"), LOST], ids=["504", "connection lost"])
def test_a_job_whose_start_is_unknown_is_sent_again_only_with_a_key(cloud: Cloud, reply: Reply) -> None:
    cloud.replies = [reply]
    with pytest.raises(StartUnknown):
        client_of(cloud).submit("transformer", {})
    assert len(cloud.requests) == 1

    cloud.replies = [reply, reply]
    key = new_key()
    assert client_of(cloud).submit("transformer", {}, idempotency_key=key).transform_id == "t-1"
    sent = cloud.requests[1:]
    assert len(sent) == 3
    assert {(headers["idempotency-key"], body) for _, _, headers, body in sent} == {(key, b"{}")}


def test_a_job_that_certainly_did_not_start_is_sent_again_without_a_key_too(cloud: Cloud) -> None:
    cloud.replies = [gateway(429, "Too Many Requests"), problem(503, "unavailable")]
    assert client_of(cloud).submit("transformer", {}).transform_id == "t-1"
    assert len(cloud.requests) == 3


def test_the_router_says_when_it_wants_to_be_asked_again(cloud: Cloud) -> None:
    status, headers, body = problem(503, "no-current-version")
    cloud.replies = [(status, headers | {"Retry-After": "1"}, body)]
    began = time.monotonic()
    client_of(cloud).submit("transformer", {})
    assert time.monotonic() - began >= 1


def test_a_refused_job_is_not_sent_again(cloud: Cloud) -> None:
    cloud.replies = [problem(409, "key-reused")]
    with pytest.raises(KeyReused):
        client_of(cloud).submit("transformer", {}, idempotency_key="k")
    assert len(cloud.requests) == 1


def test_a_router_that_is_not_there_gets_nothing_and_the_error_says_so(cloud: Cloud) -> None:
    with loopback_cloud.running() as gone:
        cloud.instances[-1]["endpoint"] = gone.url
    with pytest.raises(Unavailable, match="cannot be reached"):
        client_of(cloud, attempts=1).submit("transformer", {})


@pytest.mark.parametrize("document", [{"x": float("nan")}, {1, 2}, object()])
def test_an_input_that_is_no_json_is_refused_before_it_is_sent(cloud: Cloud, document: Any) -> None:
    with pytest.raises(InvalidInput, match="not JSON"):
        client_of(cloud).submit("transformer", document)
    assert cloud.requests == []


@pytest.mark.parametrize("key", ["two\r\nlines", "日本"])
def test_a_key_that_is_no_header_is_refused_before_it_is_sent(cloud: Cloud, key: str) -> None:
    with pytest.raises(InvalidInput):
        client_of(cloud).submit("transformer", {}, idempotency_key=key)
    assert cloud.requests == []


def test_a_service_name_cannot_lead_to_another_resource(cloud: Cloud) -> None:
    client_of(cloud).submit("../x?y#", {})
    assert cloud.requests[0][1] == "/stage/services/..%2Fx%3Fy%23/transforms"


def test_the_status_is_asked_at_the_status_url_and_asked_again_when_it_fails(cloud: Cloud) -> None:
    client = client_of(cloud)
    transform = client.submit("transformer", {})
    cloud.replies = [
        gateway(500, "Internal server error"),
        problem(504, "start-unknown"),
        LOST,
        ok(200, status="SUCCEEDED"),
    ]
    assert client.status(transform).succeeded
    assert {(method, path) for method, path, _, _ in cloud.requests[1:]} == {
        ("GET", f"/stage/services/transformer/transforms/t-1?execution_arn={EXECUTION}")
    }


def test_waiting_ends_with_the_job_however_it_ends(cloud: Cloud) -> None:
    client = client_of(cloud)
    transform = client.submit("transformer", {})
    cloud.replies = [ok(200), ok(200), ok(200, status="FAILED")]
    ended = client.wait(transform, poll=0.01)
    assert (ended.status, ended.is_final, ended.succeeded) == (Status.FAILED, True, False)
    assert client.wait(ended) is ended


def test_waiting_outlives_a_router_that_is_away_for_a_while(cloud: Cloud) -> None:
    client = client_of(cloud, attempts=1)
    transform = client.submit("transformer", {})
    cloud.replies = [gateway(503, "Service Unavailable"), LOST, ok(200, status="SUCCEEDED")]
    assert client.wait(transform, poll=0.01).succeeded


def test_waiting_gives_up_when_the_time_is_over(cloud: Cloud) -> None:
    client = client_of(cloud)
    transform = client.submit("transformer", {})
    cloud.replies = [ok(200)] * 100
    with pytest.raises(NotInTime, match="still RUNNING"):
        client.wait(transform, timeout=0.1, poll=0.02)


def remembering(cloud: Cloud, old_endpoint: str, attempts: int = 1) -> RouterClient:
    """A client that has found a router at another address than the one that is registered from now on."""
    client, now = client_of(cloud, attempts), cloud.instances[-1]["endpoint"]
    cloud.instances[-1]["endpoint"] = old_endpoint
    assert client.endpoint == old_endpoint
    cloud.instances[-1]["endpoint"] = now
    return client


def test_a_router_that_left_its_address_is_found_anew_and_the_job_sent_there(cloud: Cloud) -> None:
    with loopback_cloud.running() as gone:
        pass
    client = remembering(cloud, gone.url)
    transform = client.submit("transformer", {})
    assert client.status(transform).transform_id == "t-1"
    assert client.endpoint == f"{cloud.url}/stage"
    assert len(cloud.requests) == 2


def test_a_router_whose_old_address_answers_404_is_found_anew(cloud: Cloud) -> None:
    with loopback_cloud.running() as old:
        old.replies = [gateway(404, "Not Found")]
        assert remembering(cloud, old.url).submit("transformer", {}).transform_id == "t-1"
    assert (len(old.requests), len(cloud.requests)) == (1, 1)


def test_a_router_that_is_away_is_not_looked_for_by_every_call_nor_missed_in_cloud_map(cloud: Cloud) -> None:
    with loopback_cloud.running() as gone:
        pass
    client = remembering(cloud, gone.url)
    del cloud.instances[-1]
    for _ in range(3):
        with pytest.raises(Unavailable, match="cannot be reached"):
            client.submit("transformer", {})
    assert cloud.aws_calls.count("DiscoverInstances") == 2


def test_a_404_of_the_routers_own_is_an_answer_and_no_reason_to_look_for_the_router(cloud: Cloud) -> None:
    cloud.replies = [problem(404, "not-found")]
    with pytest.raises(NotFound):
        client_of(cloud).submit("transformer", {})
    assert cloud.aws_calls.count("DiscoverInstances") == 1


def test_a_job_is_found_by_its_id_and_its_execution(cloud: Cloud) -> None:
    client = client_of(cloud)
    cloud.replies = [ok(200, status="SUCCEEDED")]
    assert client.find("transformer", "t-1", EXECUTION).succeeded
    client.find("transformer", "../x?y#")
    assert [(method, path) for method, path, _, _ in cloud.requests] == [
        ("GET", f"/stage/services/transformer/transforms/t-1?execution_arn={EXECUTION}"),
        ("GET", "/stage/services/transformer/transforms/..%2Fx%3Fy%23"),
    ]

"""The front-end application over HTTP, without a browser: what it answers to whatever is sent to it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import urllib3
from tests.functional.frontend_world import ENVIRONMENT, World, application
from tests.unit.loopback_cloud import gateway, problem

from frontend.app import Application

EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD = {"key": "a-key-of-this-test-1", "year": "2014", "metric": "wind"}
LOST = (0, dict[str, str](), b"")


@dataclass(frozen=True)
class Page:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def key(self) -> str:
        found = re.search(r'name="key" value="([^"]*)"', self.text)
        assert found
        return found[1]


class Visitor:
    """A program that goes about the pages as a browser does, but for the script."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(20))

    def ask(self, method: str, path: str, body: bytes | None = None, /, **headers: str) -> Page:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self._http.request(method, self.url + path.lstrip("/"), body=body, headers=sent, redirect=False)
        return Page(answer.status, unescape(answer.data.decode()), dict(answer.headers))

    def get(self, path: str, **headers: str) -> Page:
        return self.ask("GET", path, **headers)

    def submit(self, fields: dict[str, str], **headers: str) -> Page:
        headers["Content_Type"] = "application/x-www-form-urlencoded"
        return self.ask("POST", "/jobs", urlencode(fields).encode(), **headers)

    def submitted(self, fields: dict[str, str]) -> str:
        answer = self.submit(fields)
        assert answer.status == 303, answer.text
        return answer.headers["Location"]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    world = World()
    monkeypatch.setenv("AWS_ENDPOINT_URL", world.url)
    yield world
    world.end()


@pytest.fixture
def visitor(world: World) -> Iterator[Visitor]:
    with application(world) as server:
        yield Visitor(server.url)


def test_a_form_becomes_a_job_whose_page_shows_request_version_route_and_step(world: World, visitor: Visitor) -> None:
    world.version, world.route = "v1.1.0", "latest"
    key = visitor.get("/").key
    page = visitor.get(visitor.submitted(GOOD | {"key": key}))
    (job,) = world.jobs
    assert job.document == {"year": 2014, "metric": "wind"}
    for part in ("Wind in 2014", "Running on v1.1.0: Prepare.", ">v1.1.0<", ">latest<", job.arn, 'data-final="no"'):
        assert part in page.text
    assert 'http-equiv="refresh"' in page.text


def test_by_the_next_contract_the_order_has_the_new_name_and_the_page_the_same_words(world: World) -> None:
    with application(world, "v2") as server:
        visitor = Visitor(server.url)
        page = visitor.get(visitor.submitted(GOOD))
    (job,) = world.jobs
    assert job.document == {"year": 2014, "measure": "wind"}
    assert "Wind in 2014" in page.text


def test_the_page_of_a_job_that_succeeded_has_the_chart_and_every_number(world: World, visitor: Visitor) -> None:
    address = visitor.submitted(GOOD)
    world.succeed(world.jobs[0])
    page = visitor.get(address).text
    assert 'data-final="yes"' in page
    assert page.count('class="range"') == 24  # twelve months, in two widths
    assert "Jan: -5.5 to 10 °C, mean 2.25 °C" in page
    assert '<th scope="col">Spread</th>' in page  # what a later version adds
    assert "fog <strong>36</strong>" in page
    assert "Took 42 s" in page
    assert 'http-equiv="refresh"' not in page


def test_the_page_of_a_job_that_failed_says_why_and_shows_no_traceback(world: World, visitor: Visitor) -> None:
    address = visitor.submitted(GOOD)
    job = world.jobs[0]
    job.status, job.error = "FAILED", "InvalidData"
    job.cause = '{"errorMessage": "no <b>days</b>", "errorType": "InvalidData", "stackTrace": ["secret.py, line 1"]}'
    answer = visitor.ask("GET", address)
    assert "Failed on v1.0.0." in answer.text
    assert "InvalidData: no <b>days</b>" in answer.text
    assert "secret.py" not in answer.text
    raw = urllib3.request("GET", visitor.url + address.lstrip("/")).data.decode()
    assert "no &lt;b&gt;days" in raw


@pytest.mark.parametrize(
    ("status", "said", "final"),
    [
        ("ADMITTED", "Accepted: v1.0.0 is about to start it.", "no"),
        ("TIMED_OUT", "Ran out of time on v1.0.0.", "yes"),
        ("ABORTED", "Was stopped on v1.0.0.", "yes"),
        ("NOT_STARTED", "Was not started on v1.0.0.", "yes"),
    ],
)
def test_every_state_of_a_job_has_words(world: World, visitor: Visitor, status: str, said: str, final: str) -> None:
    address = visitor.submitted(GOOD)
    world.jobs[0].status = status
    page = visitor.get(address).text
    assert said in page
    assert f'data-final="{final}"' in page


def test_the_same_form_sent_twice_is_one_job_and_with_other_values_it_is_told_so(
    world: World, visitor: Visitor
) -> None:
    assert visitor.submitted(GOOD) == visitor.submitted(GOOD)
    changed = visitor.submit(GOOD | {"year": "2013"})
    assert (changed.status, len(world.jobs)) == (409, 1)
    assert "This form was sent before, with other values." in changed.text
    assert changed.key != GOOD["key"]
    visitor.submitted(GOOD | {"year": "2013", "key": changed.key})
    assert [it.document["year"] for it in world.jobs] == [2014, 2013]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"year": ""}, "Give the year as four digits"),
        ({"year": "20145"}, "Give the year as four digits"),
        ({"year": "-2014"}, "Give the year as four digits"),
        ({"year": "\N{FULLWIDTH DIGIT TWO}014"}, "Give the year as four digits"),
        ({"year": "<script>alert(1)</script>"}, "Give the year as four digits"),
        ({"metric": "days; DROP TABLE"}, "Choose one of: Daily high temperature"),
        ({"key": "short"}, "This form is incomplete"),
        ({"key": ""}, "This form is incomplete"),
    ],
)
def test_what_cannot_be_a_request_is_said_beside_its_field_and_sent_nowhere(
    world: World, visitor: Visitor, fields: dict[str, str], message: str
) -> None:
    answer = visitor.submit(GOOD | fields)
    assert answer.status == 422
    assert message in answer.text
    assert "<script>alert" not in answer.text
    assert world.jobs == []
    assert world.router_calls == []


def test_a_form_is_bounded_in_size_and_fields_and_must_be_text(world: World, visitor: Visitor) -> None:
    assert visitor.submit(GOOD | {"more": "x" * 5000}).status == 413
    assert visitor.submit(GOOD | {f"f{n}": "x" for n in range(20)}).status == 400
    assert visitor.ask("POST", "/jobs", b"year=\xff\xfe").status == 400
    assert visitor.ask("POST", "/jobs", None, Content_Length="9" * 5000).status == 413
    assert visitor.ask("POST", "/jobs", None, Content_Length="-1").status == 400
    assert world.router_calls == []


def test_another_sites_page_can_neither_submit_nor_reach_the_server_by_a_name_of_its_own(
    world: World, visitor: Visitor
) -> None:
    assert visitor.submit(GOOD, Sec_Fetch_Site="cross-site").status == 403
    assert visitor.submit(GOOD, Origin="https://elsewhere.example").status == 403
    assert visitor.submit(GOOD, Origin="http://[").status == 403
    assert visitor.get("/", Host="elsewhere.example").status == 403
    assert visitor.get("/", Host="[").status == 403
    assert world.jobs == []
    assert visitor.submit(GOOD, Origin=visitor.url.rstrip("/"), Sec_Fetch_Site="same-origin").status == 303


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/job-1?execution_arn=arn:aws:states:eu-west-1:123456789012:execution:transformer-v1-0-0:another",
        "/jobs/job-1?execution_arn=arn:aws:states:eu-west-1:123456789012:execution:payroll-v1-0-0:job-1",
        "/jobs/job-1?execution_arn=arn:aws:iam::123456789012:role/x",
        "/jobs/job-1?" + "a=b&" * 20,
        "/jobs/job-99",
        "/jobs/..%2Fjob-1",
        "/jobs/" + "x" * 200,
        "/nowhere",
        "/static/../app.py",
    ],
)
def test_an_address_that_is_no_jobs_is_a_404_that_asks_step_functions_nothing(
    world: World, visitor: Visitor, path: str
) -> None:
    visitor.submitted(GOOD)
    answer = visitor.get(path)
    assert answer.status == 404
    assert "There is no such" in answer.text
    assert "DescribeExecution" not in world.aws_calls


def test_every_page_forbids_what_it_does_not_need_and_stays_out_of_caches(world: World, visitor: Visitor) -> None:
    address = visitor.submitted(GOOD)
    for page in (visitor.get("/"), visitor.get(address), visitor.get("/nowhere"), visitor.submit({})):
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store"
        assert not re.search(r"\son\w+=|\sstyle=|https?://", page.text)
        assert world.key not in page.text
    assert visitor.ask("DELETE", "/").headers["Allow"] == "GET, HEAD"
    assert visitor.ask("GET", "/jobs").headers["Allow"] == "POST"
    assert visitor.ask("HEAD", "/").status == 200


@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (problem(504, "start-unknown"), 504, "It is not known whether the job was started."),
        (LOST, 504, "It is not known whether the job was started."),
        (problem(502, "not-started"), 502, "The job could not be started."),
        (problem(503, "no-current-version"), 503, "does not take jobs at this moment"),
        (gateway(429, "Too Many Requests"), 503, "more to do than the service takes"),
        (problem(400, "invalid-input"), 400, "The service refuses this request."),
        (problem(404, "not-found"), 500, "This page cannot hand in jobs."),
    ],
)
def test_a_job_that_was_not_handed_in_keeps_its_form_and_says_what_to_do(
    world: World, visitor: Visitor, reply: Any, status: int, said: str
) -> None:
    world.replies = [reply] * 3
    answer = visitor.submit(GOOD)
    assert (answer.status, said in answer.text) == (status, True)
    assert 'value="2014"' in answer.text
    assert '<option value="wind" selected>' in answer.text
    assert "It is so" not in answer.text  # the router's own words are for the log
    # What a key stands for may still come to be, but not once it is known that the job was not started.
    assert (answer.key == GOOD["key"]) is (status != 502)
    world.replies = []
    visitor.submitted(GOOD | {"key": answer.key})
    assert len(world.jobs) == 1


def test_a_key_that_is_rotated_and_a_router_that_moves_are_no_reason_to_restart(world: World, visitor: Visitor) -> None:
    address = visitor.submitted(GOOD)
    world.rotate_key()
    assert visitor.get(address).status == 200
    second = visitor.submitted(GOOD | {"key": "a-key-of-this-test-2"})
    assert [status for _, status in world.router_calls].count(403) == 1
    # A refused key is looked up at most once in ten seconds, a moved router too: a new application stands for later.
    with application(world) as server:
        later = Visitor(server.url)
        assert later.get(address).status == 200
        port = world.move_router()
        assert later.get(second).status == 200
        later.submitted(GOOD | {"key": "a-key-of-this-test-3"})
    assert [at for at, _ in world.router_calls[-2:]] == [port, port]
    assert len(world.jobs) == 3


def test_address_and_key_are_looked_up_once_for_many_pages(world: World, visitor: Visitor) -> None:
    address = visitor.submitted(GOOD)
    for _ in range(5):
        visitor.get(address)
    assert world.aws_calls.count("DiscoverInstances") == world.aws_calls.count("GetSecretValue") == 1


def test_without_step_functions_or_the_result_the_page_shows_what_the_router_says(
    world: World, visitor: Visitor
) -> None:
    address = visitor.submitted(GOOD)
    world.succeed(world.jobs[0])
    world.refused_calls = {"DescribeExecution"}
    page = visitor.get(address)
    assert "Step Functions does not tell more about this job" in page.text
    assert "an inner matter" not in page.text
    assert 'class="range"' in page.text
    world.refused_calls = {"GetObject"}
    assert "cannot be read from S3 at the moment" in visitor.get(address).text
    world.refused_calls = set()
    world.objects.clear()
    assert "no longer in the bucket" in visitor.get(address).text


def test_a_version_that_has_published_nothing_has_no_result_to_show_and_the_page_says_so(
    world: World, visitor: Visitor
) -> None:
    address = visitor.submitted(GOOD)
    job = world.jobs[0]
    world.succeed(job)
    job.version = "other"
    assert "It cannot be found out where this version writes its results" in visitor.get(address).text


def test_what_nobody_thought_of_is_a_page_too_and_its_traceback_is_the_logs(
    world: World, visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    address = visitor.submitted(GOOD)
    world.jobs.clear()
    world.replies = [(200, {}, b'{"transform_id": "job-1"}')] * 3
    assert visitor.get(address).status == 503  # an answer that is no transform
    assert "Traceback" not in caplog.text
    no_such_thing: dict[str, Any] = {"REQUEST_METHOD": "GET", "PATH_INFO": 5}
    said = list[str]()
    body = b"".join(Application(None)(no_such_thing, lambda status, *_: said.append(status)))  # type: ignore[arg-type] # broken on purpose
    assert said == ["500 Internal Server Error"]
    assert b"Something went wrong here." in body
    assert b"Traceback" not in body
    assert "Traceback" in caplog.text


def test_the_command_says_what_is_missing_before_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES))

    def said(*arguments: str) -> str:
        command = [sys.executable, "-m", "frontend", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1
        return done.stderr

    assert "CANARY_ROUTER_ENVIRONMENT" in said()
    assert "'No Such' is not the name of an environment" in said("No Such")
    assert "No AWS region is known" in said(ENVIRONMENT)


def test_a_jobs_address_names_no_router(world: World, visitor: Visitor) -> None:
    assert urlsplit(visitor.submitted(GOOD)).netloc == ""

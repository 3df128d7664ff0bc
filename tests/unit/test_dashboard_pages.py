"""The dashboard's pages: what they show in each state, and that their twins say what the command line says."""

import logging
from typing import ClassVar

import pytest
from tests.unit import dashboard_states as worlds
from tests.unit.cli_desk import Person
from tests.unit.dashboard_visitor import PAGE, Visitor
from tests.unit.retirement_world import Estate
from tests.unit.world import SERVICE, World, arn

from canary_router.core.model import ReleaseState, Status
from canary_router.core.orders import OrderKind
from canary_router.core.pointers import Readings
from canary_router.dashboard.looks import Looks
from canary_router.errors import Unavailable
from canary_router.ports import Refused

Capsys = pytest.CaptureFixture[str]


def test_the_pages_are_the_same_documents_as_the_command_lines(capsys: Capsys) -> None:
    world = worlds.paused()
    visitor, person = Visitor(world), Person(world, capsys)
    release = world.release.release_id

    assert visitor.gets("/services.json").document == person.gets("status")
    page = visitor.gets(f"{PAGE}.json").document
    assert page == page | person.gets("status", SERVICE)
    assert page == page | person.gets("history", SERVICE)
    assert page["transforms"] == person.gets("transforms", SERVICE)["transforms"]
    assert visitor.gets(f"{PAGE}/releases/{release}.json").document["transforms"] == page["transforms"]
    job = page["transforms"][0]["transform_id"]
    assert visitor.gets(f"{PAGE}/jobs/{job}.json").document == person.gets("explain", job)


def test_a_twin_is_answered_to_whoever_accepts_only_json() -> None:
    visitor = Visitor(worlds.holding())
    by_header = visitor.gets(PAGE, HTTP_ACCEPT="application/json")
    assert by_header.headers["Content-Type"] == "application/json; charset=utf-8"
    assert by_header.text == visitor.gets(f"{PAGE}.json").text
    assert visitor.gets(PAGE, HTTP_ACCEPT="text/html,application/json;q=0.9").text.startswith("<!doctype html>")
    asked = visitor.gets(f"{PAGE}/orders/abort.json").document
    assert asked["question"].startswith("Turn v1.2.0 of transformer away in test, with 1 of 3 successes")
    nobody = visitor.gets("/services/nobody.json")
    assert (nobody.status, nobody.document["status"]) == (404, 404)
    assert nobody.document["problem"].startswith("There is no service 'nobody'")


@pytest.mark.parametrize(
    ("state", "word", "sentence", "gate"),
    [
        ("asleep", "Asleep", "v1.2.0 serves every request; nothing is being tried out.", "the gate is open"),
        ("holding", "On trial 1/3", "v1.2.0 waits for 2 jobs to end.", "closed; 8 h 29 min to the deadline"),
        ("promoting", "Promoting 1/3", "v1.2.0 waits for the controller to write the pointers", "the gate is open"),
        ("paused", "Paused 1/3", "v1.2.0 waits for somebody to resume, promote or abort it.", "the release is paused"),
        ("aborted", "Aborted", "v1.2.0 was turned away. v1.1.0 serves every request", "the gate stays shut"),
        ("invalid", "Invalid", "Somebody has to correct what is invalid", "the gate stays shut"),
    ],
)
def test_a_services_page_says_what_goes_on(state: str, word: str, sentence: str, gate: str) -> None:
    page = Visitor(worlds.STATES[state]()).gets(PAGE)
    assert page.status == 200
    assert f"<title>{word}: transformer" in page.text
    assert sentence in page.words
    assert gate in page.text


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("asleep", {"rollback"}),
        ("holding", {"promote", "pause", "abort", "rollback"}),
        ("promoting", set[str]()),
        ("paused", {"promote", "resume", "abort", "rollback"}),
        ("aborted", {"rollback"}),
        ("invalid", {"rollback"}),
    ],
)
def test_only_orders_that_make_sense_are_offered(state: str, offered: set[str]) -> None:
    text = Visitor(worlds.STATES[state]()).gets(PAGE).text
    assert {kind.value for kind in OrderKind if f"/orders/{kind}" in text} == offered


def test_while_current_is_invalid_only_a_pause_is_offered_and_the_parameter_is_named() -> None:
    world = worlds.holding()
    world.pointers.put(SERVICE, "current", "nonsense", "")
    page = Visitor(world).gets(PAGE)
    assert {kind.value for kind in OrderKind if f"/orders/{kind}" in page.text} == {"pause"}
    assert "The pointer 'current' of transformer holds 'nonsense'" in page.words
    assert "To correct: /canary-router/test/transformer/current takes the ARN of a pipeline function" in page.words
    world.pointers.put(SERVICE, "policy", "{}x", "")
    page = Visitor(world).gets(PAGE)
    assert "or none; /canary-router/test/transformer/policy takes a policy: canary-router policy check" in page.words


def test_a_version_that_the_router_has_not_looked_at_yet_can_be_decided_already() -> None:
    world = World()
    world.reconcile()
    world.write_latest("v1.1.0")
    page = Visitor(world).gets(PAGE)
    assert "The router is about to look at v1.1.0." in page.words
    assert {kind.value for kind in OrderKind if f"/orders/{kind}" in page.text} == {"promote", "pause", "abort"}


def test_the_history_tells_why_and_who_each_once() -> None:
    world = worlds.paused()
    page = Visitor(world).gets(PAGE).words
    assert "1 job failed, 0 allowed (1 succeeded, 1 failed, 0 running)" in page
    assert f"pause by {worlds.ANN} , " in page
    assert "“the source data is being reloaded” (1 succeeded, 0 failed, 2 running)" in page
    world = worlds.asleep()
    page = Visitor(world).gets(PAGE).words
    assert page.count("the numbers for June were wrong") == 1
    assert f"aborted by order of {worlds.ANN}: the numbers for June were wrong" in page


def test_jobs_stand_on_the_time_line_from_their_beginning_to_their_end() -> None:
    world = worlds.aborted()
    text = Visitor(world).gets(PAGE).text
    release = world.release
    for job in worlds.jobs_of(world, release):
        assert f'id="job-{job.transform_id}"' in text
    words = Visitor(world).gets(f"{PAGE}/releases/{release.release_id}").words
    for said in ("succeeded after 2 h 6 min", "running for", "failed after 36 min", "Sent 3 of 3", "Failed 1 (0 all"):
        assert said in words


def test_a_release_without_a_canary_says_so() -> None:
    world = worlds.asleep()
    first = world.releases[-1]
    page = Visitor(world).gets(f"{PAGE}/releases/{first.release_id}").words
    assert "It had no canary to pass: its basis is “adopted”." in page


def test_a_service_with_nothing_and_an_environment_with_none_say_so() -> None:
    empty = World(current="")
    assert "No service has been released in test yet." in Visitor(empty).gets("/services").words
    empty.pointers.put(SERVICE, "latest", "none", "")
    page = Visitor(empty).gets(PAGE).words
    assert "No version serves yet: every request is refused until one is released." in page
    assert "Nothing was ever released here." in page


def test_a_long_history_is_cut_and_says_how_to_see_the_rest() -> None:
    world = World()
    world.reconcile()
    for number in range(25):
        world.write_latest(f"v1.1.{number}")
        world.reconcile()
    page = Visitor(world).gets(PAGE)
    assert page.text.count('<li id="release-') == 20
    assert "6 older ones: canary-router --environment test history transformer --limit 500" in page.words


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/services/nobody", "There is no service 'nobody'. Nothing was ever released for it here."),
        (f"{PAGE}/releases/r9-9", "There is no release 'r9-9' of 'transformer'. Choose one of its history."),
        (f"{PAGE}/jobs/t-nobody", "Nothing is known of a job 't-nobody'."),
        ("/services/Nobody", "There is no such page here."),
        ("/nothing", "There is no such page here."),
    ],
)
def test_what_is_not_there_is_one_line(path: str, line: str) -> None:
    seen = Visitor(worlds.asleep()).gets(path)
    assert seen.status == 404
    assert seen.trouble.startswith(line)


def test_a_job_of_another_service_is_not_shown_under_this_one() -> None:
    world = worlds.holding()
    worlds.neighbours(world)
    job = worlds.jobs_of(world, world.release)[0].transform_id
    assert Visitor(world).gets(f"/services/billing-export/jobs/{job}").status == 404
    assert "Why this job ran on v1.2.0" in Visitor(world).gets(f"{PAGE}/jobs/{job}").words


class ExpiredToken(Exception):
    """As botocore's ClientError says it."""

    response: ClassVar = {"Error": {"Code": "ExpiredToken"}}


class LoggedOut:
    """SSM, for somebody whose login has expired."""

    def read(self, service: str) -> Readings:
        raise Unavailable("reading the parameters: the security token is expired") from ExpiredToken()

    def services(self) -> tuple[str, ...]:
        raise Unavailable("listing the services: the security token is expired") from ExpiredToken()


@pytest.mark.parametrize("path", ["/services", PAGE, f"{PAGE}/orders/promote"])
def test_an_error_of_aws_is_one_line_that_says_what_to_do(path: str) -> None:
    world = worlds.holding()
    world.replace_ports(pointers=LoggedOut())
    seen = Visitor(world).gets(path)
    assert seen.status == 503
    assert seen.trouble.endswith("the security token is expired. Log in again.")
    assert "data-live" in seen.text  # it comes again by itself
    assert Visitor(world).gets(f"{path}.json").document["problem"] == seen.trouble


def test_an_error_that_nobody_foresaw_is_told_to_the_log_and_not_to_the_page(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(LoggedOut):
        def services(self) -> tuple[str, ...]:
            raise ZeroDivisionError("secret")

    world = worlds.holding()
    world.replace_ports(pointers=Broken())
    with caplog.at_level(logging.ERROR):
        seen = Visitor(world).gets("/services")
    assert (seen.status, seen.trouble) == (500, "Something is wrong here: the terminal has the traceback.")
    assert "secret" not in seen.text
    assert "ZeroDivisionError" in caplog.text


def test_windows_that_look_at_the_same_moment_cost_one_look() -> None:
    world = worlds.holding()
    visitor = Visitor(world, patience=60)
    visitor.gets(PAGE)
    before = world.ledger.gets
    for _ in range(10):
        visitor.gets(PAGE)
    assert world.ledger.gets == before
    visitor.orders("pause")
    assert "Paused" in visitor.gets(PAGE).words  # an order is seen at once


def test_a_history_that_was_read_before_the_release_moved_on_is_read_again() -> None:
    world = worlds.promoting()
    looks = Looks(world.ports, patience=60)
    assert looks.past(SERVICE).releases[0].state is ReleaseState.PROMOTING
    world.reconcile()
    sight = looks.service(SERVICE)
    assert sight.view.release == sight.past.releases[0]
    assert sight.past.releases[0].state is ReleaseState.PROMOTED


def test_a_job_that_did_not_start_is_on_the_line_as_what_it_is() -> None:
    world = World()
    world.reconcile()
    world.write_latest("v1.1.0")
    world.reconcile()
    world.pipelines.answers[arn("v1.1.0")] = Refused("throttled")
    world.submit()
    page = Visitor(world).gets(PAGE).words
    assert "did not start" in page
    assert world.release.not_started == 1
    assert Status.NOT_STARTED.value not in page


def test_what_was_retired_is_in_the_history_with_who_and_why(capsys: Capsys) -> None:
    estate = Estate()
    estate.retire(estate.plan()["v1.0.0"])
    visitor = Visitor(estate.world)
    page, twin = visitor.gets(PAGE).text, visitor.gets(f"{PAGE}.json").document
    assert "v1.0.0 retired by" in " ".join(page.split())
    assert twin["retirements"] == Person(estate.world, capsys).gets("history", SERVICE)["retirements"]

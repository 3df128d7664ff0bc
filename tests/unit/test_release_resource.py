import json
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.core.pointers import Readings
from canary_router.errors import InvalidInput, Unavailable, Uncertain
from canary_router.flows.deployed import deployed_versions
from canary_router.lambdas.custom_resource import Outcome, carry_out, order_from, reply, serve
from canary_router.settings import Settings

CONFIG = Settings("test", (SERVICE,))


def event(kind: str, tag: str = "v1.1.0", request: str = "q1", **more: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "RequestId": request,
        "StackId": "stack",
        "LogicalResourceId": "Release",
        "ResponseURL": "http://127.0.0.1:1/",
        "ResourceProperties": {"Service": SERVICE, "Version": tag, "PipelineArn": arn(tag)},
        **more,
    }


def order(world: World, kind: str, tag: str = "v1.1.0", request: str = "q1", **more: Any) -> Outcome:
    return carry_out(world.pointers, order_from(event(kind, tag, request, **more)), CONFIG)


def test_a_created_stack_writes_latest() -> None:
    world = World()
    outcome = order(world, "Create")
    assert (outcome.problem, outcome.changed, world.pointer("latest")) == ("", True, arn("v1.1.0"))


def test_the_commit_is_put_on_record_with_the_release() -> None:
    world = World()
    properties = {**event("Create")["ResourceProperties"], "Commit": "a" * 40}
    assert order(world, "Create", ResourceProperties=properties).problem == ""
    assert deployed_versions(world.ports, SERVICE)["v1.1.0"] == "a" * 40


@pytest.mark.parametrize("commit", ["", "abc", "A" * 40, "a" * 41, 7, None, "a" * 40 + "\n"])
def test_what_is_no_commit_is_refused_and_nothing_is_written(commit: object) -> None:
    world = World()
    properties = {**event("Create")["ResourceProperties"], "Commit": commit}
    assert "'Commit'" in order(world, "Create", ResourceProperties=properties).problem
    assert world.readings.latest is None


def test_a_repeated_order_releases_once() -> None:
    world = World()
    first = order(world, "Create")
    again = order(world, "Create")
    assert first.physical_id == again.physical_id
    assert world.readings.latest is not None
    assert world.readings.latest.version == 1


def test_a_repeated_order_does_not_release_again_what_was_decided_meanwhile() -> None:
    world = World()
    order(world, "Create")
    world.pointers.put(SERVICE, "latest", "none", "the controller")
    order(world, "Create")
    assert world.pointer("latest") == "none"


def test_a_stack_that_is_rolled_back_withdraws_its_own_write() -> None:
    world = World()
    created = order(world, "Create")
    deleted = order(world, "Delete", request="q2", PhysicalResourceId=created.physical_id)
    assert (deleted.problem, world.pointer("latest")) == ("", "none")


def test_a_deleted_stack_leaves_somebody_elses_write_alone() -> None:
    world = World()
    created = order(world, "Create")
    world.write_latest("v1.2.0")
    assert not order(world, "Delete", request="q2", PhysicalResourceId=created.physical_id).changed
    assert world.pointer("latest") == arn("v1.2.0")


def test_the_same_version_released_anew_is_not_withdrawn_by_the_older_stack() -> None:
    world = World()
    created = order(world, "Create")
    world.write_latest("v1.1.0")
    assert not order(world, "Delete", request="q2", PhysicalResourceId=created.physical_id).changed
    assert world.pointer("latest") == arn("v1.1.0")


def test_a_creation_that_failed_is_deleted_without_an_effect() -> None:
    world = World()
    failed = carry_out(world.pointers, order_from(event("Create", PhysicalResourceId="")), Settings("test", ("x",)))
    assert "does not serve" in failed.problem
    deleted = order(world, "Delete", request="q2", PhysicalResourceId=failed.physical_id)
    assert (deleted.problem, deleted.changed, world.pointer("latest")) == ("", False, "")


def test_an_update_that_changes_nothing_of_the_release_does_not_release() -> None:
    world = World()
    created = order(world, "Create")
    properties = event("Update")["ResourceProperties"]
    updated = order(
        world, "Update", request="q2", PhysicalResourceId=created.physical_id, OldResourceProperties=properties
    )
    assert (updated.changed, updated.physical_id) == (False, created.physical_id)


def test_an_arn_that_is_none_is_refused_with_a_word() -> None:
    world = World()
    broken = event("Create")
    broken["ResourceProperties"]["PipelineArn"] = "transformer"
    assert "not the ARN" in carry_out(world.pointers, order_from(broken), CONFIG).problem


def a_controller() -> Any:
    """A client of Lambda, as far as nudging needs one."""
    return _Nudged()


class Losing:
    """The parameters of a world, but the answers to the next writes get lost: each has happened, or has not."""

    def __init__(self, world: World, happened: Sequence[bool] = (), *, silent_after: bool = False) -> None:
        self._pointers = world.pointers
        self._happened = list(happened)
        self._silent_after = silent_after
        self._has_lost = False
        self.history = world.pointers.history
        self.services = world.pointers.services

    def read(self, service: str) -> Readings:
        if self._has_lost and self._silent_after:
            raise Unavailable("SSM is silent")
        return self._pointers.read(service)

    def put(self, service: str, leaf: str, value: str, note: str) -> int:
        if not self._happened:
            return self._pointers.put(service, leaf, value, note)
        if self._happened.pop(0):
            self._pointers.put(service, leaf, value, note)
        self._has_lost = True
        raise Uncertain("the answer was lost")


def latest_version(world: World) -> int:
    assert world.readings.latest is not None
    return world.readings.latest.version


@pytest.mark.parametrize("happened", [True, False])
def test_a_write_whose_answer_was_lost_is_answered_with_its_version(happened: bool) -> None:  # noqa: FBT001 - a parameter of the test
    world = World()
    created = carry_out(Losing(world, [happened]), order_from(event("Create")), CONFIG)
    assert (created.problem, created.physical_id) == ("", f"release/{SERVICE}/v1.1.0/1")
    assert (world.pointer("latest"), latest_version(world)) == (arn("v1.1.0"), 1)


@pytest.mark.parametrize("happened", [[False, True], [True]], ids=["lost twice", "lost, then SSM is silent"])
def test_a_write_that_stays_unknown_is_not_answered_and_the_order_delivered_again_finds_it(
    cloudformation: tuple[str, list[dict[str, Any]]], happened: list[bool]
) -> None:
    world = World()
    url, answers = cloudformation
    create = event("Create", ResponseURL=url)
    losing = Losing(world, happened, silent_after=len(happened) == 1)
    with pytest.raises(Uncertain):
        serve(create, losing, CONFIG, a_controller())
    assert answers == []
    serve(create, world.pointers, CONFIG, a_controller())
    assert [(answer["Status"], answer["PhysicalResourceId"]) for answer in answers] == [
        ("SUCCESS", f"release/{SERVICE}/v1.1.0/1")
    ]
    assert latest_version(world) == 1
    order(world, "Delete", request="q2", PhysicalResourceId=answers[0]["PhysicalResourceId"])
    assert world.pointer("latest") == "none"


def test_a_withdrawal_whose_answer_was_lost_is_ordered_again_and_answered_once_it_is_known() -> None:
    world = World()
    created = order(world, "Create")
    delete = order_from(event("Delete", request="q2", PhysicalResourceId=created.physical_id))
    with pytest.raises(Uncertain):
        carry_out(Losing(world, [False, False]), delete, CONFIG)
    assert carry_out(Losing(world, [False]), delete, CONFIG).problem == ""
    assert world.pointer("latest") == "none"


def test_a_write_that_certainly_did_not_happen_is_answered_as_failed() -> None:
    world = World()

    class Silent(Losing):
        def put(self, service: str, leaf: str, value: str, note: str) -> int:
            raise Unavailable("throttled")

    failed = carry_out(Silent(world), order_from(event("Create")), CONFIG)
    assert ("throttled" in failed.problem, failed.changed) == (True, False)


class _Nudged:
    def invoke(self, **_: Any) -> None:
        """The controller's function is told, and says nothing."""


class _CloudFormation(BaseHTTPRequestHandler):
    answers: list[dict[str, Any]]

    def do_PUT(self) -> None:
        self.answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """A test does not chat."""


@pytest.fixture
def cloudformation() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    answers: list[dict[str, Any]] = []
    handler = type("Handler", (_CloudFormation,), {"answers": answers})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", answers
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("problem", "status"), [("", "SUCCESS"), ("no such service", "FAILED")])
def test_cloudformation_is_answered(
    cloudformation: tuple[str, list[dict[str, Any]]], problem: str, status: str
) -> None:
    url, answers = cloudformation
    reply(order_from(event("Create", ResponseURL=url)), Outcome("release/x/v1/1", changed=True, problem=problem))
    assert [(answer["Status"], answer["PhysicalResourceId"], answer["StackId"]) for answer in answers] == [
        (status, "release/x/v1/1", "stack")
    ]
    assert answers[0]["Reason"]


@pytest.mark.parametrize("url", ["http://example.org/", "file:///etc/passwd", "ftp://127.0.0.1/"])
def test_an_answer_never_goes_to_an_address_that_is_not_https(url: str) -> None:
    with pytest.raises(InvalidInput):
        reply(order_from(event("Create", ResponseURL=url)), Outcome("x", changed=False))

"""The demo claims only what was recorded, sends steadily, and tells what changes."""

import threading
import time
from dataclasses import replace

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.client import Transform
from canary_router.core.model import Basis, Release, ReleaseState, Route, Status, Version, WriteMark
from canary_router.core.model import Transform as Recorded
from canary_router.core.policy import Policy
from canary_router.errors import StartUnknown
from canary_router.flows.inspect import service_view
from canary_router.local.demo.delivered import Delivered
from canary_router.local.demo.load import Load, Sent
from canary_router.local.demo.scene import Scene, Watcher
from canary_router.local.demo.summary import Observed


def release(tag: str, state: ReleaseState, **changed: object) -> Release:
    made = Release(
        service=SERVICE,
        release_id=f"r-{tag}",
        target=Version(arn(tag), tag),
        write=WriteMark(1, 1),
        state=state,
        basis=Basis.CANARY,
        policy=Policy(),
        opened_at=1000,
        decided_at=3000,
        closed_at=3100,
        admitted=2,
        succeeded=2,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def recorded(tag: str, created_at: int) -> Recorded:
    return Recorded(
        f"t-{tag}", SERVICE, Route.LATEST, Version(arn(tag), tag), Status.SUCCEEDED, created_at, created_at, ""
    )


def sent(at: int, version: str, route: Route = Route.CURRENT) -> Sent:
    return Sent(at, at, version, route, f"t-{at}")


SUCCEEDED = ("t-500", "t-1500", "t-1600", "t-2000", "t-3500", "t-5000")
DELIVERED = Delivered(
    ended={**dict.fromkeys(SUCCEEDED, "SUCCEEDED"), "t-4500": "FAILED"},
    versions={
        **dict.fromkeys(("t-500", "t-2000"), "v1.0.0"),
        **dict.fromkeys(("t-1500", "t-1600", "t-3500", "t-5000"), "v1.1.0"),
        "t-4500": "v1.2.0",
    },
    days=dict.fromkeys(SUCCEEDED, 365),
    documents=dict.fromkeys(SUCCEEDED, 365),
    warmest="2014-08-11 with 35.6 °C",
)
ALL = Observed(
    sent=(
        sent(500, "v1.0.0"),
        sent(1500, "v1.1.0", Route.LATEST),
        sent(1600, "v1.1.0", Route.LATEST),
        sent(2000, "v1.0.0"),
        sent(3500, "v1.1.0"),
        sent(4500, "v1.2.0", Route.LATEST),
        sent(5000, "v1.1.0"),
    ),
    releases=(
        release("v1.0.0", ReleaseState.PROMOTED, basis=Basis.FIRST, admitted=0, succeeded=0),
        release("v1.1.0", ReleaseState.PROMOTED),
        release("v1.2.0", ReleaseState.ABORTED, admitted=1, succeeded=0, failed=1, reason="1 job failed"),
    ),
    canaries={"v1.1.0": (recorded("v1.1.0", 1501), recorded("v1.1.0", 1601)), "v1.2.0": (recorded("v1.2.0", 4501),)},
    current="v1.1.0",
    latest="none",
    seconds=60.04,
    delivered=DELIVERED,
)


def with_release(tag: str, **changed: object) -> Observed:
    changed_releases = [replace(it, **changed) if it.target.tag == tag else it for it in ALL.releases]  # type: ignore[arg-type]
    return replace(ALL, releases=tuple(changed_releases))


def delivered(**changed: object) -> Observed:
    return replace(ALL, delivered=replace(DELIVERED, **changed))  # type: ignore[arg-type]


def failing(observed: Observed) -> list[str]:
    return [claim for claim, held in observed.checks() if not held]


def test_when_everything_was_observed_every_claim_holds() -> None:
    assert failing(ALL) == []
    assert ALL.document() == {
        "requests": 7,
        "failed_requests": 0,
        "errors": [],
        "releases": [
            {"version": "v1.0.0", "state": "PROMOTED", "admitted": 0, "succeeded": 0, "failed": 0, "reason": ""},
            {"version": "v1.1.0", "state": "PROMOTED", "admitted": 2, "succeeded": 2, "failed": 0, "reason": ""},
            {
                "version": "v1.2.0",
                "state": "ABORTED",
                "admitted": 1,
                "succeeded": 0,
                "failed": 1,
                "reason": "1 job failed",
            },
        ],
        "current": "v1.1.0",
        "latest": "none",
        "seconds": 60.0,
        "jobs": {"v1.0.0": {"SUCCEEDED": 2}, "v1.1.0": {"SUCCEEDED": 4}, "v1.2.0": {"FAILED": 1}},
        "results": 6,
        "documents": 2190,
    }


@pytest.mark.parametrize(
    ("observed", "claim"),
    [
        (replace(ALL, sent=(*ALL.sent, Sent(9, 9, error="StartUnknown: lost"))), "1 failed: StartUnknown: lost"),
        (replace(ALL, sent=(*ALL.sent, sent(1700, "v1.1.0", Route.LATEST))), "exactly 2 jobs tried v1.1.0"),
        (replace(ALL, sent=ALL.sent[:3] + ALL.sent[4:]), "0 further jobs"),
        (replace(ALL, sent=tuple(it for it in ALL.sent if it.version != "v1.1.0" or it.is_canary)), "after the flip 0"),
        (replace(ALL, sent=(*ALL.sent, sent(6000, "v1.2.0"))), "at most 2 jobs tried v1.2.0"),
        (with_release("v1.0.0", basis=Basis.CANARY), "v1.0.0 became current without a canary"),
        (with_release("v1.1.0", succeeded=1), "exactly 2 jobs tried v1.1.0"),
        (with_release("v1.1.0", state=ReleaseState.ABORTED), "exactly 2 jobs tried v1.1.0"),
        (with_release("v1.2.0", admitted=3), "at most 2 jobs tried v1.2.0"),
        (with_release("v1.2.0", failed=0), "at most 2 jobs tried v1.2.0"),
        (with_release("v1.2.0", state=ReleaseState.OPEN), "at most 2 jobs tried v1.2.0"),
        (replace(ALL, current="v1.2.0"), "in the end v1.1.0 is current"),
        (replace(ALL, latest="v1.2.0"), "in the end v1.1.0 is current"),
        (replace(ALL, releases=()), "v1.0.0 became current"),
        (replace(ALL, sent=()), "of 0 requests"),
        (delivered(ended={**DELIVERED.ended, "t-500": "RUNNING"}), "every job has ended: 5 succeeded"),
        (delivered(ended={**DELIVERED.ended, "t-500": "FAILED"}), "and 2 failed, all of them on v1.2.0"),
        (delivered(ended=dict(list(DELIVERED.ended.items())[1:])), "every job has ended: 5 succeeded"),
        (delivered(days={**DELIVERED.days, "t-4500": 365}), "7 results are in S3"),
        (delivered(days=dict(list(DELIVERED.days.items())[1:])), "5 results are in S3"),
        (delivered(documents={**DELIVERED.documents, "t-500": 364}), "2,189 days in the index"),
        (delivered(warmest=""), "the warmest was not found"),
    ],
    ids=str,
)
def test_a_claim_that_was_not_observed_is_told(observed: Observed, claim: str) -> None:
    assert any(claim in it for it in failing(observed)), failing(observed)


def test_a_job_that_the_flip_overtook_does_not_break_the_claim_that_the_gate_held() -> None:
    overtaken = replace(ALL, sent=(*ALL.sent, sent(2990, "v1.1.0")))
    assert [claim for claim in failing(overtaken) if not claim.startswith("every job has ended")] == []


def answer(version: str = "v1.0.0", route: Route = Route.CURRENT) -> Transform:
    return Transform("t", SERVICE, route, version, arn(version), None, Status.RUNNING, "/")


def test_jobs_are_sent_at_the_rate_that_was_asked_for_and_failures_are_counted() -> None:
    numbers: list[int] = []
    lock = threading.Lock()

    def submit(number: int) -> Transform:
        with lock:
            numbers.append(number)
        if number % 5 == 0:
            raise StartUnknown("lost")
        return answer()

    with Load(submit, rate=40) as load:
        time.sleep(0.5)
    found = load.sent()
    assert 10 <= len(found) <= 24
    assert sorted(numbers) == list(range(1, len(found) + 1))
    assert {it.number for it in found if it.error} == {number for number in numbers if number % 5 == 0}
    assert all(it.error == "StartUnknown: lost" for it in found if it.error)


class Screen:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.scenes: list[Scene] = []

    def step(self, line: str) -> None:
        self.lines.append(f"» {line}")

    def happened(self, line: str) -> None:
        self.lines.append(line)

    def draw(self, scene: Scene) -> None:
        self.scenes.append(scene)


def test_the_watcher_tells_what_changes_between_two_looks() -> None:
    world = World()
    requests: list[Sent] = []
    screen = Screen()

    def submit(number: int) -> None:
        transform = world.submit()
        requests.append(Sent(number, number, transform.target.tag, transform.route, transform.transform_id))

    watcher = Watcher(lambda: service_view(world.ports, SERVICE), lambda: requests, screen, time.monotonic())
    watcher.look()
    world.write_latest("v1.1.0")
    world.reconcile()
    watcher.look()
    submit(1)
    submit(2)
    watcher.look()
    submit(3)
    for it in requests[:2]:
        world.end(world.recorded(it.transform_id))
    requests.append(Sent(4, 4, error="Unavailable: gone"))
    watcher.look()
    world.ledger.down = True
    watcher.look()
    assert screen.lines == [
        "latest = v1.1.0: the router wakes",
        "release of v1.1.0 is OPEN",
        "request 1 is a canary: its job runs on v1.1.0",
        "request 2 is a canary: its job runs on v1.1.0",
        "v1.1.0 is full: nothing more goes there until its 2 jobs have ended",
        "request 4 FAILED: Unavailable: gone",
        "a canary job on v1.1.0 succeeded",
        "a canary job on v1.1.0 succeeded",
        "release of v1.1.0 is PROMOTED: 2 of 2 required jobs succeeded (2 succeeded, 0 failed, 0 running)",
        "current = v1.1.0: the flip",
        "latest = none: the router sleeps",
    ]
    assert len(screen.scenes) == 4
    assert (screen.scenes[-1].current, screen.scenes[-1].latest) == ("v1.1.0", "none")

"""The gate's picture: a place for each job, in front of the barrier, however many there are."""

from dataclasses import replace

import pytest
from tests.unit import dashboard_states as worlds
from tests.unit import test_sequential_flow as sequential
from tests.unit.dashboard_visitor import PAGE, Visitor

from canary_router.core.model import Basis, ReleaseState, Status
from canary_router.dashboard.gate import gate

RADIUS = 19.0
"""Of a place in full size, with its rim."""
BARRIER = 272.0


@pytest.mark.parametrize("jobs", [1, 2, 3, 5, 12, 60])
def test_the_places_neither_touch_each_other_nor_the_barrier(jobs: int) -> None:
    release = replace(worlds.holding().release, admitted=jobs, succeeded=jobs - 1, failed=1)
    drawn = gate(release, release.opened_at)
    assert drawn is not None
    places = drawn.places[: jobs + 2]
    edges = [edge for it in places for edge in (it.x - RADIUS * it.scale, it.x + RADIUS * it.scale)]
    assert edges == sorted(edges)
    assert (edges[0] >= 0, edges[-1] < BARRIER) == (True, True)
    assert [it.kind for it in places].count("failed") == 1


def test_the_time_stops_with_the_decision_and_never_runs_over() -> None:
    release = worlds.holding().release
    half = release.opened_at + release.policy.deadline * 500
    late = release.deadline_at + 3_600_000
    for now, elapsed, left in (
        (release.opened_at, 0.0, "12 h to the deadline"),
        (half, 0.5, "6 h to the deadline"),
        (late, 1.0, "overdue for 1 h"),
    ):
        drawn = gate(release, now)
        assert drawn is not None
        assert (drawn.elapsed, drawn.left, drawn.barrier) == (elapsed, left, "closed")
    ended = gate(replace(release, state=ReleaseState.ABORTED, decided_at=half), late)
    assert ended is not None
    assert (ended.elapsed, ended.left, ended.barrier) == (0.5, "decided after 6 h", "shut")


def test_what_had_no_canary_has_no_gate() -> None:
    assert gate(replace(worlds.holding().release, basis=Basis.ROLLBACK), 0) is None


def test_a_sequential_gate_has_a_place_for_each_job_that_it_still_asks_for() -> None:
    world = sequential.on_trial()
    first, second = sequential.sent(world, 2)
    world.end(first)
    drawn = gate(world.release, world.release.opened_at)
    assert drawn is not None
    assert [it.kind for it in drawn.places] == ["succeeded", "running", "free"]
    assert (drawn.budget, drawn.needed, drawn.allowed) == (8, 3, 1)
    world.end(second, Status.FAILED)
    drawn = gate(world.release, world.release.opened_at)
    assert drawn is not None
    assert [it.kind for it in drawn.places] == ["succeeded", "failed", *["free"] * 5]
    assert "6 successes are needed" in drawn.text


def test_the_pages_of_a_release_under_a_sequential_gate_say_what_it_asks_for() -> None:
    world = sequential.on_trial()
    sequential.sent(world, 1)
    page = Visitor(world).gets(PAGE)
    assert page.status == 200
    assert "judged by a sequential test" in page.text
    assert "of at most 8" in page.text
    world = sequential.on_trial(plan=False)
    sequential.sent(world, 1)  # opens it
    unplanned = Visitor(world).gets(PAGE)
    assert unplanned.status == 200
    assert "its gate is not planned yet" in unplanned.text

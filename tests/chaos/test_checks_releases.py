"""The chaos's checker notices a broken budget, a release that is not final, and one that does not end as it should."""

from dataclasses import replace

import pytest
from tests.chaos.evidence import Execution
from tests.chaos.handmade import (
    BLANKED,
    ID,
    PROMOTED,
    RELEASED,
    aborted,
    answer,
    arn,
    asked,
    canary,
    evidence,
    execution,
    line,
    ms,
    release,
    version,
    written,
)
from tests.chaos.history import harm

from canary_router.core.model import Basis, Release, ReleaseState, Status

BAD = written(3, "v1.3.0", 20, "canary-router released on order order-2")


def turned_away(*ran: Execution, **changed: object) -> list[str]:
    """What the checker says of a second release, of v1.3.0, that was opened at 20.3 and aborted at 24 for one job."""
    after = aborted(BAD, "v1.3.0", 24, admitted=1, failed=1, **changed)
    admitted = canary("t4", after.release_id, 21, Status.FAILED)
    requests = [asked(one.request, answer(202, 0, 90, one.arn), key=False) for one in ran]
    return harm(
        evidence(
            *requests,
            latest=(RELEASED, BLANKED, BAD, written(4, "", 24.2, f"canary-router blanked {after.release_id}")),
            deployed=frozenset({1, 3}),
            releases=(PROMOTED, after),
            canaries=(*line().canaries, admitted),
            ran=(*line().ran, *ran),
        )
    )


FAILED = execution("t4", "v1.3.0", 21.2, "FAILED")


def test_a_release_that_is_turned_away_for_its_failure_passes() -> None:
    assert turned_away(FAILED) == []


def test_more_jobs_than_the_budget_on_record_are_noticed() -> None:
    canaries = (*line().canaries, canary("t5", ID, 3.1), canary("t6", ID, 3.1))
    assert any("overshot" in what for what in harm(evidence(canaries=canaries)))
    assert any("overshot" in what for what in harm(evidence(releases=(replace(PROMOTED, admitted=3),))))


def test_a_count_that_differs_from_the_jobs_on_record_is_noticed() -> None:
    assert any("counts 1 jobs, 2 are" in what for what in harm(evidence(releases=(replace(PROMOTED, admitted=1),))))


def test_more_jobs_than_the_releases_allow_are_noticed_from_the_outside() -> None:
    more = [execution(name, "v1.3.0", 21.3, "FAILED") for name in ("t5", "t6")]
    found = turned_away(FAILED, *more)
    assert any("overshot: 3 jobs of batch0 ran on v1.3.0 before it was current, 2 allowed" in what for what in found)


def test_a_job_on_a_version_that_was_never_current_and_that_no_release_admitted_is_noticed() -> None:
    stray = execution("t5", "v1.3.0", 21.3, "FAILED")
    assert [what for what in turned_away(FAILED, stray) if "astray" in what] != []


def test_a_job_that_begins_long_after_its_release_is_decided_is_noticed() -> None:
    assert turned_away(replace(FAILED, started=FAILED.started + 40, ended=None)) == []
    assert any("is late" in what for what in turned_away(replace(FAILED, started=FAILED.started + 60, ended=None)))


def test_an_admission_after_the_decision_or_before_the_opening_is_noticed() -> None:
    for at in (30, -20):
        canaries = (canary("t1", ID, at), line().canaries[1])
        assert any("late: t1 was admitted" in what for what in harm(evidence(canaries=canaries))), at


def test_an_admitted_job_on_another_version_is_noticed_unless_current_took_it_over() -> None:
    elsewhere = execution("t4", "v1.0.0", 21.2)
    assert any("is astray" in what for what in turned_away(elsewhere))
    after = aborted(BAD, "v1.3.0", 24, admitted=1, not_started=1)
    taken_over = evidence(
        asked("q4", answer(202, 21, 22, elsewhere.arn)),
        latest=(RELEASED, BLANKED, BAD, written(4, "", 24.2, f"canary-router blanked {after.release_id}")),
        deployed=frozenset({1, 3}),
        releases=(PROMOTED, after),
        canaries=(*line().canaries, canary("t4", after.release_id, 21, Status.NOT_STARTED)),
        ran=(*line().ran, elsewhere),
    )
    assert harm(taken_over) == []


def test_a_job_that_ran_though_it_is_on_record_as_not_started_is_noticed() -> None:
    canaries = (canary("t1", ID, 2, Status.NOT_STARTED), line().canaries[1])
    assert any("is on record as not started" in what for what in harm(evidence(canaries=canaries)))


def test_an_end_that_is_on_record_otherwise_is_noticed() -> None:
    ran = (execution("t1", "v1.1.0", 2.2, "FAILED"), *line().ran[1:])
    assert any("ended FAILED, on record it is SUCCEEDED" in what for what in harm(evidence(ran=ran)))


def test_an_end_that_is_not_on_record_yet_passes_once_the_release_is_closed() -> None:
    after = aborted(BAD, "v1.3.0", 46, admitted=1)
    still_running = evidence(
        asked("q4", answer(202, 21, 22, FAILED.arn)),
        latest=(RELEASED, BLANKED, BAD, written(4, "", 46.2, f"canary-router blanked {after.release_id}")),
        deployed=frozenset({1, 3}),
        releases=(PROMOTED, after),
        canaries=(*line().canaries, canary("t4", after.release_id, 21, Status.RUNNING)),
        ran=(*line().ran, FAILED),
    )
    assert harm(still_running) == []


def test_counts_that_the_jobs_on_record_do_not_bear_out_are_noticed() -> None:
    releases = (replace(PROMOTED, failed=1),)
    assert any("counts (2, 1, 0), not (2, 0, 0)" in what for what in harm(evidence(releases=releases)))


@pytest.mark.parametrize("state", [ReleaseState.OPEN, ReleaseState.PROMOTING, ReleaseState.ABORTING])
def test_a_release_without_an_end_is_noticed(state: ReleaseState) -> None:
    unended = replace(PROMOTED, state=state)
    assert any(f"undecided: {ID} of batch0 is {state}" in what for what in harm(evidence(releases=(unended,))))


def test_a_decision_long_after_the_deadline_is_noticed() -> None:
    late = replace(PROMOTED, opened_at=ms(1.3) - 90_000)
    assert any("was due at" in what for what in harm(evidence(releases=(late,))))


def superseded(first: float = 1, *, named: bool = True) -> list[str]:
    """What the checker says of a release that the write of two seconds after the beginning took the place of."""
    before, newer = replace(RELEASED, modified=ms(first)), written(2, "v1.1.0", 2)
    blank = written(3, "", 10.1, f"canary-router blanked {newer.mark.release_id}")
    older = release(
        before,
        "v1.1.0",
        state=ReleaseState.SUPERSEDED,
        decided_at=None,
        closed_at=ms(2.3),
        admitted=0,
        succeeded=0,
    )
    after: Release = release(newer, "v1.1.0", supersedes=older.release_id if named else None)
    current = written(2, "v1.1.0", 10, f"canary-router promoted {after.release_id}")
    return harm(
        evidence(
            current=(line().current[0], current),
            latest=(before, newer, blank),
            deployed=frozenset({1, 2}),
            releases=(older, after),
            canaries=(canary("t1", after.release_id, 2.5), canary("t2", after.release_id, 3)),
        )
    )


def test_a_release_that_counts_as_superseded_by_nothing_newer_is_noticed() -> None:
    assert superseded() == []
    assert any("was superseded, but by nothing newer" in what for what in superseded(named=False))
    assert any("was superseded, but by nothing newer" in what for what in superseded(first=3))


def test_a_release_that_counts_as_withdrawn_is_noticed_since_nobody_withdraws_any() -> None:
    reason = "withdrawn: latest was blanked by somebody else"
    assert any("nobody has withdrawn it" in what for what in turned_away(FAILED, reason=reason))


def test_a_release_without_a_canary_is_noticed_since_there_always_was_a_current_version() -> None:
    first = replace(PROMOTED, basis=Basis.FIRST)
    assert any("went without a canary" in what for what in harm(evidence(releases=(first,))))


def test_the_handmade_versions_are_named_as_the_contract_says() -> None:
    assert version("v1.1.0").arn.endswith(":function:batch0-v1-1-0-pipeline")
    assert arn("t1", "v1.1.0").endswith(":execution:batch0-v1-1-0:t1")

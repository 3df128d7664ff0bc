from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from canary_router.core.model import Basis, Release, ReleaseState, Status, Version, WriteMark, quiet_outcomes
from canary_router.core.policy import Policy
from canary_router.core.verdict import Abort, Hold, Promote, counted, decided, judge

OPENED = 1_700_000_000_000
RELEASE = Release(
    service="transformer",
    release_id="r2-1700000000",
    target=Version("arn", "v1.1.0"),
    write=WriteMark(OPENED, 2),
    state=ReleaseState.OPEN,
    basis=Basis.CANARY,
    policy=Policy(),
    opened_at=OPENED,
)
LENIENT = Policy(requests=5, successes=3, max_failures=2)


@pytest.mark.parametrize(
    ("policy", "counts", "verdict"),
    [
        (Policy(), {}, Hold("waiting for 2 jobs to be routed to it (0 succeeded, 0 failed, 0 running)")),
        (Policy(), {"admitted": 1}, Hold("waiting for 1 job to be routed to it (0 succeeded, 0 failed, 1 running)")),
        (
            Policy(),
            {"admitted": 2, "succeeded": 1},
            Hold("waiting for 1 job to end (1 succeeded, 0 failed, 1 running)"),
        ),
        (
            Policy(),
            {"admitted": 2, "succeeded": 2},
            Promote("2 of 2 required jobs succeeded (2 succeeded, 0 failed, 0 running)"),
        ),
        (Policy(), {"admitted": 1, "failed": 1}, Abort("1 job failed, 0 allowed (0 succeeded, 1 failed, 0 running)")),
        (
            Policy(),
            {"admitted": 2, "succeeded": 1, "not_started": 1},
            Abort("1 job failed, 0 allowed (1 succeeded, 1 failed, 0 running)"),
        ),
        (
            LENIENT,
            {"admitted": 5, "succeeded": 3, "failed": 2},
            Promote("3 of 3 required jobs succeeded (3 succeeded, 2 failed, 0 running)"),
        ),
        (
            LENIENT,
            {"admitted": 5, "succeeded": 3, "failed": 1},
            Promote("3 of 3 required jobs succeeded (3 succeeded, 1 failed, 1 running)"),
        ),
        (
            LENIENT,
            {"admitted": 5, "succeeded": 2, "failed": 3},
            Abort("3 jobs failed, 2 allowed (2 succeeded, 3 failed, 0 running)"),
        ),
        (
            Policy(requests=3, max_failures=1),
            {"admitted": 1, "failed": 1},
            Abort("3 successes cannot be reached any more (0 succeeded, 1 failed, 0 running)"),
        ),
    ],
)
def test_the_counts_alone_decide(policy: Policy, counts: dict[str, Any], verdict: Hold | Promote | Abort) -> None:
    assert judge(replace(RELEASE, policy=policy, **counts), OPENED + 1000) == verdict


def test_an_overdue_release_is_aborted_at_its_deadline_and_not_before() -> None:
    release = replace(RELEASE, policy=Policy(deadline=60), admitted=2, succeeded=1)
    assert isinstance(judge(release, OPENED + 59_999), Hold)
    assert isinstance(judge(release, OPENED + 60_000), Abort)


def test_a_release_that_has_what_it_needs_is_promoted_even_when_it_is_judged_late() -> None:
    release = replace(RELEASE, policy=Policy(deadline=60), admitted=2, succeeded=2)
    assert isinstance(judge(release, OPENED + 90_000), Promote)


def test_a_paused_release_still_fails_but_is_not_promoted() -> None:
    paused = replace(RELEASE, state=ReleaseState.PAUSED, admitted=2)
    assert isinstance(judge(replace(paused, succeeded=2), OPENED), Hold)
    assert isinstance(judge(replace(paused, failed=1), OPENED), Abort)


@pytest.mark.parametrize(
    "state", [state for state in ReleaseState if state not in (ReleaseState.OPEN, ReleaseState.PAUSED)]
)
def test_late_outcomes_change_no_decision(state: ReleaseState) -> None:
    decided = replace(RELEASE, state=state, admitted=2, failed=2)
    assert isinstance(judge(decided, OPENED + 10**9), Hold)


@pytest.mark.parametrize("basis", [Basis.FIRST, Basis.ALREADY_CURRENT])
def test_where_there_is_nothing_to_prove_nothing_is_waited_for(basis: Basis) -> None:
    assert isinstance(judge(replace(RELEASE, basis=basis), OPENED), Promote)


@pytest.mark.parametrize("basis", [Basis.FIRST, Basis.ALREADY_CURRENT])
def test_what_a_person_has_paused_waits_though_it_has_nothing_to_prove(basis: Basis) -> None:
    paused = replace(RELEASE, basis=basis, state=ReleaseState.PAUSED)
    assert isinstance(judge(paused, OPENED), Hold)


@given(
    state=st.sampled_from([ReleaseState.OPEN, ReleaseState.PAUSED, ReleaseState.PROMOTING, ReleaseState.SUPERSEDED]),
    requests=st.integers(1, 5),
    succeeded=st.integers(0, 5),
    failed=st.integers(0, 5),
    data=st.data(),
)
def test_an_outcome_is_quiet_exactly_when_it_decides_nothing(
    state: ReleaseState, requests: int, succeeded: int, failed: int, data: st.DataObject
) -> None:
    policy = Policy(
        requests=requests,
        successes=data.draw(st.integers(1, requests)),
        max_failures=data.draw(st.integers(0, requests - 1)),
    )
    release = replace(RELEASE, state=state, policy=policy, admitted=succeeded + failed)
    before = replace(release, succeeded=succeeded, not_started=failed)
    assume(decided(before, OPENED) is None)
    successes, failures = quiet_outcomes(state, policy)
    assert (succeeded < successes) == (decided(counted(before, Status.SUCCEEDED), OPENED) is None)
    for status in (Status.FAILED, Status.NOT_STARTED):
        assert (before.failures < failures) == (decided(counted(before, status), OPENED) is None)

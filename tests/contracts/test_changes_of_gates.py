"""How a sequential gate is planned, and how it grants places: each change by its guard, on every ledger alike."""

from dataclasses import replace
from typing import Any

from tests.contracts.samples import NOW, opened, put, recorded_release, refused, transform

from canary_router.core import changes
from canary_router.core.gate import Plan, Sequential
from canary_router.core.model import Release, ReleaseState, Status
from canary_router.core.policy import Policy
from canary_router.core.verdict import counted, followed
from canary_router.ports import Ledger

POLICY = Policy(gate=Sequential(baseline=0.05, harm=0.6, alpha=0.1, beta=0.1, max=8))
PLAN = Plan((3, 7), (0, 1, 5), 0.05)
ARN = "arn:aws:states:us-east-1:000000000000:execution:service-v1-1-0:t"


def planned(ledger: Ledger, service: str, **fields: Any) -> Release:
    return opened(ledger, service, policy=POLICY, **{"plan": PLAN, "granted": 2, **fields})


def test_a_plan_comes_on_record_once_with_the_first_places(ledger: Ledger, service: str) -> None:
    made = opened(ledger, service, policy=POLICY)
    assert (made.plan, made.places) == (None, 0)
    assert refused(ledger.commit(changes.admit(made.release_id, transform(service), None))) == {changes.ROOM}
    assert ledger.commit(changes.plan_gate(made, PLAN, 2)) is None
    after = recorded_release(ledger, made)
    assert after == replace(made, plan=PLAN, granted=2)
    again = changes.plan_gate(made, replace(PLAN, promote=(2, 4)), 8)
    assert refused(ledger.commit(again)) == {changes.UNPLANNED}
    assert recorded_release(ledger, made) == after


def test_what_was_decided_meanwhile_is_not_planned(ledger: Ledger, service: str) -> None:
    made = opened(ledger, service, policy=POLICY)
    ledger.commit(changes.decide(made, ReleaseState.ABORTING, "because", NOW))
    assert refused(ledger.commit(changes.plan_gate(made, PLAN, 2))) == {changes.EXPECTED_STATE}


def test_jobs_are_admitted_up_to_the_places_that_were_granted(ledger: Ledger, service: str) -> None:
    made = planned(ledger, service)
    answers = [
        refused(ledger.commit(changes.admit(made.release_id, transform(service, number), None))) for number in (1, 2, 3)
    ]
    assert answers == [set(), set(), {changes.ROOM}]
    assert recorded_release(ledger, made).admitted == 2


def test_an_outcome_and_the_place_that_it_brings_are_one_write(ledger: Ledger, service: str) -> None:
    made = planned(ledger, service, admitted=2)
    put(ledger, transform(service, 1, release_id=made.release_id))
    settled = changes.settle(transform(service, 1), Status.SUCCEEDED, ARN, NOW + 9)
    assert refused(ledger.commit(changes.quietly(settled))) == {changes.QUIET}
    after = followed(counted(made, Status.SUCCEEDED), NOW + 9)
    assert after is not None
    assert ledger.commit(changes.deciding(settled, made, after)) is None
    assert recorded_release(ledger, made) == replace(made, succeeded=1, granted=3)
    assert refused(ledger.commit(changes.admit(made.release_id, transform(service, 3), None))) == set()


def test_places_are_granted_by_the_counts_that_were_judged_or_not_at_all(ledger: Ledger, service: str) -> None:
    made = planned(ledger, service, admitted=2, succeeded=1)
    after = followed(made, NOW + 9)
    assert after is not None
    put(ledger, replace(made, failed=1))
    assert refused(ledger.commit(changes.grant(made, after))) == {changes.SAME_COUNTS}
    put(ledger, replace(made, state=ReleaseState.PAUSED))
    assert refused(ledger.commit(changes.grant(made, after))) == {changes.EXPECTED_STATE}
    put(ledger, made)
    assert ledger.commit(changes.grant(made, after)) is None
    assert recorded_release(ledger, made) == replace(made, granted=3)

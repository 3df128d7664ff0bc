"""Each change of a release: made when it may be, refused by name when it may not, on every ledger alike."""

from dataclasses import replace

import pytest
from tests.contracts.samples import (
    NOW,
    opened,
    put,
    recorded_release,
    refused,
    release,
    state,
    version,
)

from canary_router.core import changes
from canary_router.core.model import Basis, ReleaseState, ServiceState, WriteMark
from canary_router.ports import Ledger

DECIDED = [ReleaseState.PROMOTING, ReleaseState.ABORTING]
CLOSED = [ReleaseState.PROMOTED, ReleaseState.ABORTED, ReleaseState.SUPERSEDED]


def test_the_first_release_of_a_service_is_opened(ledger: Ledger, service: str) -> None:
    first = release(service)
    assert ledger.commit(changes.open_release(first, None)) is None
    assert recorded_release(ledger, first) == first
    assert state(ledger, service) == ServiceState(service, open_release=first.release_id, newest=first.write.sortable)


def test_a_release_is_opened_once(ledger: Ledger, service: str) -> None:
    first = opened(ledger, service)
    again = ledger.commit(changes.open_release(replace(first, opened_at=NOW + 9), None))
    assert refused(again) == {changes.NEW, changes.NEWER, changes.SAME_OPEN}
    assert recorded_release(ledger, first) == first


def test_a_release_takes_the_place_of_the_one_that_is_open(ledger: Ledger, service: str) -> None:
    older, newer = opened(ledger, service, 1), release(service, 2)
    assert ledger.commit(changes.open_release(newer, older.release_id)) is None
    assert recorded_release(ledger, newer) == replace(newer, supersedes=older.release_id)
    assert state(ledger, service).open_release == newer.release_id
    superseded = recorded_release(ledger, older)
    assert (superseded.state, superseded.closed_at) == (ReleaseState.SUPERSEDED, newer.opened_at)
    assert superseded.reason == f"superseded by {newer.release_id} (v1.2.0)"


def test_a_paused_release_is_superseded_too(ledger: Ledger, service: str) -> None:
    older = opened(ledger, service, 1, state=ReleaseState.PAUSED)
    assert ledger.commit(changes.open_release(release(service, 2), older.release_id)) is None


@pytest.mark.parametrize("decided", DECIDED)
def test_nothing_opens_while_pointers_are_being_written(ledger: Ledger, service: str, decided: ReleaseState) -> None:
    older = opened(ledger, service, 1, state=decided)
    refusal = ledger.commit(changes.open_release(release(service, 2), older.release_id))
    assert refused(refusal) == {changes.UNDECIDED_OLDER}
    assert recorded_release(ledger, older) == older
    assert state(ledger, service).open_release == older.release_id


def test_whoever_read_an_older_latest_opens_nothing(ledger: Ledger, service: str) -> None:
    newest = opened(ledger, service, 2)
    refusal = ledger.commit(changes.open_release(release(service, 1), newest.release_id))
    assert refused(refusal) == {changes.NEWER}
    assert recorded_release(ledger, newest).state is ReleaseState.OPEN


def test_marks_are_compared_by_time_however_many_digits_their_versions_have(ledger: Ledger, service: str) -> None:
    older = opened(ledger, service, 9)
    assert ledger.commit(changes.open_release(release(service, 10), older.release_id)) is None
    assert state(ledger, service).open_release == release(service, 10).release_id


def test_of_two_who_open_different_releases_the_slower_one_reads_again(ledger: Ledger, service: str) -> None:
    opened(ledger, service, 1)
    assert refused(ledger.commit(changes.open_release(release(service, 2), None))) == {changes.SAME_OPEN}
    assert refused(ledger.commit(changes.open_release(release(service, 3), release(service, 2).release_id))) == {
        changes.SAME_OPEN,
        changes.UNDECIDED_OLDER,
    }


@pytest.mark.parametrize("verdict", DECIDED)
@pytest.mark.parametrize("judged", [ReleaseState.OPEN, ReleaseState.PAUSED])
def test_an_undecided_release_is_decided(
    ledger: Ledger, service: str, judged: ReleaseState, verdict: ReleaseState
) -> None:
    before = opened(ledger, service, admitted=2, succeeded=2, state=judged)
    assert ledger.commit(changes.decide(before, verdict, "because", NOW + 5)) is None
    assert recorded_release(ledger, before) == replace(before, state=verdict, decided_at=NOW + 5, reason="because")


@pytest.mark.parametrize("meanwhile", [ReleaseState.PAUSED, *DECIDED, *CLOSED])
def test_a_verdict_is_refused_when_the_release_is_no_longer_what_was_judged(
    ledger: Ledger, service: str, meanwhile: ReleaseState
) -> None:
    judged = opened(ledger, service)
    put(ledger, replace(judged, state=meanwhile))
    refusal = ledger.commit(changes.decide(judged, ReleaseState.PROMOTING, "because", NOW))
    assert refused(refusal) == {changes.EXPECTED_STATE}
    assert recorded_release(ledger, judged).state is meanwhile


def test_a_verdict_is_refused_when_other_outcomes_were_counted_since(ledger: Ledger, service: str) -> None:
    judged = opened(ledger, service, succeeded=1)
    put(ledger, replace(judged, succeeded=2))
    refusal = ledger.commit(changes.decide(judged, ReleaseState.ABORTING, "because", NOW))
    assert refused(refusal) == {changes.SAME_COUNTS}


def test_a_promoted_release_is_closed_and_becomes_the_current_version(ledger: Ledger, service: str) -> None:
    before = opened(ledger, service, state=ReleaseState.PROMOTING)
    ledger.commit(changes.take_lease(service, "me", NOW, NOW + 90_000))
    previous = version(service, "v1.0.0")
    assert ledger.commit(changes.close_promoted(before, previous, WriteMark(NOW, 7), NOW + 5)) is None
    assert recorded_release(ledger, before) == replace(before, state=ReleaseState.PROMOTED, closed_at=NOW + 5)
    after = state(ledger, service)
    assert (after.open_release, after.current, after.previous) == (None, before.target, previous)
    assert (after.current_write, after.current_write_at, after.lease_until) == (7, NOW, 0)
    assert after.newest == before.write.sortable, "an older write of latest must stay an older one"


def test_an_aborted_release_is_closed_and_leaves_the_current_version(ledger: Ledger, service: str) -> None:
    before = opened(ledger, service, state=ReleaseState.ABORTING)
    assert ledger.commit(changes.close_aborted(before, NOW + 5)) is None
    assert recorded_release(ledger, before) == replace(before, state=ReleaseState.ABORTED, closed_at=NOW + 5)
    after = state(ledger, service)
    assert (after.open_release, after.current, after.newest) == (None, None, before.write.sortable)
    assert ledger.commit(changes.open_release(release(service, 2), None)) is None


@pytest.mark.parametrize("actual", ReleaseState)
def test_a_release_is_closed_only_from_the_decision_that_it_had(
    ledger: Ledger, service: str, actual: ReleaseState
) -> None:
    before = opened(ledger, service, state=actual)
    if actual is not ReleaseState.PROMOTING:
        assert refused(ledger.commit(changes.close_promoted(before, None, WriteMark(NOW, 1), NOW))) == {
            changes.EXPECTED_STATE
        }
    if actual is not ReleaseState.ABORTING:
        assert refused(ledger.commit(changes.close_aborted(before, NOW))) == {changes.EXPECTED_STATE}
    assert recorded_release(ledger, before) == before
    assert state(ledger, service).open_release == before.release_id


def test_a_release_is_closed_once(ledger: Ledger, service: str) -> None:
    promoted = opened(ledger, service, 1, state=ReleaseState.PROMOTING)
    assert ledger.commit(changes.close_promoted(promoted, None, WriteMark(NOW, 1), NOW)) is None
    refusal = ledger.commit(changes.close_promoted(promoted, None, WriteMark(NOW, 2), NOW))
    assert refused(refusal) == {changes.EXPECTED_STATE, changes.SAME_OPEN}
    assert state(ledger, service).current_write == 1
    aborted = opened(ledger, service, 2, state=ReleaseState.ABORTING)
    assert ledger.commit(changes.close_aborted(aborted, NOW)) is None
    refusal = ledger.commit(changes.close_aborted(aborted, NOW))
    assert refused(refusal) == {changes.EXPECTED_STATE, changes.SAME_OPEN}


def test_what_was_told_is_on_record(ledger: Ledger, service: str) -> None:
    before = opened(ledger, service)
    assert ledger.commit(changes.tell(before)) is None
    assert recorded_release(ledger, before) == replace(before, told="OPEN")


def test_nothing_is_told_of_a_release_that_does_not_exist(ledger: Ledger, service: str) -> None:
    assert refused(ledger.commit(changes.tell(release(service)))) == {changes.KNOWN}


def test_a_current_written_by_hand_is_adopted(ledger: Ledger, service: str) -> None:
    before = opened(ledger, service)
    adopted = replace(release(service, 3), release_id="h3-1", basis=Basis.ADOPTED, state=ReleaseState.PROMOTED)
    known = ServiceState(service, current=version(service, "v1.0.0"))
    assert ledger.commit(changes.adopt(adopted, known)) is None
    after = state(ledger, service)
    assert recorded_release(ledger, adopted) == adopted
    assert (after.current, after.previous) == (adopted.target, version(service, "v1.0.0"))
    assert (after.current_write, after.current_write_at) == (3, adopted.write.modified)
    assert after.open_release == before.release_id, "an open release goes on"


def test_a_current_that_is_written_again_by_hand_leaves_what_was_before_it(ledger: Ledger, service: str) -> None:
    for number, tag in ((1, "v1.0.0"), (2, "v1.1.0"), (3, "v1.1.0")):
        hand = replace(release(service, number), release_id=f"h{number}-1", target=version(service, tag))
        assert ledger.commit(changes.adopt(hand, state(ledger, service))) is None
    after = state(ledger, service)
    assert (after.current, after.previous) == (version(service, "v1.1.0"), version(service, "v1.0.0"))
    assert after.current_write == 3


def test_a_write_of_current_that_is_on_record_is_not_adopted(ledger: Ledger, service: str) -> None:
    ours = opened(ledger, service, state=ReleaseState.PROMOTING)
    ledger.commit(changes.close_promoted(ours, None, WriteMark(NOW, 3), NOW))
    adopted = replace(release(service, 3), release_id="h3-1", basis=Basis.ADOPTED)
    for before in (ServiceState(service), ServiceState(service, current_write=2)):
        assert refused(ledger.commit(changes.adopt(adopted, before))) == {changes.SEEN_WRITE}
    assert state(ledger, service).current == ours.target


def test_a_write_of_current_is_adopted_once(ledger: Ledger, service: str) -> None:
    adopted = replace(release(service, 3), release_id="h3-1", basis=Basis.ADOPTED)
    before = ServiceState(service)
    assert ledger.commit(changes.adopt(adopted, before)) is None
    assert refused(ledger.commit(changes.adopt(adopted, before))) == {changes.NEW, changes.SEEN_WRITE}


def test_the_lease_is_one_owner_s_until_it_is_returned(ledger: Ledger, service: str) -> None:
    assert ledger.commit(changes.take_lease(service, "me", NOW, NOW + 90)) is None
    assert refused(ledger.commit(changes.take_lease(service, "other", NOW + 1, NOW + 91))) == {changes.LEASE_FREE}
    assert refused(ledger.commit(changes.return_lease(service, "other"))) == {changes.LEASE_OWN}
    assert (state(ledger, service).lease_owner, state(ledger, service).lease_until) == ("me", NOW + 90)
    assert ledger.commit(changes.return_lease(service, "me")) is None
    assert ledger.commit(changes.take_lease(service, "other", NOW + 1, NOW + 91)) is None
    assert refused(ledger.commit(changes.return_lease(service, "me"))) == {changes.LEASE_OWN}


def test_the_lease_can_be_taken_only_after_it_has_run_out(ledger: Ledger, service: str) -> None:
    ledger.commit(changes.take_lease(service, "dead", NOW, NOW + 90))
    assert refused(ledger.commit(changes.take_lease(service, "me", NOW + 90, NOW + 180))) == {changes.LEASE_FREE}
    assert ledger.commit(changes.take_lease(service, "me", NOW + 91, NOW + 181)) is None


def test_a_lease_changes_nothing_else_of_the_service(ledger: Ledger, service: str) -> None:
    before = opened(ledger, service)
    ledger.commit(changes.take_lease(service, "me", NOW, NOW + 90))
    after = state(ledger, service)
    assert (after.open_release, after.newest) == (before.release_id, before.write.sortable)

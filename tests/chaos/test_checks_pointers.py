"""The chaos's checker reads the parameters' history: who wrote what, on which evidence, and what was lost."""

from dataclasses import replace
from typing import Any

import pytest
from tests.chaos.handmade import (
    BLANKED,
    FIRST,
    ID,
    MADE_CURRENT,
    PROMOTED,
    RELEASED,
    aborted,
    evidence,
    execution,
    line,
    ms,
    release,
    version,
    written,
)
from tests.chaos.history import harm

from canary_router.core.model import Basis, Release, ReleaseState
from canary_router.core.pointers import Reading
from canary_router.core.writes import blank_note


def current(*writes: Reading, **changed: Any) -> list[str]:
    """What the checker says of a history of ``current``, after the first write."""
    state = replace(line().state, current_write=writes[-1].version)
    return harm(evidence(current=(FIRST, *writes), state=state, **changed))


def test_a_write_of_current_that_is_nobodys_is_noticed() -> None:
    assert any("was written by nobody" in what for what in current(written(2, "v1.1.0", 10, "")))


def test_a_write_of_current_for_a_release_that_is_not_on_record_or_had_another_target_is_noticed() -> None:
    for wrong in (written(2, "v1.1.0", 10, "canary-router promoted r9-1"), replace(MADE_CURRENT, value=FIRST.value)):
        assert any("which is not on record" in what for what in current(wrong)), wrong


@pytest.mark.parametrize(
    "changed", [{"state": ReleaseState.ABORTED}, {"basis": Basis.ALREADY_CURRENT}], ids=["aborted", "no canary"]
)
def test_a_write_of_current_for_a_release_that_was_not_promoted_by_its_canary_is_noticed(changed: Any) -> None:
    releases = (replace(PROMOTED, **changed),)
    assert any(f"was written for {ID}, which is" in what for what in harm(evidence(releases=releases)))


def test_a_promotion_on_one_success_is_noticed_from_the_executions_alone() -> None:
    one_failed = (execution("t1", "v1.1.0", 2.2, "FAILED"), *line().ran[1:])
    one_ended_later = (execution("t1", "v1.1.0", 7.5), *line().ran[1:])
    for ran in (one_failed, one_ended_later):
        assert any("written on 1 of 2 successes" in what for what in harm(evidence(ran=ran))), ran


def test_current_may_be_sent_twice_by_one_call_but_not_written_again_by_a_later_run() -> None:
    assert current(MADE_CURRENT, replace(MADE_CURRENT, version=3, modified=ms(13))) == []
    found = current(MADE_CURRENT, replace(MADE_CURRENT, version=3, modified=ms(100)))
    assert any("was written again, 90.0 s after" in what for what in found)


def test_a_promotion_that_never_reached_current_is_noticed() -> None:
    state = replace(line().state, current=version("v1.0.0"), current_write=1)
    found = harm(evidence(current=(FIRST,), state=state))
    assert any("was never made current" in what for what in found)


def already_current(held: str) -> list[str]:
    """What the checker says of a second release, of a version that is said to be current already."""
    again = written(3, held, 20)
    closed = release(
        again, held, basis=Basis.ALREADY_CURRENT, decided_at=ms(20.5), closed_at=ms(20.7), admitted=0, succeeded=0
    )
    blank = written(4, "", 20.6, blank_note(closed.release_id))
    latest, deployed = (RELEASED, BLANKED, again, blank), frozenset({1, 3})
    return harm(evidence(latest=latest, deployed=deployed, releases=(PROMOTED, closed)))


def test_a_release_of_what_is_current_already_has_to_be_of_what_is_current() -> None:
    assert already_current("v1.1.0") == []
    assert any("was never made current" in what for what in already_current("v1.0.0"))


def test_our_own_write_of_current_that_is_taken_for_a_persons_is_noticed() -> None:
    def adopted(write: Reading) -> Release:
        nobodys = replace(PROMOTED, basis=Basis.ADOPTED, admitted=0, succeeded=0)
        return replace(nobodys, release_id=f"h{write.version}", write=write.mark)

    assert harm(evidence(releases=(PROMOTED, adopted(FIRST)))) == []
    found = harm(evidence(releases=(PROMOTED, adopted(MADE_CURRENT))))
    assert len(found) == 1
    assert "h2 of batch0" in found[0]
    assert "taken for a person's" in found[0]


def latest(*writes: Reading, deployed: set[int], more: tuple[Release, ...] = ()) -> list[str]:
    """What the checker says of a history of ``latest``."""
    return harm(evidence(latest=writes, deployed=frozenset(deployed), releases=(PROMOTED, *more)))


def test_a_value_of_latest_that_nobody_wrote_is_noticed() -> None:
    assert any("written by nobody" in what for what in latest(RELEASED, BLANKED, deployed=set()))


def test_a_blank_that_nobody_made_or_that_was_made_before_the_decision_is_noticed() -> None:
    assert any("was blanked by nobody" in what for what in latest(RELEASED, replace(BLANKED, note=""), deployed={1}))
    foreign = replace(BLANKED, note="canary-router blanked r9-1")
    assert any("was blanked by nobody" in what for what in latest(RELEASED, foreign, deployed={1}))
    early = replace(BLANKED, modified=ms(9))
    assert any("before that was decided" in what for what in latest(RELEASED, early, deployed={1}))


def hidden(*after: Reading, at: float = 9.9, more: tuple[Release, ...] = ()) -> list[str]:
    """What the checker says when the blank hides another release, which nobody could know of."""
    other = written(2, "v1.2.0", at)
    deployed = {1, 2, *(one.version for one in after if not one.note)}
    return latest(RELEASED, other, replace(BLANKED, version=3), *after, deployed=deployed, more=more)


PUT_BACK = written(4, "v1.2.0", 10.2, "canary-router put back version 2")
RETURNED = aborted(PUT_BACK, "v1.2.0", 35.5)
LAST = written(5, "", 35.7, blank_note(PUT_BACK.mark.release_id))


def test_a_release_that_was_hidden_by_a_blank_and_put_back_passes() -> None:
    assert hidden(PUT_BACK, LAST, more=(RETURNED,)) == []


def test_a_hidden_release_that_was_open_by_then_may_be_put_back_and_superseded_by_itself() -> None:
    other = written(2, "v1.2.0", 9.9)
    opened = aborted(other, "v1.2.0", 0, state=ReleaseState.SUPERSEDED, decided_at=None, closed_at=ms(10.5))
    assert hidden(PUT_BACK, LAST, more=(opened, replace(RETURNED, supersedes=opened.release_id))) == []


def test_a_release_that_was_hidden_by_a_blank_and_not_put_back_is_noticed() -> None:
    assert hidden() == ["lost: version 2 of latest of batch0 (v1.2.0) was never opened"]


def test_a_blank_for_a_release_that_was_superseded_and_not_decided_is_noticed() -> None:
    newer = written(2, "v1.2.0", 2)
    older = aborted(RELEASED, "v1.1.0", 0, state=ReleaseState.SUPERSEDED, decided_at=None, closed_at=ms(2.3))
    after = aborted(newer, "v1.2.0", 30, supersedes=ID)
    found = harm(
        evidence(
            latest=(RELEASED, newer, replace(BLANKED, version=3, modified=ms(30.1))),
            deployed=frozenset({1, 2}),
            releases=(older, after),
        )
    )
    assert any("before that was decided" in what for what in found)


def test_a_blank_that_is_sent_again_hides_nothing() -> None:
    assert latest(RELEASED, BLANKED, replace(BLANKED, version=3, modified=ms(40)), deployed={1}) == []


def test_a_blank_over_what_had_been_there_for_long_is_noticed() -> None:
    before = replace(PROMOTED, decided_at=ms(30), closed_at=ms(31))
    found = harm(
        evidence(
            latest=(
                RELEASED,
                written(2, "v1.2.0", 9.9),
                replace(BLANKED, version=3, modified=ms(30.1)),
                PUT_BACK,
                LAST,
            ),
            deployed=frozenset({1, 2}),
            releases=(before, RETURNED),
        )
    )
    assert any("over what was 20.2 s old" in what for what in found)


def test_what_is_put_back_has_to_be_what_was_hidden_and_not_decided_yet() -> None:
    for wrong in ("canary-router put back version 9", "canary-router put back version 1"):
        found = hidden(replace(PUT_BACK, note=wrong), LAST, more=(RETURNED,))
        assert any("puts back what was not there" in what for what in found), wrong
    again = replace(PUT_BACK, value=RELEASED.value, note="canary-router put back version 1")
    returned = replace(RETURNED, target=version("v1.1.0"))
    assert any(f"puts back {ID}, which was PROMOTED" in what for what in hidden(again, LAST, more=(returned,)))


def test_a_release_that_is_hidden_by_putting_back_an_older_one_is_noticed() -> None:
    newer = written(4, "v1.0.0", 10.15)
    put_back = replace(PUT_BACK, version=5)
    returned = aborted(put_back, "v1.2.0", 35.5)
    found = hidden(newer, put_back, replace(LAST, version=6, note=blank_note(returned.release_id)), more=(returned,))
    assert found == ["lost: version 4 of latest of batch0 (v1.0.0) was never opened"]


def test_a_persons_write_counts_for_itself_whatever_note_it_has_inherited() -> None:
    newer = written(4, "v1.0.0", 10.15, note="canary-router put back version 1")
    opened = aborted(newer, "v1.0.0", 36)
    blank = written(5, "", 36.2, blank_note(opened.release_id))
    unopened = written(3, "v1.2.0", 10.14)
    assert latest(RELEASED, BLANKED, unopened, newer, blank, deployed={1, 3, 4}, more=(opened,)) == []


def followed(after: float, busy_until: float = 10.2) -> list[str]:
    """What the checker says when a write at 10.5 was never opened, and a newer one came then, which was."""
    unopened = written(3, "v1.2.0", 10.5)
    newer = written(4, "v1.2.0", after)
    opened = aborted(newer, "v1.2.0", after + 26)
    first = replace(PROMOTED, closed_at=ms(busy_until))
    blank = written(5, "", after + 26.2, blank_note(opened.release_id))
    writes = (RELEASED, BLANKED, unopened, newer, blank)
    return harm(evidence(latest=writes, deployed=frozenset({1, 3, 4}), releases=(first, opened)))


def test_a_newer_write_excuses_one_that_was_not_opened_only_if_it_came_before_that_could_be() -> None:
    assert followed(after=11.6) == []
    assert followed(after=60, busy_until=55) == []
    found = followed(after=60)
    assert len(found) == 1
    assert "lost: version 3 of latest of batch0 (v1.2.0) stood for 49.5 s" in found[0]
    assert len(followed(after=100, busy_until=55)) == 1


def test_a_write_that_was_never_opened_is_noticed() -> None:
    found = latest(RELEASED, BLANKED, written(3, "v1.2.0", 20), deployed={1, 3})
    assert "lost: version 3 of latest of batch0 (v1.2.0) was never opened" in found


def test_a_release_for_another_target_than_was_written_or_for_no_write_is_noticed() -> None:
    other = replace(PROMOTED, target=version("v1.2.0"))
    assert any("is on record as arn:" in what for what in harm(evidence(releases=(other,))))
    extra = aborted(written(7, "v1.2.0", 20), "v1.2.0", 30)
    assert any("latest was never written so" in what for what in harm(evidence(releases=(PROMOTED, extra))))


def test_a_service_that_is_not_at_rest_is_noticed() -> None:
    state = line().state
    for changed, what in (
        ({"state": replace(state, open_release=ID)}, f"{ID} is open"),
        ({"latest": (RELEASED,)}, "latest is arn:"),
        ({"state": replace(state, current=version("v1.0.0"))}, "current of batch0 is"),
        ({"state": replace(state, current=None)}, "current of batch0 is"),
        ({"state": replace(state, current_write=1)}, "current of batch0 has version 2"),
    ):
        assert any(what in found for found in harm(evidence(**changed))), what

"""Whose write of a pointer is it, and which does one of ours hide? The history of a parameter tells."""

import pytest
from tests.unit.world import arn

from canary_router.core.pointers import Reading
from canary_router.core.writes import attributed, blank_note, hidden, put_back_note, withdrawal_note

NOW = 1_700_000_000_000
NOTE = blank_note("r5-1700000000")
PUT_BACK_OVER = [
    (arn("v2.0.0"), ""),
    ("none", NOTE),
    (arn("v3.0.0"), ""),
    (arn("v2.0.0"), put_back_note(6)),
]
"""Versions 6 to 9: our blank hid v2.0.0, and putting that back hid v3.0.0."""


@pytest.mark.parametrize(
    ("history", "lost"),
    [
        ([("none", NOTE)], None),
        ([(arn("v2.0.0"), ""), ("none", NOTE)], arn("v2.0.0")),
        ([("none", NOTE), (arn("v2.0.0"), ""), ("none", NOTE)], arn("v2.0.0")),
        ([(arn("v2.0.0"), ""), ("none", NOTE), ("none", NOTE)], arn("v2.0.0")),
        ([(arn("v2.0.0"), ""), ("none", NOTE), (arn("v2.1.0"), "")], None),
        ([(arn("v2.0.0"), ""), ("none", NOTE), (arn("v2.0.0"), put_back_note(6))], None),
        ([(arn("v2.0.0"), ""), ("none", NOTE), (arn("v3.0.0"), ""), (arn("v2.0.0"), put_back_note(6))], arn("v3.0.0")),
        ([*PUT_BACK_OVER, (arn("v2.0.0"), put_back_note(6))], arn("v3.0.0")),
        ([*PUT_BACK_OVER, ("none", blank_note("r9-1700000000"))], arn("v3.0.0")),
        ([*PUT_BACK_OVER, (arn("v3.0.0"), put_back_note(8))], None),
        ([*PUT_BACK_OVER, (arn("v3.0.0"), put_back_note(8)), (arn("v3.0.0"), put_back_note(8))], None),
        ([*PUT_BACK_OVER[3:], (arn("v2.0.0"), put_back_note(6))], None),
        ([*PUT_BACK_OVER, (arn("v3.0.0"), put_back_note(8)), ("none", blank_note("r10-1700000000"))], None),
        ([*PUT_BACK_OVER, (arn("v3.0.0"), put_back_note(8)), ("none", blank_note("r9-1700000000"))], arn("v3.0.0")),
        ([*PUT_BACK_OVER, (arn("v3.0.0"), put_back_note(8)), (arn("v4.0.0"), "")], None),
        ([*PUT_BACK_OVER, (arn("v4.0.0"), ""), (arn("v3.0.0"), put_back_note(8))], arn("v4.0.0")),
        ([(arn("v2.0.0"), ""), ("none", NOTE), ("none", "a person"), (arn("v2.0.0"), put_back_note(6))], "none"),
        ([(arn("v2.0.0"), ""), ("none", withdrawal_note("r6-1700000000"))], None),
        ([(arn("v2.0.0"), ""), ("none", withdrawal_note("r5-1700000000"))], arn("v2.0.0")),
        ([(arn("v2.0.0"), put_back_note(1))], None),
        ([(arn("v2.0.0"), ""), ("none", "a person blanked it")], None),
        ([("none", "a person"), ("none", NOTE)], None),
        ([], None),
    ],
)
def test_only_a_write_that_one_of_ours_hides_is_put_back(history: list[tuple[str, str]], lost: str | None) -> None:
    written = tuple(Reading(value, 6 + at, NOW + 1 + at, note) for at, (value, note) in enumerate(history))
    found = hidden(written)
    assert (None if found is None else found.value) == lost


def test_the_newest_copy_of_what_is_hidden_is_put_back() -> None:
    returned = (arn("v3.0.0"), put_back_note(8))
    late = (arn("v2.0.0"), put_back_note(6))
    history = [*PUT_BACK_OVER, returned, late]
    found = hidden(tuple(Reading(value, 6 + at, NOW + at, note) for at, (value, note) in enumerate(history)))
    assert found is not None
    assert (found.version, found.value) == (10, arn("v3.0.0"))


def test_a_note_that_a_write_by_hand_has_kept_is_not_its_own() -> None:
    ours, arn = blank_note("r1-1"), "arn:aws:lambda:eu-west-1:123456789012:function:etl-v1-1-0-pipeline"
    history = tuple(
        Reading(value, version, 1000 * version, ours)
        for version, value in enumerate(("none", "none", arn, "none"), start=2)
    )
    assert [reading.note for reading in attributed(history)] == [ours, ours, "", ""]
    assert [reading.note for reading in attributed(history[2:])] == ["", ""]
    assert hidden(history) is None

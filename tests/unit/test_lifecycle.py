import pytest
from tests.unit.world import SERVICE, arn

from canary_router.core.lifecycle import attributed, blank_note, hidden, overwritten, put_back_note, release_from
from canary_router.core.model import Basis, WriteMark
from canary_router.core.pointers import Reading, Readings, understand
from canary_router.core.routing import transform_id_for_key

NOW = 1_700_000_000_000
WRITE = WriteMark(NOW, 5)
NOTE = "blanked r5"
PUT_BACK_OVER = [
    (arn("v2.0.0"), ""),
    ("none", NOTE),
    (arn("v3.0.0"), ""),
    (arn("v2.0.0"), put_back_note(6)),
]
"""Versions 6 to 9: our blank hid v2.0.0, and putting that back hid v3.0.0."""


def reading(value: str, version: int = 1, note: str = "", modified: int = NOW) -> Reading:
    return Reading(value, version, modified, note)


def test_the_release_id_is_the_same_on_every_reader() -> None:
    readings = Readings(current=reading(arn("v1.0.0")), latest=reading(arn("v1.1.0"), 7, modified=NOW + 999))
    first = release_from(understand(SERVICE, readings), NOW + 10)
    second = release_from(understand(SERVICE, readings), NOW + 99_999)
    assert first is not None
    assert second is not None
    assert first.release_id == second.release_id == "r7-1700000000"


@pytest.mark.parametrize(
    ("current", "basis"),
    [
        (None, Basis.FIRST),
        (reading("none"), Basis.FIRST),
        (reading(arn("v1.1.0")), Basis.ALREADY_CURRENT),
        (reading(arn("v1.0.0")), Basis.CANARY),
    ],
)
def test_a_release_knows_what_it_can_be_compared_with(current: Reading | None, basis: Basis) -> None:
    release = release_from(understand(SERVICE, Readings(current=current, latest=reading(arn("v1.1.0")))), NOW)
    assert release is not None
    assert release.basis is basis


def test_a_parameter_made_anew_is_newer_though_its_version_is_lower() -> None:
    assert WriteMark(NOW, 9) < WriteMark(NOW + 1, 1)
    assert WriteMark(NOW, 9).sortable < WriteMark(NOW + 1, 1).sortable
    assert WriteMark(NOW, 9).sortable < WriteMark(NOW, 10).sortable


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
        ([*PUT_BACK_OVER, (arn("v3.0.0"), put_back_note(8))], None),
        ([*PUT_BACK_OVER, (arn("v3.0.0"), put_back_note(8)), (arn("v4.0.0"), "")], None),
        ([*PUT_BACK_OVER, (arn("v4.0.0"), ""), (arn("v3.0.0"), put_back_note(8))], arn("v4.0.0")),
        ([(arn("v2.0.0"), ""), ("none", NOTE), ("none", "a person"), (arn("v2.0.0"), put_back_note(6))], None),
        ([(arn("v2.0.0"), put_back_note(1))], None),
        ([(arn("v2.0.0"), ""), ("none", "a person blanked it")], None),
        ([("none", "a person"), ("none", NOTE)], None),
        ([], None),
    ],
)
def test_only_a_write_that_our_blank_hid_is_put_back(history: list[tuple[str, str]], lost: str | None) -> None:
    readings = tuple(reading(value, 6 + at, note, modified=NOW + 1 + at) for at, (value, note) in enumerate(history))
    found = overwritten(readings, WRITE, NOTE)
    assert (None if found is None else found.value) == lost


def test_the_same_key_is_another_job_in_another_service() -> None:
    assert transform_id_for_key("a", "key") != transform_id_for_key("b", "key")
    assert transform_id_for_key("a", "bkey") != transform_id_for_key("ab", "key")
    assert len(transform_id_for_key("a", "key")) <= 80


def test_a_note_that_a_write_by_hand_has_kept_is_not_its_own() -> None:
    ours, arn = blank_note("r1-1"), "arn:aws:lambda:eu-west-1:123456789012:function:etl-v1-1-0-pipeline"
    history = tuple(
        Reading(value, version, 1000 * version, ours)
        for version, value in enumerate(("none", "none", arn, "none"), start=2)
    )
    assert [reading.note for reading in attributed(history)] == [ours, ours, "", ""]
    assert [reading.note for reading in attributed(history[2:])] == ["", ""]
    assert hidden(history) is None

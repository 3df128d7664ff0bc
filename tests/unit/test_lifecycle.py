import pytest
from tests.unit.world import SERVICE, arn

from canary_router.core.lifecycle import release_from
from canary_router.core.model import Basis, WriteMark
from canary_router.core.pointers import Reading, Readings, understand
from canary_router.core.routing import transform_id_for_key

NOW = 1_700_000_000_000


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


def test_the_same_key_is_another_job_in_another_service() -> None:
    assert transform_id_for_key("a", "key") != transform_id_for_key("b", "key")
    assert transform_id_for_key("a", "bkey") != transform_id_for_key("ab", "key")
    assert len(transform_id_for_key("a", "key")) <= 80

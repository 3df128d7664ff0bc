"""The parameters of a service, in memory and in SSM: what is written is read, dated, numbered and remembered."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.contracts.samples import version

from canary_router.adapters.aws.parameters import SsmPointers
from canary_router.adapters.clock import SystemClock
from canary_router.adapters.memory import MemoryPointers
from canary_router.core.pointers import Reading, Readings, understand
from canary_router.errors import Unavailable
from canary_router.ports import Pointers
from canary_router.settings import BLANK

LEAVES = ["current", "latest", "policy"]
THREADS = 16

Environments = Callable[[str], Pointers]


@pytest.fixture(params=["memory", "ministack", "moto", "wired"])
def environments(request: pytest.FixtureRequest, service: str) -> Environments:
    """Pointers of as many environments as a test asks for; no other test knows them."""
    if request.param == "memory":
        return lambda name: MemoryPointers(SystemClock())
    client = request.getfixturevalue(request.param).client("ssm")
    return lambda name: SsmPointers(client, f"{name}-{service}")


@pytest.fixture
def pointers(environments: Environments) -> Pointers:
    return environments("test")


def reading(pointers: Pointers, service: str, leaf: str) -> Reading:
    found = getattr(pointers.read(service), leaf)
    assert isinstance(found, Reading)
    return found


def test_what_was_never_written_is_none(pointers: Pointers, service: str) -> None:
    assert pointers.read(service) == Readings()
    assert not pointers.read(service).exist
    assert pointers.services() == ()
    for leaf in LEAVES:
        assert pointers.history(service, leaf, 0) == ()


def test_all_three_are_read_at_once(pointers: Pointers, service: str) -> None:
    for leaf in LEAVES:
        pointers.put(service, leaf, f"value of {leaf}", "a note")
    read = pointers.read(service)
    assert [(leaf, getattr(read, leaf).value) for leaf in LEAVES] == [(leaf, f"value of {leaf}") for leaf in LEAVES]


@pytest.mark.parametrize("leaf", LEAVES)
def test_one_that_is_missing_does_not_hide_the_others(pointers: Pointers, service: str, leaf: str) -> None:
    pointers.put(service, leaf, "here", "")
    read = pointers.read(service)
    assert [getattr(read, other) is not None for other in LEAVES] == [other == leaf for other in LEAVES]


@pytest.mark.parametrize(
    "value",
    [
        BLANK,
        "arn:aws:lambda:us-east-1:000000000000:function:transformer-v1-1-0-pipeline:live",
        '{"requests": 3, "share": 0.25}',
        "neither blank nor an ARN, but here: ❄ \n",
    ],
)
def test_a_value_is_read_as_it_was_written(pointers: Pointers, service: str, value: str) -> None:
    pointers.put(service, "latest", value, "")
    assert reading(pointers, service, "latest").value == value


@pytest.mark.parametrize("environments", ["memory", "moto"], indirect=True)  # ministack takes it, AWS does not
@pytest.mark.parametrize("leaf", LEAVES)
def test_an_empty_value_is_refused(pointers: Pointers, service: str, leaf: str) -> None:
    """Hence the blank value is a word."""
    with pytest.raises(Unavailable):
        pointers.put(service, leaf, "", "")
    assert pointers.read(service) == Readings()


def test_blank_can_be_written_everywhere_and_means_nothing(pointers: Pointers, service: str) -> None:
    pointers.put(service, "current", version(service, "v1.0.0").arn, "")
    pointers.put(service, "latest", BLANK, "")
    understood = understand(service, pointers.read(service))
    assert understood.current == version(service, "v1.0.0")
    assert understood.candidate is None
    assert understood.problems == ()


def test_versions_count_up_from_one_for_each_parameter(pointers: Pointers, service: str) -> None:
    assert [pointers.put(service, "latest", f"value {number}", "") for number in (1, 2, 3)] == [1, 2, 3]
    assert pointers.put(service, "current", "value", "") == 1
    assert reading(pointers, service, "latest").version == 3
    assert reading(pointers, service, "current").version == 1


def test_the_same_value_again_is_a_new_version(pointers: Pointers, service: str) -> None:
    """Releasing the same ARN after an abort is a new release."""
    assert [pointers.put(service, "latest", "same", "") for _ in range(2)] == [1, 2]


def test_a_write_is_dated_when_it_was_made(pointers: Pointers, service: str) -> None:
    before = time.time_ns() // 1_000_000
    dates = []
    for number in range(3):
        pointers.put(service, "latest", f"value {number}", "")
        dates.append(reading(pointers, service, "latest").modified)
        time.sleep(0.002)
    after = time.time_ns() // 1_000_000
    assert dates == sorted(dates)
    # Whole seconds are allowed: marks with the same time are told apart by their versions.
    assert before - 1000 < dates[0] <= dates[-1] <= after + 1


def test_the_marks_of_later_writes_are_larger(pointers: Pointers, service: str) -> None:
    marks = []
    for number in range(12):
        pointers.put(service, "latest", f"value {number}", "")
        marks.append(reading(pointers, service, "latest").mark)
    assert marks == sorted(set(marks))
    assert [mark.sortable for mark in marks] == sorted({mark.sortable for mark in marks})


def test_history_is_oldest_first_with_the_note_of_each_write(pointers: Pointers, service: str) -> None:
    written = [(f"value {number}", f"note {number}: why") for number in range(4)]
    for value, note in written:
        pointers.put(service, "latest", value, note)
    history = pointers.history(service, "latest", 0)
    assert [(each.value, each.note) for each in history] == written
    assert [each.version for each in history] == [1, 2, 3, 4]


def test_history_after_a_version_has_only_what_came_later(pointers: Pointers, service: str) -> None:
    for number in range(1, 5):
        pointers.put(service, "latest", f"value {number}", "")
    assert [each.version for each in pointers.history(service, "latest", 2)] == [3, 4]
    assert pointers.history(service, "latest", 4) == ()
    assert pointers.history(service, "latest", 9) == ()
    assert pointers.history(service, "current", 0) == ()


def test_history_and_reading_know_the_same_write_by_the_same_mark(pointers: Pointers, service: str) -> None:
    """A write that has to be put back is compared with the one that was read."""
    marks = []
    for number in range(3):
        pointers.put(service, "latest", f"value {number}", "")
        marks.append(reading(pointers, service, "latest").mark)
    assert [each.mark for each in pointers.history(service, "latest", 0)] == marks


def test_a_note_belongs_to_one_write_and_to_its_history(pointers: Pointers, service: str) -> None:
    pointers.put(service, "latest", "first", "noted")
    assert reading(pointers, service, "latest").note == ""
    pointers.put(service, "latest", "second", "")
    assert [each.note for each in pointers.history(service, "latest", 0)] == ["noted", ""]


def test_a_long_history_is_read_to_its_end(pointers: Pointers, service: str) -> None:
    """SSM lists fifty versions in a page."""
    for number in range(1, 61):
        pointers.put(service, "latest", f"value {number}", f"note {number}")
    history = pointers.history(service, "latest", 5)
    assert [each.version for each in history] == list(range(6, 61))
    assert [each.note for each in history] == [f"note {number}" for number in range(6, 61)]


def test_writes_that_race_get_versions_without_gap_or_repetition(pointers: Pointers, service: str) -> None:
    def put(number: int) -> int:
        return pointers.put(service, "latest", f"value {number}", f"note {number}")

    with ThreadPoolExecutor(THREADS) as threads:
        versions = list(threads.map(put, range(THREADS)))
    assert sorted(versions) == list(range(1, THREADS + 1))
    by_version = {each.version: each for each in pointers.history(service, "latest", 0)}
    for number, got in enumerate(versions):
        assert (by_version[got].value, by_version[got].note) == (f"value {number}", f"note {number}")
    newest = reading(pointers, service, "latest")
    assert (newest.version, newest.value) == (THREADS, by_version[THREADS].value)


def test_environments_do_not_see_each_other(environments: Environments, service: str) -> None:
    staging, production = environments("staging"), environments("production")
    staging.put(service, "latest", "of staging", "")
    assert production.read(service) == Readings()
    assert production.history(service, "latest", 0) == ()
    assert production.services() == ()
    assert production.put(service, "latest", "of production", "") == 1
    assert reading(staging, service, "latest").value == "of staging"


def test_services_do_not_see_each_other(pointers: Pointers, service: str) -> None:
    pointers.put(service, "latest", "mine", "")
    assert pointers.read(f"{service}-2") == Readings()
    assert pointers.put(f"{service}-2", "latest", "yours", "") == 1
    assert reading(pointers, service, "latest").value == "mine"


def test_services_are_listed_by_name_whatever_was_written_for_them(pointers: Pointers) -> None:
    names = [f"job-{number:02}" for number in range(12)]
    for number, name in enumerate(reversed(names)):
        pointers.put(name, LEAVES[number % 3], "anything", "")
    pointers.put(names[0], "latest", "more", "")
    pointers.put(names[0], "current", "more", "")
    assert pointers.services() == tuple(names)


@pytest.mark.parametrize("environments", ["memory", "ministack", "wired"], indirect=True)  # moto says nothing of it
def test_a_history_tells_who_wrote(pointers: Pointers, service: str) -> None:
    pointers.put(service, "latest", "value", "note")
    (written,) = pointers.history(service, "latest", 0)
    assert written.who.startswith("arn:aws:iam::")

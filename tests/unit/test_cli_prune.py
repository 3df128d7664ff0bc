"""``prune`` as somebody types it: the plan, the question, what is done, and how it ends."""

import pytest
from tests.unit.cli_desk import Person
from tests.unit.retirement_world import Estate
from tests.unit.world import SERVICE, arn

from canary_router.core.changes import retirements as changes
from canary_router.core.retirement_records import Retirement
from canary_router.core.stacks import Activity, DeployedStack

Capsys = pytest.CaptureFixture[str]


def person_at(estate: Estate, capsys: Capsys, *, answer: bool | None = None) -> Person:
    person = Person(estate.world, capsys, answer=answer)
    person.stacks, person.activities = estate.stacks, estate.activities
    return person


def test_the_plan_is_shown_with_reasons_and_the_question_names_what_goes(capsys: Capsys) -> None:
    estate = Estate()
    person = person_at(estate, capsys, answer=True)
    estate.activities.known["transformer-v1-2-0"] = Activity(is_running=True)
    seen = person.types("prune", SERVICE, "--keep", "1")
    assert person.asked == ["Delete 2 of 5 stacks of transformer in test: v1.0.0, v1.1.0?"]
    lines = [" ".join(line.split()) for line in seen.out.splitlines()]
    assert "transformer-v1-4-0 v1.4.0 stays - it is current" in lines
    assert "transformer-v1-2-0 v1.2.0 stays - a job of it runs" in lines
    assert any(line.startswith("transformer-v1-0-0 v1.0.0 goes now it stopped being current 80 d") for line in lines)
    assert seen.code == 0
    assert "v1.0.0: it is gone" in seen.err
    assert estate.stacks.told == ["transformer-v1-0-0", "transformer-v1-1-0"], "the oldest first"


NOBODY: tuple[bool | None, int, str] = (None, 2, "Give --yes")


@pytest.mark.parametrize("case", [(False, 1, "Nothing was done."), NOBODY])
def test_without_a_yes_nothing_is_done(case: tuple[bool | None, int, str], capsys: Capsys) -> None:
    answer, code, said = case
    estate = Estate()
    seen = person_at(estate, capsys, answer=answer).types("prune", SERVICE, "--keep", "1")
    assert seen.code == code
    assert said in seen.err
    assert "transformer-v1-0-0" in seen.out
    assert estate.stacks.told == []


def test_a_dry_run_asks_nobody_and_does_nothing(capsys: Capsys) -> None:
    estate = Estate()
    document = person_at(estate, capsys).gets("prune", SERVICE, "--keep", "1", "--dry-run")
    assert [it["version"] for it in document["plan"] if it["goes"]] == ["v1.2.0", "v1.1.0", "v1.0.0"]
    assert document["done"] == []
    assert estate.stacks.told == []


def test_what_was_done_is_one_document_and_in_the_history(capsys: Capsys) -> None:
    estate = Estate()
    person = person_at(estate, capsys)
    document = person.gets("prune", SERVICE, "--keep", "3", "--yes", "--reason", "spring")
    assert document["done"] == [
        {"stack": "transformer-v1-0-0", "version": "v1.0.0", "state": "RETIRED", "outcome": "deleted"},
        {"stack": "transformer-v1-1-0", "version": "v1.1.0", "state": "RETIRED", "outcome": "deleted"},
    ]
    assert {it["version"] for it in document["plan"] if not it["goes"]} == {"v1.2.0", "v1.3.0", "v1.4.0"}
    retired = person.gets("history", SERVICE)["retirements"]
    assert [(it["version"], it["who"], it["why"], it["state"]) for it in retired] == [
        ("v1.1.0", "arn:aws:iam::123456789012:user/ann", "spring", "RETIRED"),
        ("v1.0.0", "arn:aws:iam::123456789012:user/ann", "spring", "RETIRED"),
    ]
    assert (
        "v1.0.0  RETIRED  by arn:aws:iam::123456789012:user/ann: spring (deleted)"
        in person.types("history", SERVICE).out
    )
    assert [it["version"] for it in person.gets("prune", SERVICE, "--keep", "3", "--yes")["plan"]] == [
        "v1.4.0", "v1.3.0", "v1.2.0",
    ]  # fmt: skip


def test_one_that_cannot_be_deleted_does_not_keep_the_others_waiting_and_the_answer_is_no(capsys: Capsys) -> None:
    estate = Estate()
    estate.stacks.failing["transformer-v1-0-0"] = "Results: the bucket is not empty"
    seen = person_at(estate, capsys).types("prune", SERVICE, "--keep", "3", "--yes")
    assert seen.code == 1
    assert "v1.0.0: not deleted: Results: the bucket is not empty" in seen.err
    assert "v1.1.0: it is gone" in seen.err


def test_nothing_to_retire_is_well(capsys: Capsys) -> None:
    seen = person_at(Estate(), capsys).types("prune", SERVICE)
    assert (seen.code, seen.err) == (0, "")
    assert "Nothing is to be retired." in seen.out
    estate = Estate()
    estate.stacks.there.clear()
    assert "There is no stack of transformer in test." in person_at(estate, capsys).types("prune", SERVICE).out


def test_who_may_not_look_at_stacks_is_told_so(capsys: Capsys) -> None:
    estate = Estate()
    estate.stacks.hidden = True
    seen = person_at(estate, capsys).types("prune", SERVICE, "--yes")
    assert (seen.code, seen.out) == (3, "")
    assert seen.err == "canary-router: looking up stacks: not allowed.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prune", SERVICE, "--drain", "14 days"), "is not an ISO-8601 duration such as P14D"),
        (("prune", SERVICE, "--keep", "-1"), "greater than or equal to 0"),
        (("prune", "nobody"), "There is no service 'nobody'"),
        (("prune", SERVICE, "--keep", "1", "--yes", "--reason", "x" * 501), "501 characters"),
    ],
    ids=lambda value: value[-1][:10] if isinstance(value, tuple) else "",
)
def test_a_mistake_is_wrong_usage_and_deletes_nothing(arguments: tuple[str, ...], said: str, capsys: Capsys) -> None:
    estate = Estate()
    seen = person_at(estate, capsys).types(*arguments)
    assert seen.code == 2
    assert said in seen.err
    assert estate.stacks.told == []


def mark(estate: Estate, stack: DeployedStack) -> Retirement:
    now = estate.world.clock.now()
    begun = Retirement("r-1", SERVICE, stack.tag, stack.name, stack.stack_id, "ben", "", now, "", now + 90_000)
    assert estate.world.ledger.commit(changes.begin(begun, estate.world.state)) is None
    return begun


def test_a_version_that_is_being_retired_is_neither_released_nor_gone_back_to(capsys: Capsys) -> None:
    estate = Estate()
    stack = estate.named("v1.3.0")
    assert stack is not None
    mark(estate, stack)
    person = person_at(estate, capsys)
    for arguments in (("release", SERVICE, arn("v1.3.0")), ("rollback", SERVICE, "--yes")):
        seen = person.types(*arguments)
        assert seen.code == 1
        assert "v1.3.0 is being retired: ben began to delete its stack transformer-v1-3-0" in seen.err
    assert estate.world.pointer("latest") == "none"


def test_an_arn_of_no_function_is_not_released(capsys: Capsys) -> None:
    estate = Estate()
    person = person_at(estate, capsys)
    person.functions.gone.add(arn("v7.7.7"))
    seen = person.types("release", SERVICE, arn("v7.7.7"))
    assert (seen.code, seen.out) == (2, "")
    assert f"There is no function {arn('v7.7.7')}. Deploy the version's stack first" in seen.err
    assert estate.world.pointer("latest") == "none"
    person.functions.hidden = True
    assert person.types("release", SERVICE, arn("v7.7.7")).code == 0


def test_a_version_whose_stack_is_being_deleted_is_not_released(capsys: Capsys) -> None:
    estate = Estate()
    estate.deploy("v1.1.0", status="DELETE_IN_PROGRESS")
    seen = person_at(estate, capsys).types("release", SERVICE, arn("v1.1.0"))
    assert seen.code == 1
    assert "its stack transformer-v1-1-0 is being deleted (DELETE_IN_PROGRESS)" in seen.err
    assert estate.world.pointer("latest") == "none"


def test_a_release_that_crossed_with_a_retirement_is_taken_back(capsys: Capsys) -> None:
    estate = Estate()
    stack = estate.named("v1.1.0")
    assert stack is not None
    put = estate.world.pointers.put

    def slips_in(service: str, leaf: str, value: str, note: str) -> int:
        if leaf == "latest" and value == arn("v1.1.0"):
            mark(estate, stack)
        return put(service, leaf, value, note)

    estate.world.pointers.put = slips_in  # type: ignore[method-assign]  # what another process does at this moment
    seen = person_at(estate, capsys).types("release", SERVICE, arn("v1.1.0"))
    assert seen.code == 1
    assert "v1.1.0 is being retired" in seen.err
    assert estate.world.pointer("latest") == "none"


def test_a_release_by_who_may_not_read_the_record_goes_through(capsys: Capsys) -> None:
    estate = Estate()
    person = person_at(estate, capsys)
    person.nudge = type(person.nudge)(lambda: None)
    estate.world.ledger.down = True
    assert person.types("release", SERVICE, arn("v1.1.0")).code == 0
    assert estate.world.pointer("latest") == arn("v1.1.0")

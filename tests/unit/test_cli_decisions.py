"""Orders by the command line: what they do, whom they ask first, what they say, and how they end."""

import os
import pty
import subprocess
import sys

import pytest
from tests.unit.cli_desk import Person
from tests.unit.world import SERVICE, World, arn

from canary_router.adapters.memory import ManualClock, MemoryNudge
from canary_router.core.model import ReleaseState, Status

Capsys = pytest.CaptureFixture[str]


def on_trial(*, jobs: int = 0) -> World:
    """v1.0.0 serves, v1.1.0 is on trial."""
    world = World()
    world.reconcile()
    world.write_latest("v1.1.0")
    world.reconcile()
    for _ in range(jobs):
        world.submit()
    return world


def promoted() -> World:
    """v1.1.0 is current, v1.0.0 was before."""
    world = on_trial()
    for _ in range(2):
        world.end(world.submit())
    assert world.pointer("current") == arn("v1.1.0")
    return world


def test_promote_asks_first_and_makes_the_release_current(capsys: Capsys) -> None:
    world = on_trial(jobs=1)
    person = Person(world, capsys, answer=True)
    seen = person.types("promote", SERVICE, "--reason", "looked at it")
    assert person.asked == [
        "Make v1.1.0 of transformer current in test, with 0 of 2 successes (0 succeeded, 0 failed, 1 running)?"
    ]
    assert (seen.code, seen.err) == (0, "")
    assert "v1.1.0 of transformer is current." in seen.out
    assert "promoted by order of arn:aws:iam::123456789012:user/ann: looked at it" in " ".join(seen.out.split())
    assert world.pointer("current") == arn("v1.1.0")


@pytest.mark.parametrize(
    "arguments", [("promote", SERVICE), ("abort", SERVICE, "--reason", "no"), ("rollback", SERVICE)], ids=" ".join
)
def test_what_changes_who_serves_is_not_done_when_the_answer_is_no_or_there_is_none(
    arguments: tuple[str, ...], capsys: Capsys
) -> None:
    world = promoted()
    world.write_latest("v1.2.0")
    world.reconcile()
    before = world.release

    seen = Person(world, capsys, answer=False).types(*arguments)
    assert (seen.code, seen.err) == (1, "Nothing was done.\n")
    seen = Person(world, capsys, answer=None).types(*arguments)
    assert seen.code == 2
    assert "Give --yes if you mean it" in seen.err
    assert len(seen.err.splitlines()) == 1
    assert world.release == before
    assert world.pointer("current") == arn("v1.1.0")


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_abort_without_a_reason_is_wrong_usage(capsys: Capsys, reason: str) -> None:
    world = World()
    world.reconcile()
    seen = Person(world, capsys).types("abort", SERVICE, "--yes", "--reason", reason)
    assert seen.code == 2
    assert "Say why" in seen.err


def test_abort_turns_the_release_away_with_the_reason_on_record(capsys: Capsys) -> None:
    world = on_trial()
    person = Person(world, capsys)
    document = person.gets("abort", SERVICE, "--reason", "wrong totals", "--yes")
    assert person.asked == []
    assert document["order"] == {
        "order_id": document["order"]["order_id"],
        "kind": "abort",
        "who": "arn:aws:iam::123456789012:user/ann",
        "why": "wrong totals",
        "at": document["order"]["at"],
    }
    assert (document["environment"], document["nudged"]) == ("test", True)
    assert document["release"]["state"] == "ABORTED"
    assert "wrong totals" in document["release"]["reason"]
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.0.0"), "none")


def test_abort_wants_a_reason(capsys: Capsys) -> None:
    seen = Person(on_trial(), capsys).types("abort", SERVICE, "--yes")
    assert seen.code == 2
    assert "Missing option '--reason'" in seen.err


def test_pause_and_resume_ask_nobody_and_say_what_they_mean(capsys: Capsys) -> None:
    world = on_trial()
    person = Person(world, capsys)
    seen = person.types("pause", SERVICE)
    assert seen.code == 0
    assert "v1.1.0 of transformer is paused: no more jobs are sent to it until you resume it." in seen.out
    assert world.release_state() is ReleaseState.PAUSED
    seen = person.types("resume", SERVICE)
    assert "v1.1.0 of transformer goes on: up to 2 jobs are sent to it." in seen.out
    assert "canary-router --environment test watch transformer" in seen.out
    assert world.release_state() is ReleaseState.OPEN
    assert person.asked == []


class Meanwhile(ManualClock):
    """While somebody waits, the controller's minute comes round."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock.now())
        self._world = world

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        self._world.reconcile()


def test_a_release_that_is_resumed_with_its_successes_is_shown_as_what_becomes_of_it(capsys: Capsys) -> None:
    world = on_trial(jobs=2)
    person = Person(world, capsys)
    person.nudge = MemoryNudge(lambda: None)
    world.replace_ports(clock=Meanwhile(world))
    person.types("pause", SERVICE)
    for execution in world.pipelines.executions():
        world.pipelines.end(execution.execution_arn, Status.SUCCEEDED)
    world.reconcile()
    assert "v1.1.0 of transformer is current." in person.types("resume", SERVICE).out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("promote", SERVICE), "transformer has no open release"),
        (("pause", SERVICE), "transformer has no open release"),
        (("rollback", SERVICE, "--to", "v1.1.0"), "v1.1.0 is current already"),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_a_no_with_advice(
    arguments: tuple[str, ...], said: str, capsys: Capsys
) -> None:
    seen = Person(promoted(), capsys, answer=True).types(*arguments)
    assert (seen.code, seen.out) == (1, "")
    assert said in seen.err
    assert len(seen.err.splitlines()) == 1


def test_names_that_are_not_there_are_wrong_usage(capsys: Capsys) -> None:
    person = Person(promoted(), capsys, answer=True)
    for arguments in (["promote", "nobody"], ["rollback", SERVICE, "--to", "v9.9.9"], ["rollback", "nobody"]):
        seen = person.types(*arguments)
        assert (seen.code, seen.out) == (2, "")
    assert "was never current" in person.types("rollback", SERVICE, "--to", "v9.9.9").err


def test_rollback_makes_the_previous_version_current_again(capsys: Capsys) -> None:
    world = promoted()
    person = Person(world, capsys, answer=True)
    seen = person.types("rollback", SERVICE, "--reason", "late")
    assert person.asked == ["Make v1.0.0 of transformer current again in test?"]
    assert seen.code == 0
    assert "v1.0.0 of transformer is current." in seen.out
    assert world.pointer("current") == arn("v1.0.0")


def test_rollback_tells_which_release_it_turns_away(capsys: Capsys) -> None:
    world = promoted()
    world.write_latest("v1.2.0")
    world.reconcile()
    person = Person(world, capsys, answer=True)
    assert person.types("rollback", SERVICE).code == 0
    assert person.asked == [
        "Make v1.0.0 of transformer current again in test, and turn v1.2.0 away (0 succeeded, 0 failed, 0 running)?"
    ]
    assert (world.pointer("current"), world.pointer("latest")) == (arn("v1.0.0"), "none")


def test_rollback_to_a_version_that_was_current_long_before(capsys: Capsys) -> None:
    world = promoted()
    world.write_latest("v1.2.0")
    for _ in range(2):
        world.end(world.submit())
    document = Person(world, capsys).gets("rollback", SERVICE, "--to", "v1.0.0", "--yes")
    assert (document["release"]["version"], document["release"]["state"]) == ("v1.0.0", "PROMOTED")
    assert document["release"]["basis"] == "rollback"


def test_rollback_refuses_a_version_whose_pipeline_is_gone_before_it_asks(capsys: Capsys) -> None:
    world = promoted()
    person = Person(world, capsys, answer=True)
    person.functions.gone.add(arn("v1.0.0"))
    seen = person.types("rollback", SERVICE)
    assert (seen.code, person.asked) == (1, [])
    assert f"its pipeline function {arn('v1.0.0')} is gone. Deploy its stack again" in seen.err
    assert world.pointer("current") == arn("v1.1.0")


def test_rollback_goes_on_where_nobody_may_look_at_functions(capsys: Capsys) -> None:
    person = Person(promoted(), capsys, answer=True)
    person.functions.hidden = True
    assert person.types("rollback", SERVICE).code == 0


def test_a_release_that_came_meanwhile_is_not_promoted_in_place_of_the_one_that_was_meant(capsys: Capsys) -> None:
    world = on_trial()

    class Slow(Person):
        def ask(self, question: str) -> bool | None:
            world.write_latest("v1.2.0")
            world.reconcile()
            return True

    seen = Slow(world, capsys).types("promote", SERVICE)
    assert seen.code == 1
    assert "(v1.2.0) took the place of" in seen.err
    assert world.pointer("current") == arn("v1.0.0")


def test_a_release_that_nobody_has_opened_yet_is_asked_about_too(capsys: Capsys) -> None:
    world = World()
    world.reconcile()
    world.write_latest("v1.1.0")
    person = Person(world, capsys, answer=True)
    assert person.types("promote", SERVICE).code == 0
    assert person.asked == ["Make v1.1.0 of transformer current in test, with no job yet?"]
    assert world.pointer("current") == arn("v1.1.0")


def test_a_controller_that_cannot_be_told_is_no_failure_of_the_order(capsys: Capsys) -> None:
    world = on_trial()
    person = Person(world, capsys, answer=True)
    person.nudge = MemoryNudge(None)
    seen = person.types("promote", SERVICE)
    assert seen.code == 0
    assert "it will notice within a minute" in seen.err
    assert "the controller writes the pointers" in seen.out
    world.reconcile()
    assert world.pointer("current") == arn("v1.1.0")


def test_an_order_whose_answer_is_lost_finds_its_own_effect(capsys: Capsys) -> None:
    world = on_trial()
    world.ledger.lose_answers = [True]
    document = Person(world, capsys).gets("promote", SERVICE, "--yes")
    assert document["release"]["state"] == "PROMOTED"


def test_an_order_that_nobody_can_tell_of_says_where_to_look(capsys: Capsys) -> None:
    world = on_trial()
    world.ledger.lose_answers = [False] * 20
    seen = Person(world, capsys).types("pause", SERVICE)
    assert (seen.code, seen.out) == (3, "")
    assert "It is not known whether the order to pause was carried out" in seen.err
    assert "canary-router history transformer" in seen.err


@pytest.mark.parametrize(
    ("typed", "meant"), [("y", True), ("Yes", True), ("n", False), ("", False), ("sure", False), ("\x04", False)]
)
def test_only_a_yes_at_a_terminal_is_one(typed: str, meant: bool) -> None:  # noqa: FBT001 - a case of the test
    ours, theirs = pty.openpty()
    program = "from canary_router.cli.desk import ask_at_terminal; print(ask_at_terminal('Sure?'))"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.read(len("Sure? [y/N]: ")) == "Sure? [y/N]: "
    os.write(ours, f"{typed}\n".encode() if typed != "\x04" else b"\x04")
    out, _ = process.communicate(timeout=30)
    os.close(ours)
    os.close(theirs)
    assert (process.returncode, out) == (0, f"{meant}\n")


def test_ctrl_c_ends_with_a_word_and_without_a_traceback(capsys: Capsys) -> None:
    class Impatient(Person):
        def ask(self, question: str) -> bool | None:
            raise KeyboardInterrupt

    seen = Impatient(on_trial(), capsys).types("promote", SERVICE)
    assert (seen.code, seen.out) == (130, "")
    assert "stopped" in seen.err
    assert "Traceback" not in seen.err

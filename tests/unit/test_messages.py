"""What people are told of a release: what, which version, the counts, why, and the command to act."""

import shlex
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from tests.contracts.samples import release
from tests.hostile.garbage import BOUNDED, anything, mangled
from typer.testing import CliRunner

from canary_router.adapters.memory import MemoryMessenger
from canary_router.cli.app import app
from canary_router.core.announcement import announce
from canary_router.core.messages import DETAIL_TYPES, message_of
from canary_router.core.model import Basis, ReleaseState
from canary_router.errors import InvalidInput
from canary_router.lambdas.notice import send_notice

ABORTED = announce(
    "production",
    replace(
        release("transformer"),
        state=ReleaseState.ABORTED,
        admitted=2,
        succeeded=1,
        failed=1,
        reason="1 of 2 jobs failed: States.TaskFailed",
    ),
)
EVENT = {"source": "canary-router", "detail-type": ABORTED.detail_type, "detail": ABORTED.detail}


def told(detail_type: str = "Release Aborted", **detail: Any) -> tuple[str, str]:
    message = message_of(detail_type, {**ABORTED.detail, **detail})
    return message.subject, message.text


def test_of_an_aborted_release_is_told_which_why_and_where_to_look() -> None:
    tag, release_id = ABORTED.detail["version"], ABORTED.detail["release_id"]
    subject, text = told()
    assert subject == f"transformer {tag} was aborted in production"
    assert text == (
        "Current serves as before; no more jobs go to it.\n"
        "2 jobs admitted: 1 succeeded, 1 failed, 0 running.\n"
        "Why: 1 of 2 jobs failed: States.TaskFailed\n"
        f"Release: {release_id}\n"
        "To see its jobs: canary-router --environment production transforms transformer"
    )


def test_who_has_ordered_it_is_told() -> None:
    assert "\nBy: arn:aws:iam::123456789012:user/lee\n" in told(ordered_by="arn:aws:iam::123456789012:user/lee")[1]


def test_jobs_that_did_not_start_are_told_where_there_are_any() -> None:
    assert "0 running, 3 not started.\n" in told(not_started=3)[1]


def test_every_event_that_the_router_sends_has_a_message() -> None:
    made = release("transformer")
    sent = {announce("production", replace(made, state=state)).detail_type for state in ReleaseState}
    sent.add(announce("production", made, opened=True).detail_type)
    sent.add(announce("production", replace(made, basis=Basis.ROLLBACK)).detail_type)
    assert sent == set(DETAIL_TYPES)


@pytest.mark.parametrize("detail_type", DETAIL_TYPES)
def test_the_command_of_every_message_is_one_that_there_is(detail_type: str) -> None:
    program, *arguments = shlex.split(message_of(detail_type, ABORTED.detail).command)
    assert program == "canary-router"
    shown = CliRunner().invoke(app, [*arguments, "--help"])
    assert shown.exit_code == 0, shown.output


@pytest.mark.parametrize("service", ["x; rm -rf ~", "$(id)", "a b", "", "A", None, 5], ids=str)
def test_a_name_that_a_shell_would_understand_gets_into_no_command(service: object) -> None:
    with pytest.raises(InvalidInput, match="service"):
        told(service=service)


@pytest.mark.parametrize("count", ["1", None, True, 1.5], ids=str)
def test_what_is_no_count_is_refused(count: object) -> None:
    with pytest.raises(InvalidInput, match="succeeded"):
        told(succeeded=count)


@BOUNDED
@given(event=anything | mangled(EVENT) | mangled(ABORTED.detail).map(lambda detail: {**EVENT, "detail": detail}))
@example({**EVENT, "detail-type": []})
@example({**EVENT, "detail": {**ABORTED.detail, "version": "v" * 5000, "reason": "❄\n" * 5000}})
def test_of_any_event_either_a_message_that_sns_takes_is_sent_or_it_is_refused(event: object) -> None:
    way = MemoryMessenger()
    try:
        send_notice(event, way)
    except InvalidInput:
        assert way.sent == []
        return
    (message,) = way.sent
    assert message.subject.isascii()
    assert message.subject.isprintable()
    assert 0 < len(message.subject) <= 100
    assert all(line.isprintable() for line in message.lines)
    assert len(message.text) < 4000

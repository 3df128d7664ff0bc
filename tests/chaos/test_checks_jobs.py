"""The chaos's checker notices what must not happen to a front-end's job, and lets pass what may."""

from tests.chaos.handmade import SERVICE, answer, arn, asked, evidence, execution, line
from tests.chaos.history import harm
from tests.chaos.workload import Request, Try

RAN = arn("t3", "v1.0.0")
"""The execution of ``q3``, since 4.2."""
WITHOUT = tuple(one for one in line().ran if one.arn != RAN)
"""What ran besides."""


def told(*tries: Try) -> list[str]:
    """What the checker says when the front-end of ``q3``, which has a key, was answered like this."""
    return harm(evidence(asked("q3", *tries)))


def test_a_history_in_which_all_is_well_passes() -> None:
    assert harm(evidence()) == []


def test_a_job_that_ran_twice_is_noticed() -> None:
    again = execution("t4", "v1.0.0", 4.3, request="q3")
    assert any("duplicated: q3" in what for what in harm(evidence(ran=(*line().ran, again))))


def test_a_job_that_was_accepted_and_never_ran_is_noticed() -> None:
    assert any("lost: q3 was told of" in what for what in harm(evidence(ran=WITHOUT)))


def test_an_execution_of_another_name_than_was_told_is_noticed() -> None:
    assert any("lost: q3" in what for what in told(answer(202, 4, 4.4, arn("t9", "v1.0.0"))))


def test_a_job_with_a_key_that_is_never_accepted_is_noticed() -> None:
    failed = asked("q3", *[answer(503, at, at + 0.1, kind="record-unavailable") for at in range(4, 16)])
    assert harm(evidence(failed, ran=WITHOUT)) == ["lost: q3 was sent 12 times and never accepted"]


def test_without_a_key_an_honest_refusal_is_no_loss() -> None:
    refused = asked("q3", answer(502, 4, 4.4, kind="not-started"), key=False)
    assert harm(evidence(refused, ran=WITHOUT)) == []


def test_a_job_that_ran_although_its_only_answer_denies_it_is_noticed() -> None:
    refused = asked("q3", answer(503, 4, 4.4, kind="no-current-version"), key=False)
    assert any("denied: q3" in what for what in harm(evidence(refused)))


def test_a_job_that_began_before_its_denial_is_noticed_though_it_is_accepted_later() -> None:
    found = told(answer(503, 4, 4.4, kind="record-unavailable"), answer(202, 5, 5.1, RAN))
    assert len(found) == 1
    assert "denied: q3" in found[0]


def test_a_job_that_began_after_an_honest_denial_passes() -> None:
    assert told(answer(503, 3, 3.4, kind="record-unavailable"), answer(202, 4, 4.4, RAN)) == []
    assert told(answer(502, 3, 3.4, kind="not-started"), answer(202, 4, 4.4, RAN)) == []


def test_what_is_not_known_may_have_begun_the_job_whatever_comes_after() -> None:
    later = (answer(503, 5, 5.1, kind="record-unavailable"), answer(202, 6, 6.1, RAN))
    assert told(answer(504, 4, 4.4, kind="start-unknown"), *later) == []
    assert told(answer(0, 4, 4.4), *later) == []
    assert told(Try(502, {"message": '{"errorMessage": "Worker process died"}'}, *_span()), *later) == []


def _span() -> tuple[float, float]:
    one = answer(0, 4, 4.4)
    return one.sent, one.answered


def test_not_started_is_said_of_the_job_so_no_earlier_try_may_have_begun_it() -> None:
    first = answer(504, 4, 4.4, kind="start-unknown")
    found = told(first, answer(502, 5, 5.1, kind="not-started"), answer(202, 6, 6.1, RAN))
    assert any("was not started at" in what for what in found)


def test_a_job_that_began_before_it_was_asked_for_or_after_it_was_accepted_is_noticed() -> None:
    assert any("denied: q3" in what for what in told(answer(202, 5, 5.1, RAN)))
    assert any("denied: q3" in what for what in told(answer(202, 3, 3.1, RAN)))


def test_a_job_that_nobody_asked_for_is_noticed() -> None:
    stray = execution("t4", "v1.0.0", 4.3)
    assert harm(evidence(ran=(*line().ran, stray))) == ["nobody asked for q4"]


def test_a_job_of_another_service_is_noticed() -> None:
    other = Request("q3", "batch1", key=True, tries=[answer(202, 4, 4.4, RAN)])
    assert any(f"misled: q3 was sent to batch1, and ran as {RAN}" in what for what in harm(evidence(other))), SERVICE


def test_answers_that_blame_the_client_or_do_not_say_what_they_are_are_noticed() -> None:
    accepted = answer(202, 4, 4.4, RAN)
    for wrong in (
        answer(400, 3, 3.1, kind="invalid-input"),
        answer(500, 3, 3.1),
        answer(503, 3, 3.1, kind="not-started"),
        Try(502, {"message": "the function has raised an error"}, *_span()),
    ):
        assert any("q3 was answered" in what for what in told(wrong, accepted)), wrong

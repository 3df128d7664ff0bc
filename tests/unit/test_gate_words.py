"""What people are told of a sequential gate: ``policy check``, ``status``, ``explain``, and the announcements."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.unit.walks import OPENED, TARGET, on_trial

from canary_router import documents
from canary_router.cli import render
from canary_router.cli.app import run
from canary_router.core.announcement import release_summary
from canary_router.core.explanation import Evidence, explain
from canary_router.core.gate import Counted, Sequential
from canary_router.core.gate_words import planned, prospects, sentences, wanted
from canary_router.core.model import ReleaseState, Route, Status, Transform
from canary_router.core.policy import Policy, parse_policy
from canary_router.core.sequential.planning import plan_of

Capsys = pytest.CaptureFixture[str]
GATE = Sequential(baseline=0.02, harm=0.2, max=60)
RELEASE = on_trial(GATE, plan_of(GATE))
CHECKED = {"gate": {"sequential": {"baseline": 0.02, "harm": 0.2, "max": 60, "on_inconclusive": "hold"}}}


def checked(document: dict[str, Any], tmp_path: Path, capsys: Capsys, *options: str) -> tuple[int, str, str]:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    code = run([*options, "policy", "check", str(file)])
    captured = capsys.readouterr()
    return code, " ".join(captured.out.split()), captured.err


def test_policy_check_says_what_the_gate_asks_for_and_what_its_verdict_is_worth(tmp_path: Path, capsys: Capsys) -> None:
    code, out, err = checked(CHECKED, tmp_path, capsys)
    assert (code, err) == (0, "")
    for sentence in (
        "Up to 60 jobs go to the new version, at most 2 jobs at a time: the next one when one has ended.",
        "It becomes current after 12 clean runs, after 24 jobs with 1 failed, after 36 jobs with 2 failed",
        "It is turned away by 2 failed among the first 10, 3 failed among the first 22",
        "it gets no more jobs, and a person decides",
        "of versions that fail 2% of their jobs at least 97.6% become current (95% promised), of those",
        "of those that fail 20% at most 8.8% (10% promised).",
        "a version that fails becomes current is turned away is held jobs failed",
        "2% of its jobs 97.6% 2.2% 0.2% 14.9 0.3",
        "20% of its jobs 8.7% 90.0% 1.4% 11.0 2.2",
    ):
        assert sentence in out


def test_its_json_has_the_plan_and_the_same_figures(tmp_path: Path, capsys: Capsys) -> None:
    code, out, _ = checked(CHECKED, tmp_path, capsys, "--output", "json")
    document = json.loads(out)
    assert (code, document["valid"]) == (0, True)
    assert document["policy"]["gate"]["sequential"]["on_inconclusive"] == "hold"
    assert document["plan"]["promote"] == [12, 24, 36, 49]
    row = next(one for one in document["chances"] if one["failure_rate"] == 0.2)
    assert row == {
        "failure_rate": 0.2, "passes": 0.0869, "refused": 0.8996, "held": 0.0136, "jobs": 11.03, "failed_jobs": 2.21,
    }  # fmt: skip
    assert parse_policy(document["parameter"]).gate == replace(GATE, on_inconclusive="hold")


def test_a_gate_that_cannot_keep_its_promise_is_a_no_with_the_reason_and_the_remedy(
    tmp_path: Path, capsys: Capsys
) -> None:
    document = {"gate": {"sequential": {"baseline": 0.02, "harm": 0.2, "max": 20}}}
    code, out, err = checked(document, tmp_path, capsys)
    assert (code, out) == (1, "")
    assert "95.0% of the releases that fail 2.00% of their jobs are promoted within 20 jobs, but 78.5% are" in err
    assert "Raise 'max' to 36" in err
    code, out, _ = checked(document, tmp_path, capsys, "--output", "json")
    assert (code, json.loads(out)["valid"]) == (1, False)


def test_a_baseline_that_is_still_to_be_measured_is_said_to_be_and_one_that_was_counted_is_explained(
    tmp_path: Path, capsys: Capsys
) -> None:
    gate = {**CHECKED["gate"]["sequential"], "baseline": "measured"}
    code, out, _ = checked({"gate": {"sequential": gate}}, tmp_path, capsys)
    assert code == 0
    assert "Its baseline is measured when a release opens" in out
    assert "a version that fails" not in out
    code, out, _ = checked({"gate": {"sequential": gate}}, tmp_path, capsys, "--output", "json")
    assert (json.loads(out)["plan"], json.loads(out)["chances"]) == (None, None)
    code, out, _ = checked({"gate": {"sequential": {**gate, "baseline": {"jobs": 900, "failed": 9}}}}, tmp_path, capsys)
    assert code == 0
    assert "Of 900 jobs of current 9 failed: its failure rate is taken for 1.89%" in out


def test_the_ends_of_every_prospect_add_up_and_nothing_is_held_where_nobody_is_asked() -> None:
    for choice in ("hold", "abort"):
        gate = replace(GATE, on_inconclusive=choice)
        for it in prospects(gate, plan_of(gate)):
            assert it.promoted + it.refused + it.held == pytest.approx(1)
            assert (it.held > 0) == (choice == "hold" and 0 < it.failure_rate < 1)


def test_the_gate_all_has_no_plan() -> None:
    assert planned(Policy()) is None


def test_a_boundary_of_refusal_that_is_never_met_is_said_to_be_none() -> None:
    gate = Sequential(baseline=0.15, harm=0.3, alpha=0.4, beta=0.05, max=90)
    plan = replace(plan_of(gate), abort=(0,) * 91)
    assert any("turned away by nothing but its deadline" in it for it in sentences(gate, plan))


@pytest.mark.parametrize(
    ("release", "said"),
    [
        (replace(RELEASE, plan=None, granted=0), "the controller to work out what its gate asks for"),
        (RELEASE, "12 more clean runs needed"),
        (replace(RELEASE, admitted=12, succeeded=10, failed=1), "13 more clean runs needed, 1 of them under way"),
        (replace(RELEASE, admitted=49, succeeded=45, failed=4), "a person to promote or abort it: it is inconclusive"),
    ],
)
def test_how_many_more_clean_runs_are_needed(release: Any, said: str) -> None:
    assert wanted(release) == said


def test_status_and_watch_show_it_with_the_counts() -> None:
    release = replace(RELEASE, admitted=12, succeeded=10, failed=1, granted=13)
    assert render.progress_line(release) == (
        "12 of at most 60 admitted, 1 running, 10 succeeded, 1 failed: 13 more clean runs needed, 1 of them under way"
    )
    console = Console(width=120)
    with console.capture() as shown:
        console.print(render.gauge(release))
    assert shown.get().strip() == "■" * 11 + "▣" + "□" * 12
    closed = replace(release, state=ReleaseState.ABORTED)
    assert render.progress_line(closed).endswith("10 succeeded, 1 failed")
    assert "□" not in render.gauge(closed).plain


def test_the_summary_of_a_release_has_its_plan_and_its_places() -> None:
    summary = release_summary(replace(RELEASE, admitted=12, succeeded=10, failed=1, granted=13))
    assert (summary["requests"], summary["required"], summary["max_failures"]) == (60, 23, 3)
    assert summary["gate"]["places"] == 13
    assert summary["gate"]["more_clean_runs"] == 13
    assert summary["gate"]["plan"]["promote"] == (12, 24, 36, 49)
    assert "gate" not in release_summary(replace(RELEASE, policy=Policy()))
    unplanned = release_summary(replace(RELEASE, plan=None))
    assert (unplanned["required"], unplanned["gate"]["plan"]) == (None, None)
    json.dumps(summary)


def test_a_measured_baseline_is_in_the_summary_with_what_was_counted() -> None:
    gate = replace(GATE, baseline="measured", max=100)
    counted = on_trial(gate, plan_of(gate, Counted(400, 8)))
    assert release_summary(counted)["gate"]["plan"]["counted"] == {"jobs": 400, "failed": 8}


def told(route: Route, place: int) -> list[str]:
    release = replace(RELEASE, admitted=4, succeeded=2, granted=4)
    release_id = release.release_id if route is Route.LATEST else None
    job = Transform("t-1", "x", route, TARGET, Status.RUNNING, OPENED + 5, OPENED + 5, "h", release_id=release_id)
    return [fact.text for fact in explain(Evidence(job, release=release, place=place))]


def test_explain_says_which_job_it_was_and_what_the_release_still_has_to_show() -> None:
    facts = told(Route.LATEST, 3)
    assert "It was job 3 of at most 60." in facts
    assert facts[-1] == (
        "The release is OPEN: 10 more clean runs needed, 2 of them under way (2 succeeded, 0 failed, 2 running)"
    )
    assert "4 of its jobs had been admitted; each that ends makes room for the next one." in told(Route.CURRENT, 4)


def test_a_policys_document_has_the_gate_and_no_word_of_the_other_one() -> None:
    document = documents.policy_document(Policy(gate=GATE))["policy"]
    assert document["requests"] == 60
    assert not {"successes", "max_failures"} & set(document)

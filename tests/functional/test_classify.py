"""``ci classify`` on real git repositories: whatever names say, the history decides."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.backends import Backend
from tests.contracts.tables import create_table
from tests.functional.clones import Team, git
from tests.unit.world import arn

from canary_router import settings
from canary_router.adapters.aws.parameters import SsmPointers
from canary_router.adapters.git import GitRepository
from canary_router.cli.app import run
from canary_router.errors import InvalidInput
from canary_router.local.record import Emulator


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team.founded(tmp_path)


class Classifying:
    """Runs the verb as a build does."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, folder: Path, tag: str, *options: str) -> tuple[int, dict[str, Any]]:
        code = run(["--output", "json", "ci", "classify", "--repository", str(folder), *options, "--", tag])
        captured = self._capsys.readouterr()
        return code, json.loads(captured.out) if captured.out else {"said": captured.err}

    def rules(self, folder: Path, tag: str, *options: str) -> list[str]:
        code, answer = self(folder, tag, *options)
        assert code == (1 if answer["refusals"] else 0)
        return [refusal["rule"] for refusal in answer["refusals"]]


@pytest.fixture
def classify(capsys: pytest.CaptureFixture[str]) -> Classifying:
    return Classifying(capsys)


@pytest.mark.parametrize("options", [("--annotate", "--message", "first"), ()], ids=["annotated", "light"])
def test_a_tag_on_main_goes_to_production(team: Team, classify: Classifying, options: tuple[str, ...]) -> None:
    commit = team.commit("main")
    team.commit("main")
    team.tag("v1.2.0", commit, *options)
    code, answer = classify(team.clone("v1.2.0"), "v1.2.0", "--commit", commit, "--deployed", "v1.1.0")
    assert code == 0
    assert answer == {
        "accepted": True,
        "tag": "v1.2.0",
        "stage": "production",
        "branch": "main",
        "commit": commit,
        "annotated": bool(options),
        "compared_with": ["v1.1.0"],
        "refusals": [],
    }


def test_a_candidate_on_staging_goes_to_staging_and_the_same_commit_not_to_production(
    team: Team, classify: Classifying
) -> None:
    commit = team.commit("staging")
    team.tag("v1.2.0-rc.1", commit)
    team.tag("v1.2.0", commit)
    clone = team.clone("v1.2.0")
    code, answer = classify(clone, "v1.2.0-rc.1")
    assert (code, answer["stage"]) == (0, "staging")
    code, answer = classify(clone, "v1.2.0")
    assert code == 1
    assert "is no commit of the branch 'main', but of 'staging'" in answer["refusals"][0]["problem"]


def test_a_branch_of_the_clones_own_that_is_called_main_proves_nothing(team: Team, classify: Classifying) -> None:
    commit = team.commit("feature")
    team.tag("v1.2.0", commit)
    clone = team.clone("v1.2.0")
    git(clone, "branch", "--force", "main", commit)
    git(clone, "update-ref", "refs/remotes/origin/main", commit)
    assert classify.rules(clone, "v1.2.0") == ["branch"]


@pytest.mark.parametrize("way", ["replace", "graft"])
def test_a_history_that_is_forged_in_the_clone_proves_nothing(team: Team, classify: Classifying, way: str) -> None:
    commit, main = team.commit("feature"), git(team.desk, "rev-parse", "main")
    team.tag("v1.2.0", commit)
    clone = team.clone("v1.2.0")
    if way == "replace":
        git(clone, "-c", "advice.graftFileDeprecated=false", "replace", "--graft", main, commit)
    else:
        (clone / ".git/info/grafts").write_text(f"{main} {commit}\n")
    git(clone, "merge-base", "--is-ancestor", commit, main)  # which fails unless git itself believes it
    assert classify.rules(clone, "v1.2.0") == ["branch"]


def test_the_branch_is_taken_as_the_remote_has_it_now(team: Team, classify: Classifying) -> None:
    commit = team.commit("feature")
    team.tag("v1.2.0", commit)
    clone = team.clone("v1.2.0")
    before = git(clone, "for-each-ref")
    git(team.desk, "checkout", "--quiet", "main")
    git(team.desk, "merge", "--quiet", "--no-ff", "--message", "merged", "feature")
    git(team.desk, "push", "--quiet", "origin", "main")
    assert classify.rules(clone, "v1.2.0") == []
    assert git(clone, "for-each-ref") == before


def test_a_tag_that_was_moved_is_refused_wherever_that_shows(team: Team, classify: Classifying) -> None:
    first, second = team.commit("main"), team.commit("main")
    team.tag("v1.2.0", first)
    clone = team.clone("v1.2.0")
    team.tag("v1.2.0", second, "--force")
    assert classify.rules(clone, "v1.2.0") == ["moved"]
    assert classify.rules(team.clone("v1.2.0"), "v1.2.0", "--commit", first) == ["moved"]
    git(team.desk, "push", "--quiet", "origin", ":refs/tags/v1.2.0")
    assert classify.rules(clone, "v1.2.0") == ["unpublished"]


def test_an_annotated_tag_that_ci_has_made_light_is_the_same_tag(team: Team, classify: Classifying) -> None:
    commit = team.commit("main")
    team.tag("v1.2.0", commit, "--annotate", "--message", "first")
    clone = team.clone("v1.2.0")
    git(clone, "update-ref", "refs/tags/v1.2.0", commit)
    assert classify.rules(clone, "v1.2.0") == []


def test_a_dirty_a_shallow_and_a_wrong_checkout_are_refused(team: Team, classify: Classifying) -> None:
    commit = team.commit("main")
    team.tag("v1.2.0", commit)
    team.commit("main")
    clone = team.clone("v1.2.0")
    (clone / "new file.txt").write_text("x")
    (clone / "uv.lock").write_text("changed")
    code, answer = classify(clone, "v1.2.0")
    assert code == 1
    assert answer["refusals"][0]["problem"].endswith("'uv.lock', 'new file.txt'")
    git(clone, "checkout", "--quiet", "--force", "origin/main")
    assert classify.rules(clone, "v1.2.0") == ["dirty", "checkout"]
    shallow = team.clone("v1.2.0", "--depth", "1", "--branch", "v1.2.0")
    assert classify.rules(shallow, "v1.2.0") == ["shallow"]


def test_a_tag_that_is_not_there_or_is_no_commit_is_refused(team: Team, classify: Classifying) -> None:
    commit = team.commit("main")
    team.tag("v1.0.0", commit)
    clone = team.clone("v1.0.0")
    assert classify.rules(clone, "v1.1.0") == ["missing"]
    team.tag("v1.2.0", git(team.desk, "rev-parse", "HEAD:uv.lock"))
    git(clone, "fetch", "--quiet", "--tags")
    assert classify.rules(clone, "v1.2.0") == ["no-commit"]


def test_other_branches_may_stand_for_the_stages(team: Team, classify: Classifying) -> None:
    commit = team.commit("releases")
    team.tag("v1.2.0", commit)
    clone = team.clone("v1.2.0")
    assert classify.rules(clone, "v1.2.0", "--production-branch", "releases") == []
    assert classify.rules(clone, "v1.2.0", "--production-branch", "release*") == ["no-branch"]
    assert classify.rules(clone, "v1.2.0", "--production-branch", "--all") == ["no-branch"]


@pytest.mark.parametrize("tag", ["-x", "--upload-pack=touch x", "v1.2.0 v1.3.0", "v1.2.0" * 20_000, "$(touch x)", "\n"])
def test_a_hostile_name_is_refused_and_reaches_no_program(team: Team, classify: Classifying, tag: str) -> None:
    nowhere = team.desk.parent / "nowhere"
    assert classify.rules(nowhere, tag) == ["form"]


def test_a_clone_cannot_be_talked_into_running_or_reading_something_else(
    team: Team, classify: Classifying, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.tag("v1.2.0", team.commit("feature"))
    clone, marker = team.clone("v1.2.0"), tmp_path / "ran"
    (tmp_path / "hook").write_text(f"#!/bin/sh\ntouch {marker}\n")
    (tmp_path / "hook").chmod(0o755)
    git(clone, "config", "core.fsmonitor", str(tmp_path / "hook"))
    # As a hook of git's would have it: another repository, in which the tag is on main.
    (tmp_path / "other").mkdir()
    other = Team.founded(tmp_path / "other")
    other.tag("v1.2.0", other.commit("main"))
    monkeypatch.setenv("GIT_DIR", str(other.desk / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.desk))
    assert classify.rules(clone, "v1.2.0") == ["branch"]
    assert not marker.exists()


def test_what_is_no_clone_or_no_remote_is_told_with_a_remedy(team: Team, classify: Classifying, tmp_path: Path) -> None:
    team.tag("v1.2.0", team.commit("main"))
    clone = team.clone("v1.2.0")
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder, said in (
        (empty, "not a git repository"),
        (tmp_path / "none", "no folder"),
        (clone / "uv.lock", "not a"),
    ):
        code, answer = classify(folder, "v1.2.0")
        assert code == 2
        assert said in answer["said"]
        assert "--repository" in answer["said"]
    code, answer = classify(clone, "v1.2.0", "--remote", str(tmp_path / "gone.git"))
    assert code == 3
    assert "does not appear to be a git repository" in answer["said"]
    with pytest.raises(InvalidInput, match="cannot be a remote"):
        GitRepository(clone, "--upload-pack=x")


def test_the_versions_of_an_environment_are_read_there(
    team: Team, classify: Classifying, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    team.tag("v1.2.0", team.commit("main"))
    clone = team.clone("v1.2.0")
    backend, environment = Backend.ministack(emulator), "classify"
    create_table(backend.client("dynamodb"), settings.table_name(environment))
    for name, value in emulator.client_environment().items():
        monkeypatch.setenv(name, value)
    options = ("--environment", environment, "--service", "transformer")
    assert classify(clone, "v1.2.0", *options)[1]["compared_with"] == []
    pointers = SsmPointers(backend.client("ssm"), environment)
    pointers.put("transformer", "current", arn("v1.2.0"), "")
    code, answer = classify(clone, "v1.2.0", *options, "--deployed", "v1.1.0")
    assert code == 1
    assert answer["compared_with"] == ["v1.1.0", "v1.2.0"]
    assert answer["refusals"][0]["problem"] == "v1.2.0 was deployed before"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--commit", "abc"], "full id of a commit"),
        (["--commit", ""], "full id of a commit"),
        (["--deployed", "v1.0"], "cannot be compared"),
        (["--service", "transformer"], "give --environment too"),
        (["--service", "Trans former"], "not the name of a service"),
        (["--environment", "prod"], "--service must say"),
    ],
)
def test_a_guard_is_never_given_half(options: list[str], said: str, classify: Classifying) -> None:
    code, answer = classify(Path(), "v1.2.0", *options)
    assert code == 2
    assert said in answer["said"]

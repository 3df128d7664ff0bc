"""The runner of buildspecs keeps CodeBuild's rules, so that what passes with it passes there."""

import os
import time
from pathlib import Path
from textwrap import dedent

import pytest
from tests.delivery.buildspec import BadBuildspec, buildspec_from
from tests.delivery.codebuild import Build, run
from tests.e2e.deployed import wait_until

from canary_router.local import processes

HEAD = "version: 0.2\nphases:\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    for name in ("a.txt", "out/b.txt", "out/deep/c.txt", "out/deep/d.bin"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def built(checkout: Path, text: str, seconds: float = 30, **variables: str) -> Build:
    variables = {"PATH": os.defpath, **variables}
    return run(buildspec_from(dedent(text)), checkout, checkout.parent / "work", variables, seconds)


def said(build: Build) -> list[str]:
    """What the commands printed, without the commands."""
    return [line for line in build.log.splitlines() if not line.startswith("+ ")]


def phases(**commands: str) -> str:
    """A buildspec with one command in each of these phases."""
    return HEAD + "".join(f"  {name}: {{commands: ['{command}']}}\n" for name, command in commands.items())


def test_the_phases_come_in_their_order_whatever_the_order_in_the_file(checkout: Path) -> None:
    build = built(checkout, phases(post_build="echo 4", build="echo 3", install="echo 1", pre_build="echo 2"))
    assert said(build) == ["1", "2", "3", "4"]
    assert build.succeeded


def test_a_failed_command_ends_its_phase(checkout: Path) -> None:
    build = built(checkout, HEAD + "  pre_build: {commands: [echo one, 'false', echo two]}\n")
    assert said(build) == ["one"]
    assert build.phases == {"pre_build": "FAILED"}
    assert not build.succeeded


@pytest.mark.parametrize("failing", ["install", "pre_build"])
def test_after_a_failure_before_the_build_nothing_follows(checkout: Path, failing: str) -> None:
    build = built(checkout, phases(**{failing: "false"}, build="echo build", post_build="echo post"))
    assert said(build) == []
    assert build.phases == {failing: "FAILED"}


def test_post_build_follows_a_failed_build_and_is_told(checkout: Path) -> None:
    build = built(checkout, phases(build="false", post_build="echo $CODEBUILD_BUILD_SUCCEEDING"))
    assert said(build) == ["0"]
    assert build.phases == {"build": "FAILED", "post_build": "SUCCEEDED"}
    assert not build.succeeded


def test_a_build_that_succeeds_tells_post_build_so(checkout: Path) -> None:
    assert said(built(checkout, phases(build="true", post_build="echo $CODEBUILD_BUILD_SUCCEEDING"))) == ["1"]


def test_a_failed_post_build_fails_the_build(checkout: Path) -> None:
    assert not built(checkout, phases(build="true", post_build="false")).succeeded


def test_on_failure_abort_keeps_post_build_from_running(checkout: Path) -> None:
    text = HEAD + "  build: {on-failure: ABORT, commands: ['false']}\n  post_build: {commands: [echo post]}\n"
    assert built(checkout, text).phases == {"build": "FAILED"}


def test_on_failure_continue_goes_on_and_the_build_has_failed_all_the_same(checkout: Path) -> None:
    text = HEAD + "  pre_build: {on-failure: CONTINUE, commands: ['false']}\n  build: {commands: [echo build]}\n"
    build = built(checkout, text)
    assert said(build) == ["build"]
    assert not build.succeeded


def test_a_finally_block_runs_after_a_failure_and_its_own_failure_counts(checkout: Path) -> None:
    text = HEAD + "  build: {commands: ['false'], finally: [echo at last]}\n"
    assert said(built(checkout, text)) == ["at last"]


def test_a_failed_finally_block_fails_its_phase(checkout: Path) -> None:
    assert built(checkout, HEAD + "  build: {commands: ['true'], finally: ['false']}\n").phases == {"build": "FAILED"}


def test_one_shell_has_variables_functions_and_the_folder_for_all_commands(checkout: Path) -> None:
    text = (
        HEAD
        + """\
  pre_build:
    commands:
      - hello() { echo "$WHO at $(basename "$PWD")"; }
      - WHO=me
      - cd out
  build: {commands: [hello]}
"""
    )
    assert said(built(checkout, text)) == ["me at out"]


def test_what_is_not_exported_does_not_reach_programs(checkout: Path) -> None:
    text = HEAD + "  build: {commands: ['A=1', export B=2, 'sh -c ''echo \"$A-$B\"''']}\n"
    assert said(built(checkout, text)) == ["-2"]


def test_in_version_0_1_each_command_has_a_shell_of_its_own(checkout: Path) -> None:
    text = "version: 0.1\nphases:\n  build: {commands: ['export WHO=me', cd out, 'echo \"-$WHO-\"; ls']}\n"
    assert said(built(checkout, text)) == ["--", "a.txt", "out"]


def test_the_shell_is_sh_unless_the_buildspec_asks_for_bash(checkout: Path) -> None:
    command = phases(build="echo -${BASH_VERSION:+bash}-")
    assert said(built(checkout, command)) == ["--"]


def test_bash_is_used_when_it_is_asked_for(checkout: Path) -> None:
    command = phases(build="echo -${BASH_VERSION:+bash}-").replace("phases:", "env: {shell: bash}\nphases:")
    assert said(built(checkout, command)) == ["-bash-"]


def test_exit_in_a_command_fails_it_and_post_build_has_what_was_exported(checkout: Path) -> None:
    text = HEAD + "  build: {commands: [cd out, 'export A=1; exit 3']}\n  post_build: {commands: [echo $A, ls]}\n"
    build = built(checkout, text)
    assert build.phases["build"] == "FAILED"
    assert said(build) == ["1", "b.txt", "deep"]


def test_exit_zero_is_no_failure(checkout: Path) -> None:
    assert built(checkout, phases(build="exit 0", post_build="true")).succeeded


def test_a_command_that_is_no_shell_fails_its_phase(checkout: Path) -> None:
    build = built(checkout, phases(build="if", post_build="echo post"))
    assert build.phases == {"build": "FAILED", "post_build": "SUCCEEDED"}


def test_a_command_of_several_lines_fails_by_its_last_one_only(checkout: Path) -> None:
    text = HEAD + "  build:\n    commands:\n      - |\n        false\n        echo went on\n"
    build = built(checkout, text)
    assert (said(build), build.succeeded) == (["went on"], True)


def test_commands_cannot_read_what_comes_after_them(checkout: Path) -> None:
    assert said(built(checkout, HEAD + "  build: {commands: [cat, echo next]}\n")) == ["next"]


def test_a_build_that_takes_too_long_is_ended_with_all_that_it_began(checkout: Path) -> None:
    began = time.monotonic()
    build = built(checkout, phases(build="sleep 60 & echo $! >pid; sleep 60"), seconds=1)
    assert not build.succeeded
    assert time.monotonic() - began < 20
    behind = int((checkout / "pid").read_text())
    wait_until(lambda: processes.started_at(behind) is None, seconds=10)


def test_a_project_variable_comes_before_the_buildspecs(checkout: Path) -> None:
    text = phases(build="echo $A $B").replace("phases:", "env: {variables: {A: spec, B: spec}}\nphases:")
    assert said(built(checkout, text, A="project")) == ["project spec"]


def test_the_environment_is_nothing_but_what_was_given(checkout: Path) -> None:
    os.environ["LEAKED"] = "yes"
    try:
        build = built(checkout, phases(build="env"))
    finally:
        del os.environ["LEAKED"]
    names = {line.partition("=")[0] for line in said(build)} - {"_", "OLDPWD", "SHLVL"}
    assert names == {"PATH", "PWD", "CODEBUILD_SRC_DIR", "CODEBUILD_CI", "CODEBUILD_BUILD_SUCCEEDING"}
    assert f"CODEBUILD_SRC_DIR={checkout}" in said(build)


def test_exported_variables_have_their_last_values(checkout: Path) -> None:
    text = phases(pre_build="export A=1 B=2; C=3", post_build="export A=4").replace(
        "phases:", "env: {exported-variables: [A, C, D]}\nphases:"
    )
    assert built(checkout, text).exported == {"A": "4"}


ARTIFACTS = phases(build="true") + "artifacts:\n"


def names_in(build: Build) -> list[str]:
    folder = build.artifacts
    return [] if folder is None else sorted(str(it.relative_to(folder)) for it in folder.rglob("*") if it.is_file())


@pytest.mark.parametrize(
    ("paths", "collected"),
    [
        ("files: ['a.txt']", ["a.txt"]),
        ("files: ['*']", ["a.txt"]),
        ("files: ['**/*']", ["a.txt", "out/b.txt", "out/deep/c.txt", "out/deep/d.bin"]),
        ("files: ['**/*.txt']\n  base-directory: out", ["b.txt", "deep/c.txt"]),
        ("files: ['**/*']\n  base-directory: out\n  discard-paths: yes", ["b.txt", "c.txt", "d.bin"]),
        ("files: ['**/*']\n  exclude-paths: ['**/*.txt']", ["out/deep/d.bin"]),
    ],
)
def test_artifacts_are_found_by_their_paths(checkout: Path, paths: str, collected: list[str]) -> None:
    build = built(checkout, f"{ARTIFACTS}  {paths}\n")
    assert names_in(build) == collected
    assert build.phases["UPLOAD_ARTIFACTS"] == "SUCCEEDED"


def test_a_path_that_nothing_matches_fails_the_build(checkout: Path) -> None:
    build = built(checkout, f"{ARTIFACTS}  files: [a.txt, none.txt]\n")
    assert build.phases == {"build": "SUCCEEDED", "UPLOAD_ARTIFACTS": "FAILED"}
    assert not build.succeeded


def test_two_files_that_would_have_one_name_fail_the_build(checkout: Path) -> None:
    (checkout / "out/deep/a.txt").write_text("another")
    assert not built(checkout, f"{ARTIFACTS}  files: ['**/*']\n  discard-paths: yes\n").succeeded


def test_artifacts_of_a_failed_build_are_collected_but_not_of_one_that_never_began(checkout: Path) -> None:
    text = phases(build="false") + "artifacts: {files: [a.txt]}\n"
    assert names_in(built(checkout, text)) == ["a.txt"]
    (checkout.parent / "work").rename(checkout.parent / "before")
    assert "UPLOAD_ARTIFACTS" not in built(checkout, text.replace("build:", "pre_build:")).phases


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("version: 0.3\nphases: {build: {commands: [a]}}", "version: 0.3"),
        ("phases: {build: {commands: [a]}}", "version: None"),
        ("version: 0.2", "there are none"),
        ("version: 0.2\nphases: {biuld: {commands: [a]}}", "'biuld' is unknown"),
        ("version: 0.2\nphases: {build: {command: [a]}}", "'command' is unknown"),
        ("version: 0.2\nphases: {build: {commands: []}}", "it has no commands"),
        ("version: 0.2\nphases: {build: {commands: [{a: b}]}}", "no list of texts"),
        ("version: 0.2\nphases: {build: {commands: a}}", "no list of texts"),
        ("version: 0.2\nphases: {build: {commands: [a], run-as: you}}", "'run-as' is unknown"),
        ("version: 0.2\nphases: {build: {commands: [a], on-failure: RETRY}}", "'RETRY' is not played"),
        ("version: 0.2\nphases: {build: {commands: [a], runtime-versions: {python: '3'}}}", "runtime-versions"),
        ("version: 0.2\nreports: {}\nphases: {build: {commands: [a]}}", "'reports' is unknown"),
        ("version: 0.2\nenv: {shell: powershell}\nphases: {build: {commands: [a]}}", "powershell"),
        ("version: 0.2\nenv: {git-credential-helper: maybe}\nphases: {build: {commands: [a]}}", "neither yes nor no"),
        ("version: 0.2\nenv: {secrets-manager: {A: b}}\nphases: {build: {commands: [a]}}", "'secrets-manager'"),
        ("version: 0.2\nenv: {variables: {A: 1.10}}\nphases: {build: {commands: [a]}}", "quote it"),
        ("version: 0.2\nenv: {variables: {A B: x}}\nphases: {build: {commands: [a]}}", "not the name of a variable"),
        ("version: 0.2\nenv: {exported-variables: [AWS_X]}\nphases: {build: {commands: [a]}}", "cannot be exported"),
        ("version: 0.2\nphases: {build: {commands: [a]}}\nartifacts: {}", "there are none"),
        ("version: 0.2\nphases: {build: {commands: [a]}}\nartifacts: {files: [a], discard-paths: 3}", "yes nor no"),
        ("version: 0.2\nphases: {build: {commands: [a]}}\nartifacts: {files: [a], name: b}", "'name' is unknown"),
        ("version: 0.2\nphases: {build: {commands: [a]}}\nartifacts: {files: [a], base-directory: '*'}", "not played"),
        ("a: [", "no YAML"),
        ("text", "no mapping"),
    ],
)
def test_what_cannot_be_done_as_codebuild_does_it_is_refused_by_name(text: str, problem: str) -> None:
    with pytest.raises(BadBuildspec, match=problem):
        buildspec_from(text)

"""The command line as a user meets it: help, mistakes, exit codes, and which environment is meant."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError
from typer.core import TyperGroup

from canary_router import __version__
from canary_router.cli.app import app, run, shared_first
from canary_router.cli.trouble import explain
from canary_router.errors import (
    AccessRefused,
    CanaryRouterError,
    ConfigurationError,
    InvalidInput,
    NotFound,
    NotInTime,
    StartUnknown,
    Unavailable,
)

ROOT = Path(__file__).parents[2]
COMMANDS = typer.main.get_command(app)
VERBS = [
    "status",
    "watch",
    "release",
    "promote",
    "abort",
    "pause",
    "resume",
    "rollback",
    "prune",
    "doctor",
    "dashboard",
    "history",
    "explain",
    "policy check",
    "send",
    "transforms",
    "demo",
    "local up",
    "local deploy",
    "local down",
    "local status",
    "ci classify",
    "ci pack",
    "ci verify",
]


def help_of(verb: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run([*verb.split(), "--help"]) == 0
    return capsys.readouterr().out


def parse(arguments: list[str]) -> None:
    """Parses a command line to its last option, and runs nothing."""
    context = COMMANDS.make_context("canary-router", list(arguments))
    command = COMMANDS
    while isinstance(command, TyperGroup):
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        context = found.make_context(name, rest, parent=context)
        command = found


def examples(text: str) -> list[str]:
    return re.findall(r"canary-router ((?:--|[a-z])[^`|&)#\n]*)", text)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help_with_an_example_that_parses(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(verb, capsys)
    found = re.split(r"  \s{2,}", text.split("Example", 1)[1].split("\n\n", 1)[0])
    lines = [line for part in found for line in examples(part)]
    assert any(verb.rsplit(maxsplit=1)[-1] in line for line in lines), text
    for line in lines:
        parse(shlex.split(line))


def test_the_help_of_the_command_lists_the_verbs_and_its_examples_parse(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of("", capsys)
    for verb in VERBS:
        assert f"  {verb.split()[0]} " in text
    assert "..." not in text.split("Commands:")[1], "a summary is too long for the list"
    for line in examples(text.split("Exit codes")[0]):
        parse(shlex.split(re.split(r"\s{2,}", line)[0]))


@pytest.mark.parametrize(
    "page", ["README.md", "docs/how-to/look-after-a-release.md", "docs/how-to/retire-old-versions.md"]
)
def test_every_command_in_the_documentation_parses(page: str) -> None:
    lines = examples((ROOT / page).read_text(encoding="utf-8"))
    assert lines
    for line in lines:
        parse(shlex.split(line))


def test_help_comes_at_once_since_nothing_heavy_is_imported() -> None:
    program = (
        "import sys; from canary_router.cli.app import run; code = run(['--help']);"
        "heavy = {'boto3', 'botocore', 'rich', 'pydantic', 'urllib3', 'asyncio', 'aws_cdk'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy or code else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        (["status", "--output", "json"], ["--output", "json", "status"]),
        (["status", "--output=json", "transformer"], ["--output=json", "status", "transformer"]),
        (["send", "x", "--", "--output", "json"], ["send", "x", "--", "--output", "json"]),
        (["release", "x", "arn", "--version", "v1.0.0"], ["release", "x", "arn", "--version", "v1.0.0"]),
        (["status", "--output"], ["--output", "status"]),
    ],
)
def test_shared_options_are_taken_after_the_verb_too(given: list[str], moved: list[str]) -> None:
    assert shared_first(given) == moved


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stauts"], "No such command 'stauts'"),
        (["status", "--colour"], "No such option"),
        (["watch"], "Missing argument"),
        (["watch", "Transformer"], "'Transformer' is not the name of a service"),
        (["watch", "transformer", "--timeout", "soon"], "Input should be a valid number"),
        (["--output", "yaml", "status"], "'yaml' is not one of"),
        (["transforms", "transformer", "--release", "r1-1", "--current"], "exclude each other"),
        (["status"], "No environment is named. Give --environment"),
        (["--environment", "Prod!", "status"], "'Prod!' is not the name of an environment"),
        (["--environment", "prod", "--profile", "nobody", "status"], "nobody"),
        (["--environment", "prod", "status"], "You must specify a region. Give --region"),
        (["--environment", "prod", "release", "etl-v1-0-0-x", "not-an-arn"], "has the form of a version in it"),
        (["--environment", "prod", "release", "transformer", "not-an-arn"], "is not the ARN of a Lambda function"),
        (["local", "deploy", "latest"], "'latest' is not a version's tag"),
        (["local", "deploy", "v1.1.0"], "No router is up on this machine. Start one: canary-router local up."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_exit_code_2_and_one_line_that_says_what_to_do(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "Traceback" not in captured.err


def test_an_arn_of_another_version_than_the_one_named_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:transformer-v1-2-0-pipeline"
    assert run(["--environment", "prod", "release", "transformer", arn, "--version", "v1.3.0"]) == 2
    assert "is v1.2.0, not v1.3.0" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["{", "[1,", "\xff"])
def test_an_input_that_is_no_json_is_refused_with_the_name_of_the_file(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "job.json"
    file.write_bytes(content.encode("latin-1"))
    assert run(["--environment", "prod", "send", "transformer", "--input", str(file)]) == 2
    assert str(file) in capsys.readouterr().err
    assert run(["--environment", "prod", "send", "transformer", "--input", str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_aws_that_cannot_be_reached_is_exit_code_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert run(["--environment", "prod", "--region", "eu-west-1", "status", "transformer"]) == 3
    err = capsys.readouterr().err
    assert "127.0.0.1:9 cannot be reached" in err
    assert "is it running?" in err
    assert len(err.strip().splitlines()) == 1


def test_without_credentials_the_exit_code_is_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert run(["--environment", "prod", "--region", "eu-west-1", "status", "transformer"]) == 3
    assert "Unable to locate credentials. Log in" in capsys.readouterr().err


def test_nothing_runs_on_a_machine_without_an_emulator(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--output", "json", "local", "status"]) == 1
    assert json.loads(capsys.readouterr().out) == {"running": False}
    assert run(["--output", "json", "local", "down"]) == 0
    assert json.loads(capsys.readouterr().out) == {"stopped": False}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetParameters")


def caused(error: CanaryRouterError, cause: Exception) -> CanaryRouterError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InvalidInput("it is wrong", advice="Do this."), 2, "it is wrong. Do this."),
        (ConfigurationError("it is wrong."), 2, "it is wrong."),
        (NotFound("there is none"), 2, "there is none."),
        (NotInTime("not yet", advice="Wait."), 1, "not yet. Wait."),
        (StartUnknown("who knows"), 3, "who knows."),
        (AccessRefused("no", advice="Ask."), 3, "no. Ask."),
        (caused(Unavailable("reading"), refused("AccessDeniedException")), 3, "reading. Ask for the permission"),
        (caused(Unavailable("reading"), refused("ExpiredTokenException")), 3, "reading. Log in again."),
        (caused(Unavailable("reading"), refused("ResourceNotFoundException")), 3, "reading. Is the router deployed"),
        (refused("ThrottlingException"), 3, "An error occurred (ThrottlingException)"),
        (NoCredentialsError(), 3, "Unable to locate credentials. Log in"),
        (NoRegionError(), 2, "You must specify a region. Give --region"),
    ],
    ids=str,
)
def test_an_error_becomes_a_line_and_an_exit_code(error: Exception, code: int, said: str) -> None:
    line, found = explain(error)
    assert found == code
    assert line.startswith(said)


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        explain(ZeroDivisionError())


def test_without_the_extra_the_command_says_how_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError(name='typer')")
    done = subprocess.run(
        [sys.executable, "-c", "from canary_router.cli import main; main(['status'])"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "canary-router: the command line is not installed. pip install 'canary-router[cli]'\n"

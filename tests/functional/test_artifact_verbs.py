"""``ci pack`` and ``ci verify`` as a build runs them, with a key of KMS's."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from tests.functional import forgery
from tests.functional.clones import Team, git

from canary_router.cli.app import run
from canary_router.local import loopback

MISSING = "arn:aws:kms:us-east-1:123456789012:key/11111111-1111-1111-1111-111111111111"


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team.founded(tmp_path)


@pytest.fixture(scope="module")
def endpoint_url() -> Iterator[str]:
    server = ThreadedMotoServer(loopback.HOST, 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Verbs:
    """Runs a verb with a key."""

    def __init__(self, key: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._key = key
        self._capsys = capsys

    def __call__(self, verb: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        options = ["--key", self._key, "--service", "transformer"]
        code = run(["--output", "json", "--region", "us-east-1", "ci", verb, *options, *arguments])
        captured = self._capsys.readouterr()
        return code, json.loads(captured.out) if captured.out else {"said": captured.err}


@pytest.fixture
def verbs(endpoint_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verbs:
    for name, value in (("ENDPOINT_URL", endpoint_url), ("ACCESS_KEY_ID", "testing"), ("SECRET_ACCESS_KEY", "testing")):
        monkeypatch.setenv(f"AWS_{name}", value)
    keys: Any = boto3.Session(region_name="us-east-1").client("kms")
    return Verbs(keys.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"], capsys)


def test_from_a_tag_to_files_that_may_be_deployed(team: Team, verbs: Verbs, tmp_path: Path) -> None:
    commit = git(team.desk, "rev-parse", "main")
    team.tag("v1.2.0", commit)
    clone = team.clone("v1.2.0")
    out, into = str(tmp_path / "a.zip"), tmp_path / "into"
    code, made = verbs("pack", "--repository", str(clone), "--out", out, "--commit", commit, "--", "v1.2.0")
    assert (code, made["object_key"]) == (0, "production/transformer/v1.2.0/transformer-v1.2.0.zip")
    assert made["artifact_sha256"] == forgery.sha256(Path(out).read_bytes())
    where = ["--object-key", made["object_key"], "--stage", "production", "--tag", "v1.2.0", "--commit", commit]
    code, good = verbs("verify", out, *where, "--deployed", "v1.1.0", "--into", str(into))
    assert code == 0
    assert good == {
        **{name: made[name] for name in good if name in made},
        "compared_with": ["v1.1.0"],
        "into": str(into),
    }
    assert (into / "source/uv.lock").read_text() == "locked = 1\n"
    code, bad = verbs("verify", out, "--stage", "staging", "--into", str(tmp_path / "other"))
    assert code == 1
    assert [it["rule"] for it in bad["refusals"]] == ["stage"]
    assert not (tmp_path / "other").exists()


def test_a_tag_that_is_refused_is_not_packed(team: Team, verbs: Verbs, tmp_path: Path) -> None:
    commit = team.commit("feature")
    team.tag("v1.2.0", commit)
    out = tmp_path / "a.zip"
    code, answer = verbs("pack", "--repository", str(team.clone("v1.2.0")), "--out", str(out), "--", "v1.2.0")
    assert (code, answer["accepted"], answer["refusals"][0]["rule"]) == (1, False, "branch")
    code, answer = verbs("pack", "--repository", str(team.desk), "--out", str(out), "--", "v1")
    assert (code, answer["refusals"][0]["rule"]) == (1, "form")
    assert not out.exists()


def test_a_lock_that_is_not_there_is_an_answer_too(team: Team, verbs: Verbs, tmp_path: Path) -> None:
    team.tag("v1.2.0", git(team.desk, "rev-parse", "main"))
    clone, out = team.clone("v1.2.0"), tmp_path / "a.zip"
    options = ["--repository", str(clone), "--out", str(out), "--lock", "package-lock.json"]
    code, answer = verbs("pack", *options, "--", "v1.2.0")
    assert (code, answer["refusals"][0]["rule"]) == (1, "lock")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--stage", "test"], "is not a stage"),
        (["--stage", "staging", "--tag", ""], "it is empty"),
        (["--stage", "staging", "--object-key", ""], "it is empty"),
        (["--stage", "staging", "--commit", ""], "full id of a commit"),
        (["--stage", "staging", "--deployed", ""], "cannot be compared"),
        (["--stage", "staging"], "cannot be read"),
    ],
    ids=str,
)
def test_a_check_is_never_switched_off_by_an_empty_variable(
    options: list[str], said: str, verbs: Verbs, tmp_path: Path
) -> None:
    code, answer = verbs("verify", str(tmp_path / "none.zip"), *options)
    assert code == 2
    assert said in answer["said"]


def test_a_key_that_cannot_be_used_is_exit_code_3(
    team: Team, verbs: Verbs, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    team.tag("v1.2.0", git(team.desk, "rev-parse", "main"))
    options = ["--repository", str(team.clone("v1.2.0")), "--out", str(tmp_path / "a.zip"), "--", "v1.2.0"]
    other = Verbs(MISSING, capsys)
    code, answer = other("pack", *options)
    assert code == 3
    assert "does not exist" in answer["said"]
    assert not (tmp_path / "a.zip").exists()
    assert verbs("pack", *options)[0] == 0
    assert other("verify", str(tmp_path / "a.zip"), "--stage", "production")[0] == 3

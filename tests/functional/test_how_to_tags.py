"""The how-to from a tag to a version: its buildspecs are run as they stand there, and its tables are true."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from tests.contracts.tables import create_table
from tests.delivery.buildspec import Buildspec, buildspec_from
from tests.delivery.codebuild import Build, run
from tests.functional.clones import Team, git
from tests.unit.world import arn

from canary_router import settings
from canary_router.adapters.aws.parameters import SsmPointers
from canary_router.cdk import buildspecs
from canary_router.flows.operate import release
from canary_router.local import loopback

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/from-a-tag-to-a-version.md").read_text()
SHIPPED = {"build": buildspecs.TAG, "deploy": buildspecs.DEPLOY}
AWS = """#!/bin/sh
# aws s3 cp FILE s3://BUCKET/KEY, with a folder for the bucket
[ "$1 $2" = "s3 cp" ] || exit 9
to="$BUCKETS/${4#s3://}"
mkdir -p "$(dirname "$to")" && cp "$3" "$to"
"""
CDK = '#!/bin/sh\necho "cdk $*" >>"$CALLS"\n'
REFUSED = {"install": "SUCCEEDED", "pre_build": "FAILED"}
TESTS = "test:\n\t@echo tested >>$(CALLS); test ! -e broken\n"


def buildspec(name: str) -> Buildspec:
    """A buildspec that the page shows, which is the one that the package brings."""
    _, _, after = PAGE.partition(f"<!-- example: {name} -->\n```yaml\n")
    text, end, _ = after.partition("```")
    assert end, f"the page has no example {name!r}"
    assert text == SHIPPED[name], f"the example {name!r} is not the buildspec that is shipped"
    return buildspec_from(text)


class CodeBuild:
    """Runs the buildspecs of the page, with tools that only note what they were told."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.out = folder / "out"
        self._folder = folder
        self._builds = 0
        tools = folder / "tools"
        for place in (self.out, tools):
            place.mkdir()
        for name, text in (("aws", AWS), ("cdk", CDK)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        places = {"BUCKETS": folder / "buckets", "CALLS": folder / "calls", "OUT": self.out}
        self._variables = {"PATH": path, **{name: str(place) for name, place in places.items()}, **variables}

    @property
    def calls(self) -> list[str]:
        calls = self._folder / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    @property
    def bucket(self) -> list[str]:
        root = self._folder / "buckets"
        return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]

    def run(self, name: str, checkout: Path, **variables: str) -> Build:
        self._builds += 1
        return run(buildspec(name), checkout, self._folder / f"build-{self._builds}", self._variables | variables)


@pytest.fixture(scope="module")
def cloud() -> Iterator[dict[str, str]]:
    """Variables with which AWS is reached: KMS, SSM and DynamoDB."""
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
def codebuild(tmp_path: Path, cloud: dict[str, str], client: Any) -> CodeBuild:
    client("ssm").get_parameters(Names=["x"])  # moto takes seconds for a service's first call, and SSM's is waited for
    return CodeBuild(
        tmp_path, cloud | {"SIGNING_KEY": new_key(client), "ARTIFACTS": "artifacts", "SERVICE": "transformer"}
    )


def new_key(client: Any) -> str:
    """A key that signs."""
    return str(client("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"])


def build(team: Team, codebuild: CodeBuild, tag: str, stage: str = "production", branch: str = "main") -> Build:
    """A build of a tag of a branch's tip, in the project of a stage."""
    commit = git(team.desk, "rev-parse", branch)
    team.tag(tag, commit)
    variables = {"CODEBUILD_WEBHOOK_TRIGGER": f"tag/{tag}", "CODEBUILD_RESOLVED_SOURCE_VERSION": commit}
    return codebuild.run("build", team.clone(tag), STAGE=stage, **variables)


def test_a_tag_is_built_and_deployed_and_its_commit_cannot_change_afterwards(
    team: Team, codebuild: CodeBuild, client: Any
) -> None:
    built = build(team, codebuild, "v1.2.0")
    assert built.succeeded, built.log
    (key,) = codebuild.bucket
    assert key == "artifacts/production/transformer/v1.2.0/transformer-v1.2.0.zip"
    place = {"STAGE": "production", "ENVIRONMENT": "production", "OBJECT_KEY": key.removeprefix("artifacts/")}
    unpacked = codebuild.out / "source"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(codebuild.out / "artifact.zip"), unpacked], check=True)
    create_table(client("dynamodb"), settings.table_name("production"))
    deployed = codebuild.run("deploy", unpacked, **place)
    assert deployed.succeeded, deployed.log
    commit = git(team.desk, "rev-parse", "main")
    assert codebuild.calls[-1] == (
        "cdk deploy --require-approval never --exclusively --context environment=production"
        f" --context tag=v1.2.0 --context commit={commit} transformer-v1-2-0"
    )
    # What the deployment would have done last: another commit of that version was released.
    pointers = SsmPointers(client("ssm"), "production")
    release(pointers, "transformer", arn("v1.2.0"), "order", "f" * 40)
    (codebuild.out / "version").rename(codebuild.out / "before")
    assert codebuild.run("deploy", unpacked, **place).phases == REFUSED
    refusals = json.loads((codebuild.out / "verified.json").read_text())["refusals"]
    assert [it["rule"] for it in refusals] == ["commit"]
    assert len([call for call in codebuild.calls if call.startswith("cdk")]) == 1


def test_nothing_reaches_the_bucket_when_the_tests_fail_or_the_tag_is_refused(team: Team, codebuild: CodeBuild) -> None:
    team.commit("main", "broken", "")
    assert build(team, codebuild, "v1.2.0").phases["build"] == "FAILED"
    assert codebuild.calls == ["tested"]
    git(team.desk, "rm", "--quiet", "broken")
    team.commit("main")
    refused = build(team, codebuild, "v1.2.1-rc.1", "staging")
    assert (refused.phases, codebuild.calls) == (REFUSED, ["tested"])
    assert "is no commit of the branch 'staging', but of 'main'" in refused.log
    assert codebuild.bucket == []


def test_no_code_of_a_commit_is_run_in_the_project_of_another_stage(team: Team, codebuild: CodeBuild) -> None:
    team.commit("staging", "Makefile", TESTS)
    candidate = build(team, codebuild, "v1.2.0-rc.1", "production", "staging")
    release = build(team, codebuild, "v1.2.0", "staging")
    # Its form is right, and its commit is of the other branch.
    on_the_wrong_branch = build(team, codebuild, "v1.3.0", "production", "staging")
    assert [it.phases for it in (candidate, release, on_the_wrong_branch)] == [REFUSED] * 3
    assert "v1.2.0-rc.1 is for staging, and this is a build for production" in candidate.log
    assert "v1.2.0 is for production, and this is a build for staging" in release.log
    assert "is no commit of the branch 'main'" in on_the_wrong_branch.log
    assert (codebuild.calls, codebuild.bucket) == ([], [])


FORGERY = """test:
	@git init -q --bare -b main $(OUT)/o && git clone -q $(OUT)/o $(OUT)/w 2>/dev/null && cd $(OUT)/w && \
	git config user.email a@b && git config user.name a && git checkout -q -b main && echo forged >uv.lock && \
	git add -A && git commit -q -m forged && git tag v9.9.9 && git push -q origin main v9.9.9 && \
	canary-router ci pack --service transformer --key "$$SIGNING_KEY" --out $(OUT)/forged.zip -- v9.9.9
"""


def test_what_code_of_the_staging_branch_has_signed_is_refused_in_production(
    team: Team, codebuild: CodeBuild, client: Any
) -> None:
    """That it can sign by no other key, and write nowhere else, the policies say; the story tries it."""
    team.commit("staging", "Makefile", FORGERY)
    assert build(team, codebuild, "v1.2.0-rc.1", "staging", "staging").succeeded
    forged = codebuild.out / "forged"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(codebuild.out / "forged.zip"), forged], check=True)
    create_table(client("dynamodb"), settings.table_name("live"))
    place = {"OBJECT_KEY": "production/transformer/v9.9.9/transformer-v9.9.9.zip", "STAGE": "production"}
    deployed = codebuild.run("deploy", forged, **place, ENVIRONMENT="live", SIGNING_KEY=new_key(client))
    assert deployed.phases == REFUSED
    refusals = json.loads((codebuild.out / "verified.json").read_text())["refusals"]
    assert [it["rule"] for it in refusals] == ["signature"]
    assert not [call for call in codebuild.calls if call.startswith("cdk")]


def test_the_tables_name_every_rule_and_no_other() -> None:
    sources = {
        "ci classify": ["core/tags.py"],
        "ci pack": ["artifacts/pack.py"],
        "ci verify": ["artifacts/bundle.py", "artifacts/verify.py", "core/manifest.py"],
    }
    for verb, files in sources.items():
        _, _, after = PAGE.partition(f"| `{verb}`")
        named = set(re.findall(r"`([a-z-]+)`", "".join(re.findall(r"\n\| ([^|]*) \|", after.partition("\n\n")[0]))))
        text = "".join((ROOT / "src/canary_router" / file).read_text() for file in files)
        said = set(re.findall(r'(?:Refusal|Rejected)\(\s*"([a-z-]+)"', text))
        if verb == "ci verify":
            said |= set(re.findall(r'\("([a-z]+)", "the ', text))
        if verb == "ci pack":
            said.add("path")
        assert named == said, verb

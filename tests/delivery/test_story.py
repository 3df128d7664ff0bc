"""The whole way: a branch, a pull request, a release candidate, a release that fails, one that is promoted.

git is real; the three accounts are the emulator's, with every permission checked; ``world.py`` says what is played.
"""

import io
import logging
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.delivery.codebuild import FAILED, SUCCEEDED
from tests.delivery.codepipeline import Execution
from tests.delivery.places import DELIVERY, FIRST, SERVICE, pipeline_stack, router_stack
from tests.delivery.world import Stage, World, furnished
from tests.e2e.deployed import BAD, JOB, wait_until

from canary_router import settings
from canary_router.adapters.aws.kms import KmsSigner
from canary_router.artifacts import Verified, verify
from canary_router.core.manifest import Expected
from canary_router.core.model import ReleaseState
from canary_router.flows import inspect
from canary_router.flows.deployed import deployed_versions

pytestmark = pytest.mark.e2e
_log = logging.getLogger(__name__)
STRANGER = Path(__file__).with_name("stranger") / "attempts.py"
NOTHING_DONE = (
    "write an artifact: AccessDenied",
    "list artifacts: AccessDenied",
    "sign: AccessDeniedException",
    "write a parameter: AccessDeniedException",
    "take on the role of tags: AccessDenied",
)
"""What the attempts have to say."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    began = time.monotonic()
    with furnished(tmp_path_factory.mktemp("delivery")) as world:
        _log.info("%5.1f s  three accounts are furnished", time.monotonic() - began)
        yield world


@contextmanager
def step(name: str) -> Iterator[None]:
    """A step of the story, whose name is told with its time, and with its failure."""
    began = time.monotonic()
    try:
        yield
    except BaseException as error:
        error.add_note(f"This was the step: {name}")
        raise
    _log.info("%5.1f s  %s", time.monotonic() - began, name)


def test_from_a_branch_to_a_version_that_serves_production(world: World, tmp_path: Path) -> None:
    staging, production = world.stages["staging"], world.stages["production"]
    with step("a pull request is built, and can write nothing"):
        pull_requests(world)
    with step("a tag on the wrong branch produces nothing"):
        candidate = world.repository.merge("feature", "staging")
        refused(world, "v1.0.1", candidate, "'main'")
    with step("a release candidate is built in dev, and deployed in staging"):
        execution = released(world, "v1.1.0-rc.1", candidate)
        assert staging.pipeline.executions == [execution]
    with step("its canary is promoted, and the pipeline ends well"):
        judged(staging, "v1.1.0-rc.1", JOB, 2, ReleaseState.PROMOTED)
        assert (execution.status, execution.action("Verdict").status) == ("Succeeded", "Succeeded")
    with step("the release is deployed in production, its canary fails, and the pipeline is rejected"):
        release = world.repository.merge("staging", "main")
        execution = released(world, "v1.1.0", release)
        judged(production, "v1.1.0", BAD, 1, ReleaseState.ABORTED)
        assert (execution.status, execution.action("Verdict").status) == ("Failed", "Failed")
        assert execution.action("Verdict").said.startswith("ABORTED v1.1.0")
    with step("the fixed release is promoted, and a person approves"):
        world.repository.branch("fix", "main", {"fix.txt": "fixed\n"})
        fix = world.repository.merge("fix", "main")
        execution = released(world, "v1.1.1", fix)
        judged(production, "v1.1.1", JOB, 2, ReleaseState.PROMOTED)
        approved(production, execution)
    with step("code of the staging branch can make nothing for production"):
        insider(world)
    with step("a tampered artifact deploys nothing"):
        tampered(world)
    with step("a moved tag is refused, where it is built and where it is deployed"):
        moved(world, fix)
    with step("everything is where it should be"):
        ends(world, tmp_path, {"v1.1.0-rc.1": candidate, "v1.1.0": release, "v1.1.1": fix})


# --- steps


def pull_requests(world: World) -> None:
    world.repository.branch("feature", "main")
    buildspec = "version: 0.2\nphases: {build: {commands: [echo another buildspec]}}\n"
    world.repository.branch("stranger", "feature", {**attempts(world), "buildspec.yml": buildspec})
    opened = world.repository.pull_request("stranger", 1)
    # Of somebody else, of a pull request that is closed, and of a branch: nothing is built.
    head = opened.head
    for other in ({"actor": "666"}, {"event": "PULL_REQUEST_MERGED"}, {"event": "PUSH", "trigger": f"branch/{head}"}):
        assert world.webhook(replace(opened, **other)) == []
    (build,) = world.webhook(opened)
    said = [line for line in build.log.splitlines() if not line.startswith("+ ")]
    assert said == [*NOTHING_DONE, "secrets: []"]
    (build,) = world.webhook(world.repository.pull_request("feature", 2))
    assert build.succeeded, build.log
    assert [name for name, _ in world.builds.runs] == [f"{SERVICE}-pull-request"] * 2
    assert world.deliver(0) == []


def attempts(world: World) -> dict[str, str]:
    """Files whose tests try to make something for production."""
    role = world.builds.role(f"{SERVICE}-production-tag")
    targets = (world.outputs["BucketName"], world.outputs["ProductionSigningKeyArn"], role)
    makefile = f"test:\n\t@python3 attempts.py {' '.join(targets)}\n"
    return {"attempts.py": STRANGER.read_text(), "Makefile": makefile}


def insider(world: World) -> None:
    """A candidate is as it should be, but for its tests: they run with the role of staging's builds."""
    before = world.artifacts()
    files = attempts(world)
    world.repository.branch("insider", "staging", {**files, "Makefile": files["Makefile"] + "\t@exit 1\n"})
    commit = world.repository.merge("insider", "staging")
    (build,) = world.webhook(world.repository.tag("v1.2.0-rc.1", commit))
    assert world.builds.runs[-1][0] == f"{SERVICE}-staging-tag"
    assert (build.phases["pre_build"], build.phases["build"]) == (SUCCEEDED, FAILED)
    tried = tuple(it.partition(":")[0] + ":" for it in NOTHING_DONE)
    said = [line for line in build.log.splitlines() if line.startswith(tried)]
    assert said == list(NOTHING_DONE)
    assert (world.artifacts(), world.deliver(0)) == (before, [])


def refused(world: World, tag: str, commit: str, reason: str, *options: str, told: str = "") -> None:
    """A tag whose build refuses it before anything else is done."""
    before = world.artifacts()
    (build,) = world.webhook(world.repository.tag(tag, commit, *options, told=told))
    assert (build.phases["pre_build"], "build" in build.phases) == (FAILED, False)
    assert reason in build.log
    assert world.artifacts() == before
    assert world.deliver(0) == []


def released(world: World, tag: str, commit: str) -> Execution:
    """A tag that is built, and deployed as far as the wait for the verdict."""
    (build,) = world.webhook(world.repository.tag(tag, commit))
    assert build.succeeded, build.log
    execution = started(world)
    assert [(it.action, it.status) for it in execution.actions] == [
        ("Source", "Succeeded"),
        ("Deploy", "Succeeded"),
        ("Verdict", "InProgress"),
    ], execution.actions[-1].said
    return execution


def started(world: World) -> Execution:
    """The execution that the event of one artifact starts."""
    executions = world.deliver(1)
    assert len(executions) == 1, "the artifact's event has not started one pipeline"
    return executions[0]


def judged(stage: Stage, tag: str, job: object, places: int, state: ReleaseState) -> None:
    """The router gives jobs to the canary, until it is full or has failed; the verdict comes to the pipeline."""
    router = stage.router
    assert router.pointer("latest") == router.arn(tag)
    router.submit_until_full(job, places)
    router.decided(tag, state)
    question = stage.pipeline.executions[-1].action("Verdict")
    wait_until(lambda: question.status != "InProgress")
    stage.pipeline.play()


def approved(stage: Stage, execution: Execution) -> None:
    assert (execution.status, execution.action("Verdict").status) == ("InProgress", "Succeeded")
    question = execution.action("Approval")
    assert "v1.1.1.zip is deployed in production, and was promoted" in question.said
    stage.pipeline.answer("Approval", "Approval", question.token, {"status": "Approved", "summary": "seen"})
    stage.pipeline.play()
    assert execution.status == "Succeeded"


def not_deployed(world: World, rule: str) -> None:
    """An artifact has come that production refuses to deploy."""
    production = world.stages["production"]
    before = set(production.account.stacks())
    execution = started(world)
    assert execution.status == "Failed"
    deploy = execution.action("Deploy")
    assert (deploy.status, f'"rule": "{rule}"' in deploy.said) == ("Failed", True), deploy.said
    assert "cdk deploy" not in deploy.said
    assert set(production.account.stacks()) == before


def tampered(world: World) -> None:
    good = world.first_written(f"production/{SERVICE}/v1.1.1/{SERVICE}-v1.1.1.zip")
    place = f"production/{SERVICE}/v1.2.0/{SERVICE}-v1.2.0.zip"
    world.put(place, good)
    not_deployed(world, "prefix")
    world.put(place, changed(good, "manifest.json", b"v1.1.1", b"v1.2.0"))
    not_deployed(world, "signature")
    content = f"production/{SERVICE}/v1.1.1/{SERVICE}-v1.1.1.zip"
    world.put(content, changed(good, "content.tar", b"The job was told", b"The job was sold"))
    not_deployed(world, "checksum")


def changed(artifact: bytes, member: str, old: bytes, new: bytes) -> bytes:
    """The artifact with something else in one of its files."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(artifact)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            if name == member:
                assert old in data
                data = data.replace(old, new)
            after.writestr(name, data)
    return out.getvalue()


def moved(world: World, fix: str) -> None:
    world.repository.branch("later", "main", {"later.txt": "later\n"})
    later = world.repository.merge("later", "main")
    refused(world, "v1.2.0", later, "moved", told=fix)
    (build,) = world.webhook(world.repository.tag("v1.1.1", later, "--force"))
    assert build.succeeded, build.log
    not_deployed(world, "commit")


def ends(world: World, folder: Path, commits: Mapping[str, str]) -> None:
    """What there is at the end: artifacts, stacks, pointers, releases and executions."""
    staging, production = world.stages["staging"], world.stages["production"]
    forged = f"production/{SERVICE}/v1.2.0/{SERVICE}-v1.2.0.zip"
    keys = {tag: f"{'staging' if 'rc' in tag else 'production'}/{SERVICE}/{tag}/{SERVICE}-{tag}.zip" for tag in commits}
    assert sorted(world.artifacts()) == sorted([*keys.values(), forged])
    for tag, commit in commits.items():
        key = world.outputs["StagingSigningKeyArn" if "rc" in tag else "ProductionSigningKeyArn"]
        signer = KmsSigner(world.dev.client("kms"), key)
        (folder / f"{tag}.zip").write_bytes(world.first_written(keys[tag]))
        expected = Expected(SERVICE, keys[tag].partition("/")[0], {}, tag=tag, commit=commit, object_key=keys[tag])
        verified = verify(folder / f"{tag}.zip", signer, expected)
        assert isinstance(verified, Verified), verified

    assert set(world.dev.stacks()) == {"CDKToolkit", DELIVERY}
    assert versions_in(staging) == {FIRST["staging"]: "", "v1.1.0-rc.1": commits["v1.1.0-rc.1"]}
    in_production = {tag: commits[tag] for tag in ("v1.1.0", "v1.1.1")}
    assert versions_in(production) == {FIRST["production"]: "", **in_production}

    assert pointers_of(staging) == ("v1.1.0-rc.1", "none")
    assert pointers_of(production) == ("v1.1.1", "none")
    promoted, aborted = ReleaseState.PROMOTED, ReleaseState.ABORTED
    assert history_of(staging) == [("v1.1.0-rc.1", promoted), (FIRST["staging"], promoted)]
    assert history_of(production) == [("v1.1.1", promoted), ("v1.1.0", aborted), (FIRST["production"], promoted)]
    assert deployed_versions(production.router.ports, SERVICE) == {FIRST["production"]: "", **in_production}

    assert [it.status for it in staging.pipeline.executions] == ["Succeeded"]
    # Rejected, approved, and what was tampered with and moved.
    assert [it.status for it in production.pipeline.executions] == ["Failed", "Succeeded", *["Failed"] * 4]
    came = {it.revisions["Source"]["S3_OBJECT_KEY"] for it in production.pipeline.executions}
    assert came == {keys["v1.1.0"], keys["v1.1.1"], forged}


def versions_in(stage: Stage) -> dict[str, str]:
    """Tags of the service's stacks in an account, each with its commit; all stacks but these are known."""
    stacks = stage.account.stacks()
    others = {"CDKToolkit", router_stack(stage.name), pipeline_stack(stage.name)}
    assert others <= set(stacks)
    found = {}
    for name in set(stacks) - others:
        tags = {it["Key"]: it["Value"] for it in stacks[name]["Tags"]}
        tag = tags[settings.TAG_VERSION]
        assert name == settings.stack_name(SERVICE, tag)
        found[tag] = tags.get(settings.TAG_COMMIT, "")
    return found


def pointers_of(stage: Stage) -> tuple[str, str]:
    """Tags that current and latest hold."""
    tags = {stage.router.arn(tag): tag for tag in versions_in(stage)} | {"none": "none"}
    return tags[stage.router.pointer("current")], tags[stage.router.pointer("latest")]


def history_of(stage: Stage) -> list[tuple[str, ReleaseState]]:
    return [(it.target.tag, it.state) for it in inspect.releases(stage.router.ports.ledger, SERVICE)]

"""Artifacts of real commits: the same commit gives the same bytes, and what comes out is what was committed."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.functional import forgery
from tests.functional.clones import GIT, Team, git

from canary_router.adapters.git import GitRepository
from canary_router.adapters.memory import MemorySigner
from canary_router.artifacts import Packed, Packing, Verified, pack, verify
from canary_router.core.manifest import Expected
from canary_router.core.tags import Accepted, Refused, version_from
from canary_router.errors import InvalidInput, Unavailable

SIGNER = MemorySigner()
EXPECTED = Expected("transformer", "production", {})
PACKING = Packing("transformer", ["uv.lock"])


@pytest.fixture
def team(tmp_path: Path) -> Team:
    team = Team.founded(tmp_path)
    for name, text in (("job/run.sh", "#!/bin/sh\r\n$Format:%H$\r\n"), ("ä b/日本.txt", "x" * 2000), ("empty", "")):
        team.commit("main", name, text)
    (team.desk / "job/run.sh").chmod(0o755)
    # What git archive would leave out, fill in or convert.
    team.commit("main", ".gitattributes", "empty export-ignore\njob/run.sh export-subst eol=lf\n")
    return team


def tagged(team: Team, tag: str = "v1.2.0") -> tuple[GitRepository, Accepted]:
    commit = git(team.desk, "rev-parse", "main")
    team.tag(tag, commit)
    return GitRepository(team.clone(tag)), Accepted(version_from(tag), commit, "main")


def packed(team: Team, out: Path, packing: Packing = PACKING) -> Packed | Refused:
    return pack(*tagged(team), packing, SIGNER, out)


def rule(answer: object) -> str:
    assert isinstance(answer, Refused)
    return answer.refusals[0].rule


def assembly(folder: Path) -> Path:
    (folder / "cdk.out/asset.1").mkdir(parents=True)
    (folder / "cdk.out/manifest.json").write_text("{}")
    (folder / "cdk.out/asset.1/run").write_text("x")
    (folder / "cdk.out/asset.1/run").chmod(0o700)
    return folder / "cdk.out"


def test_what_is_unpacked_is_what_was_committed_byte_for_byte(team: Team, tmp_path: Path) -> None:
    made = packed(team, tmp_path / "a.zip", Packing("transformer", ["uv.lock"], assembly(tmp_path)))
    assert isinstance(made, Packed)
    into = tmp_path / "into"
    assert verify(tmp_path / "a.zip", SIGNER, EXPECTED, into) == Verified(made.manifest)
    found = {str(path.relative_to(into)): path for path in into.rglob("*") if path.is_file()}
    committed = git(team.desk, "-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", "main").splitlines()
    assert set(found) == {f"source/{name}" for name in committed} | {"assembly/manifest.json", "assembly/asset.1/run"}
    for name in committed:
        blob = subprocess.run(  # bytes, which the clone's own function does not give
            [*GIT, "cat-file", "blob", f"main:{name}"], cwd=team.desk, capture_output=True, check=True
        )
        assert found[f"source/{name}"].read_bytes() == blob.stdout
    executable = {name for name, path in found.items() if os.access(path, os.X_OK)}
    assert executable == {"source/job/run.sh", "assembly/asset.1/run"}
    assert made.manifest.locks == {"uv.lock": forgery.sha256(b"locked = 1\n")}


def test_the_same_commit_gives_the_same_bytes_on_any_machine(team: Team, tmp_path: Path) -> None:
    first = packed(team, tmp_path / "a.zip", Packing("transformer", ["uv.lock"], assembly(tmp_path)))
    # Another clone, time, umask, time zone, order of files on the disk, and settings of git's.
    other = tmp_path / "other"
    other.mkdir()
    copied = assembly(other)
    os.utime(copied / "manifest.json", (1, 1))
    commit = git(team.desk, "rev-parse", "main")
    clone = team.clone("v1.2.0")
    for name, value in (("core.autocrlf", "true"), ("tar.umask", "077"), ("core.quotePath", "true")):
        git(clone, "config", name, value)
    (clone / "uv.lock").write_text("changed after the checkout")
    before = os.umask(0o077)
    try:
        accepted = Accepted(version_from("v1.2.0"), commit, "main")
        second = pack(
            GitRepository(clone), accepted, Packing("transformer", ["uv.lock"], copied), SIGNER, other / "b.zip"
        )
    finally:
        os.umask(before)
    assert first == second
    assert (tmp_path / "a.zip").read_bytes() == (other / "b.zip").read_bytes()


def test_another_commit_or_another_tag_gives_another_artifact(team: Team, tmp_path: Path) -> None:
    first = packed(team, tmp_path / "a.zip")
    team.commit("main")
    second = pack(*tagged(team, "v1.2.1"), PACKING, SIGNER, tmp_path / "b.zip")
    assert isinstance(first, Packed)
    assert isinstance(second, Packed)
    assert first.sha256 != second.sha256
    assert first.manifest.content_sha256 != second.manifest.content_sha256


def test_a_link_or_a_submodule_or_a_missing_lock_is_refused(team: Team, tmp_path: Path) -> None:
    out = tmp_path / "a.zip"
    assert rule(packed(team, out, Packing("transformer", ["poetry.lock"]))) == "lock"
    (team.desk / "link").symlink_to("/etc/passwd")
    team.commit("main")
    assert rule(pack(*tagged(team, "v1.2.1"), PACKING, SIGNER, out)) == "link"
    git(team.desk, "rm", "--quiet", "link")
    git(team.desk, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},lib")
    git(team.desk, "commit", "--quiet", "--message", "submodule")
    git(team.desk, "push", "--quiet", "origin", "main")
    git(team.desk, "tag", "v1.2.2")
    accepted = Accepted(version_from("v1.2.2"), git(team.desk, "rev-parse", "v1.2.2"), "main")
    assert rule(pack(GitRepository(team.desk), accepted, PACKING, SIGNER, out)) == "submodule"
    assert not out.exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".canary")] == []


def test_a_link_in_an_assembly_is_refused(team: Team, tmp_path: Path) -> None:
    built = assembly(tmp_path)
    (built / "outside").symlink_to(tmp_path)
    assert rule(packed(team, tmp_path / "a.zip", Packing("transformer", [], built))) == "link"


def test_places_that_cannot_be_used_are_told(team: Team, tmp_path: Path) -> None:
    repository, accepted = tagged(team)
    with pytest.raises(InvalidInput, match="no folder"):
        pack(repository, accepted, Packing("transformer", [], tmp_path / "none"), SIGNER, tmp_path / "a.zip")
    with pytest.raises(InvalidInput, match="No such file"):
        pack(repository, accepted, PACKING, SIGNER, tmp_path / "none/a.zip")
    with pytest.raises(InvalidInput, match="cannot be read"):
        verify(tmp_path / "none.zip", SIGNER, EXPECTED)
    assert isinstance(pack(repository, accepted, PACKING, SIGNER, tmp_path / "a.zip"), Packed)
    with pytest.raises(InvalidInput, match="is there already"):
        verify(tmp_path / "a.zip", SIGNER, EXPECTED, tmp_path)
    with pytest.raises(InvalidInput, match="no folder"):
        verify(tmp_path / "a.zip", SIGNER, EXPECTED, tmp_path / "none/into")


def test_a_commit_that_git_has_lost_parts_of_is_not_packed(team: Team, tmp_path: Path) -> None:
    repository, accepted = tagged(team)
    lost = git(team.desk, "rev-parse", "main:ä b/日本.txt")
    clones = list(tmp_path.glob("ci-*/.git/objects/pack/*.pack"))
    assert clones
    for path in clones:
        objects = path.parents[1]
        for file in path.parent.iterdir():
            file.rename(tmp_path / file.name)
        with (tmp_path / path.name).open("rb") as stream:
            subprocess.run([*GIT, "unpack-objects", "-q"], cwd=objects.parent, stdin=stream, check=True)
        (objects / lost[:2] / lost[2:]).unlink()
    with pytest.raises(Unavailable, match="git cannot read"):
        pack(repository, accepted, PACKING, SIGNER, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()

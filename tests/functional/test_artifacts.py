"""Artifacts of real commits: the same commit gives the same bytes, and what comes out is what was committed."""

import os
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from tests.functional import forgery
from tests.functional.clones import GIT, Team, git

from canary_router.adapters.git import GitRepository, TreeFile
from canary_router.adapters.git import _portions as git_portions
from canary_router.adapters.memory import MemorySigner
from canary_router.artifacts import Packed, Packing, Verified, bundle, pack, verify
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
    built = [file.path for file in made.manifest.files if file.path.startswith("assembly/")]
    assert built == ["assembly/asset.1/run", "assembly/manifest.json"]  # not in the order of the disk
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


def test_nothing_in_an_artifact_tells_when_or_by_whom_it_was_made(team: Team, tmp_path: Path) -> None:
    assert isinstance(packed(team, tmp_path / "a.zip"), Packed)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.create_system for entry in archive.infolist()} == {3}
        with tarfile.open(fileobj=archive.open(bundle.CONTENT)) as content:
            entries = content.getmembers()
    made = {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries}
    assert made == {(315_532_800, 0, 0, "", "")}
    assert {entry.mode for entry in entries} == {0o644, 0o755}


def test_files_larger_than_one_portion_and_a_repository_of_sha256_are_packed(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "large")
    desk = tmp_path / "large"
    for number in range(3):
        (desk / str(number)).write_bytes(bytes([number]) * 40_000_000)
    git(desk, "add", ".")
    git(desk, "commit", "--quiet", "--message", "large")
    commit = git(desk, "rev-parse", "HEAD")
    accepted = Accepted(version_from("v1.2.0"), commit, "main")
    made = pack(GitRepository(desk), accepted, Packing("transformer", []), SIGNER, tmp_path / "a.zip")
    assert isinstance(made, Packed)
    assert [file.sha256 for file in made.manifest.files] == [
        forgery.sha256(bytes([number]) * 40_000_000) for number in range(3)
    ]
    assert verify(tmp_path / "a.zip", SIGNER, EXPECTED) == Verified(made.manifest)


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


@pytest.mark.parametrize("name", ["a\nb", "a\\b", "\u202etxt.exe"])
def test_a_name_that_not_every_file_system_takes_is_refused_when_it_is_packed(
    team: Team, tmp_path: Path, name: str
) -> None:
    team.commit("main", name)
    assert rule(packed(team, tmp_path / "a.zip")) == "path"


@pytest.mark.parametrize("sizes", [[], [1], [50, 14, 1], [65, 1, 65], [30] * 7, [0, 64, 0, 0]], ids=str)
def test_no_more_is_asked_of_git_at_once_than_fits_into_memory(sizes: list[int]) -> None:
    megabyte = 1024 * 1024
    files = tuple(TreeFile(str(number), "100644", "", size * megabyte) for number, size in enumerate(sizes))
    portions = list(git_portions(files))
    assert [file for portion in portions for file in portion] == list(files)
    assert all(len(portion) == 1 or sum(it.size for it in portion) <= 64 * megabyte for portion in portions)
    assert all(portions)


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


@pytest.mark.parametrize("what", ["lost", "cut off", "changed"])
def test_a_commit_that_git_has_lost_parts_of_is_not_packed(team: Team, tmp_path: Path, what: str) -> None:
    repository, accepted = tagged(team)
    lost = git(team.desk, "rev-parse", "main:ä b/日本.txt")
    (pack_file,) = tmp_path.glob("ci-*/.git/objects/pack/*.pack")
    objects = pack_file.parents[1]
    for file in list(pack_file.parent.iterdir()):
        file.rename(tmp_path / file.name)
    with (tmp_path / pack_file.name).open("rb") as stream:
        subprocess.run([*GIT, "unpack-objects", "-q"], cwd=objects.parent, stdin=stream, check=True)
    place = objects / lost[:2] / lost[2:]
    content = zlib.decompress(place.read_bytes())
    place.unlink()
    if what == "cut off":
        place.write_bytes(zlib.compress(content[:-5]))
    elif what == "changed":
        place.write_bytes(zlib.compress(content[:-1] + b"y"))
    with pytest.raises(Unavailable, match="git cannot read"):
        pack(repository, accepted, PACKING, SIGNER, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()

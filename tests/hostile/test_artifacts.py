"""Artifacts that were tampered with, in the bucket or by whoever holds the key: none leaves a file anywhere."""

import os
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.functional import forgery
from tests.functional.forgery import archive_of, artifact, manifest_of, rezipped

from canary_router.adapters.memory import MemorySigner
from canary_router.artifacts import Verified, bundle, verify
from canary_router.core.manifest import CONTENT_AT_MOST, MANIFEST_AT_MOST, Expected
from canary_router.core.tags import Refused

SIGNER = MemorySigner()
EXPECTED = Expected("transformer", "production", {})
MEMBERS = [("source/a", b"one"), ("source/b/c", b"two")]


@pytest.fixture
def good(tmp_path: Path) -> Path:
    content = archive_of(MEMBERS)
    return artifact(tmp_path, SIGNER, manifest_of(MEMBERS, content), content)


@pytest.fixture
def into(tmp_path: Path) -> Iterator[Path]:
    """Where a refused artifact must leave nothing, nor beside it."""
    before = set(tmp_path.iterdir())
    yield tmp_path / "into"
    after = {path.name for path in set(tmp_path.iterdir()) - before if path.suffix != ".zip"}
    assert after <= {"unzipped", "elsewhere"}


def refused(path: Path, into: Path, signer: MemorySigner = SIGNER) -> str:
    answer = verify(path, signer, EXPECTED, into)
    assert isinstance(answer, Refused)
    (refusal,) = answer.refusals
    assert refusal.problem
    assert refusal.remedy.endswith(".")
    return refusal.rule


def unzipped(path: Path) -> Path:
    folder = path.parent / "unzipped"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)  # noqa: S202 - the test has made it
    return folder


def test_what_is_good_is_taken_as_a_file_and_as_the_folder_that_codepipeline_makes_of_it(good: Path) -> None:
    for number, path in enumerate((good, unzipped(good))):
        into = good.parent / f"into-{number}"
        assert isinstance(verify(path, SIGNER, EXPECTED, into), Verified)
        assert (into / "source/b/c").read_bytes() == b"two"
        assert (into.stat().st_mode & 0o777, len(list(into.rglob("*")))) == (0o755, 4)


def test_another_key_or_a_changed_manifest_is_told_by_the_signature(good: Path, tmp_path: Path, into: Path) -> None:
    assert refused(good, into, MemorySigner("other")) == "signature"
    with zipfile.ZipFile(good) as archive:
        manifest = archive.read(bundle.MANIFEST)
    changed = rezipped(good, tmp_path / "x.zip", {bundle.MANIFEST: manifest.replace(b"v1.2.0", b"v1.2.1")})
    assert refused(changed, into) == "signature"
    assert refused(rezipped(good, tmp_path / "x.zip", {bundle.SIGNATURE: b""}), into) == "signature"


def test_changed_files_are_told_by_the_checksum(good: Path, tmp_path: Path, into: Path) -> None:
    content = archive_of([("source/a", b"ONE"), MEMBERS[1]])
    assert refused(rezipped(good, tmp_path / "x.zip", {bundle.CONTENT: content}), into) == "checksum"
    assert (
        refused(rezipped(good, tmp_path / "x.zip", {bundle.CONTENT: archive_of(MEMBERS) + b"\0"}), into) == "checksum"
    )
    assert refused(rezipped(good, tmp_path / "x.zip", {bundle.CONTENT: b""}), into) == "checksum"


def test_one_byte_that_fell_over_is_told_wherever_it_is(good: Path, tmp_path: Path, into: Path) -> None:
    whole = good.read_bytes()
    broken = tmp_path / "broken.zip"
    for place in range(0, len(whole), 61):
        broken.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        answer = verify(broken, SIGNER, EXPECTED)
        # A few bytes of a ZIP file, such as an entry's time, mean nothing here.
        assert isinstance(answer, Refused) or answer == verify(good, SIGNER, EXPECTED)
    for length in range(0, len(whole), 97):
        broken.write_bytes(whole[:length])
        assert refused(broken, into) == "form"


@pytest.mark.parametrize(
    "name", ["../outside", "/outside", "source/../../outside", "source/a/../../../outside", "source/.git/hooks/x"]
)
def test_a_name_that_leads_outside_is_refused_even_if_the_key_has_signed_it(
    name: str, tmp_path: Path, into: Path
) -> None:
    members = [(name, b"x")]
    content = archive_of(members)
    assert refused(artifact(tmp_path, SIGNER, manifest_of(members, content), content), into) == "path"


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_what_is_no_plain_file_is_refused_even_if_the_key_has_signed_it(
    kind: bytes, tmp_path: Path, into: Path
) -> None:
    members = [("source/a", b"")]
    content = archive_of(members, kind, "/etc/passwd")
    assert refused(artifact(tmp_path, SIGNER, manifest_of(members, content), content), into) == "checksum"


@pytest.mark.parametrize(
    "members",
    [
        *([("source/a", b"one")], [*MEMBERS, ("source/d", b"")], MEMBERS[::-1]),
        *([("source/a", b"one"), ("source/b/c", b"TWO")], [("source/a", b"one"), ("source/b/c", b"two more")]),
        [("source/a", b"one"), ("source/b/x", b"two")],
    ],
    ids=["one too few", "one too many", "another order", "another content", "another length", "another name"],
)
def test_an_archive_that_is_not_what_its_manifest_lists_is_refused(
    members: list[tuple[str, bytes]], tmp_path: Path, into: Path
) -> None:
    content = archive_of(members)
    assert refused(artifact(tmp_path, SIGNER, manifest_of(MEMBERS, content), content), into) == "checksum"


def test_an_archive_of_another_size_than_its_manifest_says_is_refused(tmp_path: Path, into: Path) -> None:
    content = archive_of(MEMBERS)
    said = {"sha256": forgery.sha256(content), "size": len(content) - 1}
    assert refused(artifact(tmp_path, SIGNER, manifest_of(MEMBERS, content, content=said), content), into) == "checksum"


def test_an_archive_that_is_none_is_refused(tmp_path: Path, into: Path) -> None:
    for content in (b"", b"rubbish" * 200, archive_of(MEMBERS)[:700]):
        assert refused(artifact(tmp_path, SIGNER, manifest_of(MEMBERS, content), content), into) == "checksum"


def test_a_bomb_is_refused_by_what_it_says_of_itself(good: Path, tmp_path: Path, into: Path) -> None:
    bomb = rezipped(good, tmp_path / "x.zip", {bundle.CONTENT: b"\0" * 50_000_000}, zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 100_000
    assert refused(bomb, into) == "form"
    assert refused(rezipped(good, tmp_path / "x.zip", {bundle.MANIFEST: b" " * (MANIFEST_AT_MOST + 1)}), into) == "form"
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(9_000):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    answer = verify(many, SIGNER, EXPECTED, into)
    assert isinstance(answer, Refused)
    assert "has 9000 entries" in answer.refusals[0].problem  # known before the list of them was read
    huge = tmp_path / "huge.zip"
    with huge.open("wb") as stream:
        stream.truncate(2 * CONTENT_AT_MOST)
    assert refused(huge, into) == "form"


def test_an_entry_that_says_less_than_it_has_is_refused(good: Path, tmp_path: Path, into: Path) -> None:
    whole = bytearray(good.read_bytes())
    directory = whole.index(b"PK\1\2")
    size = struct.unpack_from("<L", whole, directory + 24)[0]
    struct.pack_into("<LL", whole, directory + 20, size - 1, size - 1)
    (tmp_path / "x.zip").write_bytes(whole)
    assert refused(tmp_path / "x.zip", into) in {"form", "signature"}


@pytest.mark.parametrize(
    "parts",
    [{"content.tar": None}, {"more": b"x"}, {"../outside": b"x"}, {"manifest.sig": None, "manifest.SIG": b"x"}],
    ids=str,
)
def test_anything_but_the_three_files_is_refused(
    parts: dict[str, bytes | None], good: Path, tmp_path: Path, into: Path
) -> None:
    assert refused(rezipped(good, tmp_path / "x.zip", parts), into) == "form"


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 22, b"PK\5\6" + b"\0" * 18, b"PK\5\6" + b"\xff" * 18], ids=len)
def test_what_is_no_artifact_is_refused(content: bytes, tmp_path: Path, into: Path) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    assert refused(tmp_path / "x.zip", into) == "form"


def test_a_folder_with_links_or_more_files_is_refused(good: Path, into: Path) -> None:
    folder = unzipped(good)
    content = folder / bundle.CONTENT
    content.rename(folder.parent / "elsewhere")
    content.symlink_to(folder.parent / "elsewhere")
    assert refused(folder, into) == "form"
    content.unlink()
    os.mkfifo(content)
    assert refused(folder, into) == "form"
    content.unlink()
    assert refused(folder, into) == "form"
    content.write_bytes((folder.parent / "elsewhere").read_bytes())
    (folder / "buildspec.yml").write_text("x")
    assert refused(folder, into) == "form"
    (folder / "buildspec.yml").unlink()
    with content.open("r+b") as stream:
        stream.truncate(CONTENT_AT_MOST + 1)
    assert refused(folder, into) == "form"


def test_a_file_of_this_size_is_described(good: Path) -> None:
    verified = verify(good, SIGNER, EXPECTED)
    assert isinstance(verified, Verified)
    assert verified.manifest.files[0].sha256 == forgery.sha256(b"one")

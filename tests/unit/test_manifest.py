"""What an artifact says of itself, and whether it is the one that was expected: pure."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary_router.core.manifest import (
    FILES_AT_MOST,
    Expected,
    Manifest,
    PackedFile,
    Rejected,
    check_names,
    manifest_from,
    unexpected,
)
from canary_router.core.tags import version_from

LOCK = PackedFile("source/uv.lock", executable=False, size=3, sha256="1" * 64)
GOOD = Manifest(
    service="transformer",
    tag=version_from("v1.2.0"),
    commit="a" * 40,
    locks={"uv.lock": LOCK.sha256},
    content_sha256="2" * 64,
    content_size=2048,
    files=(PackedFile("assembly/cdk.out", executable=True, size=1, sha256="3" * 64), LOCK),
)
EXPECTED = Expected("transformer", "production", {})


def changed(**parts: Any) -> bytes:
    """The manifest with some of its parts changed, and in the form that is signed."""
    return json.dumps(json.loads(GOOD.to_bytes()) | parts, indent=1, sort_keys=True).encode() + b"\n"


def file(**parts: Any) -> dict[str, Any]:
    return {
        "files": [*json.loads(GOOD.to_bytes())["files"], {"executable": False, "size": 1, "sha256": "4" * 64, **parts}]
    }


def refused(content: bytes) -> str:
    with pytest.raises(Rejected) as caught:
        manifest_from(content)
    return caught.value.refusal.rule


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert manifest_from(GOOD.to_bytes()) == GOOD
    assert changed() == GOOD.to_bytes()
    assert GOOD.object_key == "production/transformer/v1.2.0/transformer-v1.2.0.zip"


@given(st.text(min_size=1, max_size=40))
def test_a_name_that_is_taken_comes_back_as_it_was(name: str) -> None:
    path = f"source/{name}"
    try:
        check_names([path])
    except Rejected:
        return
    more = replace(GOOD, files=(*GOOD.files, PackedFile(path, executable=False, size=1, sha256="4" * 64)))
    assert path == LOCK.path or manifest_from(more.to_bytes()) == more


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"null", b"{}", b"[" * 100_000, b"\xff", b'"' + b"x" * 100_000, b'{"tag": 1e999999}'),
        GOOD.to_bytes() + b" ",
        GOOD.to_bytes().replace(b"\n", b""),
        GOOD.to_bytes().replace(b'"tag"', b'"tag": "v9.9.9",\n "tag"', 1),
        changed(more=1),
        changed(format="canary-router-artifact/2"),
        changed(tag="v1.2"),
        changed(tag=7),
        changed(stage="staging"),
        changed(service="Trans former"),
        changed(service=None),
        changed(commit="abc"),
        changed(locks={"uv.lock": "5" * 64}),
        changed(locks={"other.lock": LOCK.sha256}),
        changed(locks=[]),
        changed(content={"sha256": "2" * 64, "size": -1}),
        changed(content={"sha256": "2" * 64, "size": True}),
        changed(content={"sha256": "2" * 64, "size": 2.5}),
        changed(content={"sha256": "Z" * 64, "size": 1}),
        changed(files="x"),
        changed(files=[1]),
        changed(**file(path=1)),
        changed(**file(path="source/x", executable="yes")),
        changed(**file(path="source/x", more=1)),
        changed(**file(path="source/x", size=2**40)),
        changed(files=[{}] * (FILES_AT_MOST + 1)),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_any_other_form_is_refused(content: bytes) -> None:
    assert refused(content) == "manifest"


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "source", "source/", "/etc/passwd", "../x", "source/../x", "source/../../x", "source/./x"),
        *("source//x", "source/x/", "other/x", "~/x", "C:/x", "source/a\\..\\x", "source/\0", "source/a\nb"),
        *("source/.git/config", "source/a/.GIT/hooks/x", "source/" + "x" * 256, "source/" + "x/" * 600 + "x"),
        *("source/\u202etxt.exe", "source/\ud800", "SOURCE/x"),
    ],
    ids=repr,
)
def test_a_name_that_could_lead_elsewhere_is_refused(path: str) -> None:
    assert refused(changed(**file(path=path))) == "path"


@pytest.mark.parametrize(
    "paths", [["source/a", "source/a"], ["source/a", "source/a/b"], ["source/a/b/c", "source/a"]], ids=str
)
def test_no_two_files_have_one_place(paths: list[str]) -> None:
    with pytest.raises(Rejected, match=r"there twice|a file and a folder"):
        check_names(paths)


def test_ordinary_names_are_taken() -> None:
    check_names(["source/a", "source/a.b/..c", "source/.gitignore", "source/ä b/日本.txt", "assembly/a", "source/a..b"])


@pytest.mark.parametrize(
    ("wanted", "rule"),
    [
        ({"service": "reports"}, "service"),
        ({"stage": "staging"}, "stage"),
        ({"tag": "v1.2.1"}, "tag"),
        ({"commit": "b" * 40}, "commit"),
        ({"object_key": "staging/transformer/v1.2.0/a.zip"}, "prefix"),
        ({"object_key": "production/transformer/v1.2.00/a.zip"}, "prefix"),
        ({"object_key": "production/reports/v1.2.0/a.zip"}, "prefix"),
        ({"object_key": "x/production/transformer/v1.2.0/a.zip"}, "prefix"),
        ({"deployed": {"v1.3.0": ""}}, "below"),
        ({"deployed": {"v1.2.0": "b" * 40}}, "commit"),
        ({"deployed": {"v1.2.0": ""}}, "commit"),
        ({"deployed": {"v1.2.0": ""}, "commit": "a" * 40}, "commit"),
    ],
    ids=str,
)
def test_what_is_not_the_artifact_that_was_expected_is_refused(wanted: dict[str, Any], rule: str) -> None:
    assert [refusal.rule for refusal in unexpected(GOOD, replace(EXPECTED, **wanted))] == [rule]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"tag": "v1.2.0", "commit": "a" * 40, "object_key": GOOD.object_key},
        {"deployed": {"v1.2.0-rc.3": "b" * 40, "v1.1.0": "", "transformer:live": ""}},
        {"deployed": {"v1.2.0": "a" * 40}},
    ],
    ids=str,
)
def test_what_was_expected_is_taken_and_a_deployment_may_be_repeated(wanted: dict[str, Any]) -> None:
    assert unexpected(GOOD, replace(EXPECTED, **wanted)) == []


def test_a_version_with_no_commit_on_record_is_refused_with_what_to_do() -> None:
    (refusal,) = unexpected(GOOD, replace(EXPECTED, deployed={"v1.2.0": ""}))
    assert "v1.2.0 is here already, and no commit is on record for it" in refusal.problem
    assert "a version of its own" in refusal.remedy


def test_all_that_differs_is_said_at_once() -> None:
    found = unexpected(GOOD, Expected("reports", "staging", {"v2.0.0": ""}, "v2.0.0", "b" * 40, "x"))
    assert [it.rule for it in found] == ["service", "stage", "tag", "commit", "prefix", "below"]
    assert "'reports'" in found[0].problem

"""Which code a tag of the Transformer has."""

from pathlib import Path

import pytest

from transformer.versions import HERE, code_of, known, precedence, source_for


def test_the_known_versions_come_in_the_order_of_their_release() -> None:
    assert known() == ["v1.0.0", "v1.1.0", "v1.2.0", "v1.2.1", "v1.3.0", "v1.3.1", "v1.4.0", "v2.0.0"]


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("v1.0.0", "v1.0.0"),
        ("v1.0.1", "v1.0.0"),
        ("v1.1.0", "v1.1.0"),
        ("v1.10.0", "v1.4.0"),
        ("v1.2.0", "v1.2.0"),
        ("v1.2.0-rc.1", "v1.1.0"),
        ("v1.2.9", "v1.2.1"),
        ("v2.0.0-rc.1", "v1.4.0"),
        ("v3.0.0", "v2.0.0"),
    ],
)
def test_a_tag_has_its_own_code_or_that_of_the_newest_version_below_it(tag: str, code: str) -> None:
    assert code_of(tag) == code


@pytest.mark.parametrize(
    "tag", ["", "latest", "1.1.0", "v1.2", "v1.2.3.4", "v1.2.x", "v1.2.0+7", "v0.9.0", "v1.0.0-rc.1"]
)
def test_a_tag_that_is_no_version_or_older_than_the_first_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match=r"not a semantic version|before the first version"):
        code_of(tag)


def test_tags_are_ordered_as_semantic_versioning_orders_them() -> None:
    in_order = [
        "v1.0.0-1",
        "v1.0.0-2",
        "v1.0.0-11",
        "v1.0.0-alpha",
        "v1.0.0-alpha.1",
        "v1.0.0-beta",
        "v1.0.0",
        "v1.0.1",
    ]
    assert sorted(set(in_order), key=precedence) == in_order


def test_a_version_differs_from_the_one_before_in_the_files_of_its_folder_only(tmp_path: Path) -> None:
    trees = [source_for(tag, tmp_path / tag) for tag in known()]
    for tag, before, after in zip(known()[1:], trees, trees[1:], strict=False):
        changed = {file.name for file in after.iterdir() if file.read_bytes() != (before / file.name).read_bytes()}
        assert changed == {file.name for file in (HERE / "versions" / tag).iterdir() if file.is_file()}
        assert changed, f"{tag} changes nothing"

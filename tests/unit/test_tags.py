"""Forms and order of tags, and the decision about one: pure."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary_router.core.tags import (
    Accepted,
    Asked,
    Branch,
    Refused,
    Stage,
    TagFacts,
    TagVersion,
    classify,
    highest,
    tag_version,
    version_from,
)
from canary_router.errors import InvalidInput

COMMIT, OTHER = "a" * 40, "b" * 40
GOOD = TagFacts(
    kind="tag",
    commit=COMMIT,
    remote_commit=COMMIT,
    head=COMMIT,
    dirty=(),
    shallow=False,
    branches={
        Stage.PRODUCTION: Branch("main", COMMIT, contains=True),
        Stage.STAGING: Branch("staging", OTHER, contains=True),
    },
)
numbers = st.integers(0, 999_999_999)
versions = st.builds(TagVersion, numbers, numbers, numbers, st.none() | numbers)


def rules(tag: str, facts: TagFacts, asked: Asked | None = None) -> list[str]:
    decision = classify(tag, facts, asked or Asked())
    return [refusal.rule for refusal in decision.refusals] if isinstance(decision, Refused) else []


@given(versions)
def test_a_version_is_read_from_the_tag_that_it_is_written_as(version: TagVersion) -> None:
    assert tag_version(str(version)) == version


@pytest.mark.parametrize(
    "tag",
    [
        *("", "v", "v1", "v1.2", "1.2.0", "V1.2.0", "v1.2.0.0", "v01.2.0", "v1.02.0", "v1.2.00", "v1.2.-1"),
        *("v1.2.0-rc", "v1.2.0-rc.", "v1.2.0-rc.01", "v1.2.0-rc.1.2", "v1.2.0-RC.1", "v1.2.0-beta.1", "v1.2.0+x"),
        *(
            " v1.2.0",
            "v1.2.0 ",
            "v1.2.0\n",
            "v1.2.0\nv1.3.0",
            "v1.2.0 v1.3.0",
            "v\u0661.\u0662.\u0660",
            "v1.2.0\0",
            "refs/tags/v1.2.0",
        ),
        *("-x", "--upload-pack=touch x", "$(touch x)", "v1.2.0;x", "v" + "9" * 10 + ".0.0", "v1.2.0" * 1_000_000),
    ],
    ids=lambda tag: repr(tag[:20]),
)
def test_anything_else_is_no_release_and_the_refusal_stays_short(tag: str) -> None:
    assert tag_version(tag) is None
    decision = classify(tag, GOOD, Asked())
    assert isinstance(decision, Refused)
    assert [refusal.rule for refusal in decision.refusals] == ["form"]
    assert len(decision.refusals[0].problem) < 130
    assert decision.refusals[0].problem.isprintable()
    with pytest.raises(InvalidInput, match="is no tag for a release"):
        version_from(tag)


def test_the_order_is_that_of_semantic_versions() -> None:
    ordered = ["v0.9.9", "v1.2.0-rc.2", "v1.2.0-rc.10", "v1.2.0", "v1.2.1-rc.1", "v1.2.1", "v1.10.0", "v2.0.0"]
    assert sorted(map(version_from, reversed(ordered))) == list(map(version_from, ordered))
    assert highest([*ordered, "transformer:live", "v9"]) == version_from("v2.0.0")
    assert highest(["transformer"]) is None


@given(st.lists(versions, min_size=2, max_size=6))
def test_the_order_is_total(some: list[TagVersion]) -> None:
    ordered = sorted(some)
    assert all(left <= right for left, right in pairwise(ordered))
    assert all((left == right) == (str(left) == str(right)) for left in some for right in some)


@pytest.mark.parametrize(
    ("tag", "stage", "branch"), [("v1.2.0", Stage.PRODUCTION, "main"), ("v1.2.0-rc.1", Stage.STAGING, "staging")]
)
def test_a_good_tag_goes_to_the_stage_of_its_form(tag: str, stage: Stage, branch: str) -> None:
    decision = classify(tag, GOOD, Asked(COMMIT, ["v1.1.9"]))
    assert decision == Accepted(version_from(tag), COMMIT, branch)
    assert decision.stage is stage


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"shallow": True}, "shallow"),
        ({"dirty": ("a.py",)}, "dirty"),
        ({"kind": ""}, "missing"),
        ({"kind": "blob", "commit": ""}, "no-commit"),
        ({"remote_commit": ""}, "unpublished"),
        ({"remote_commit": OTHER}, "moved"),
        ({"head": OTHER}, "checkout"),
        ({"head": ""}, "checkout"),
    ],
)
def test_each_fact_alone_refuses_the_tag(changed: dict[str, object], rule: str) -> None:
    assert rules("v1.2.0", replace(GOOD, **changed)) == [rule]  # type: ignore[arg-type] # fields by name


def test_the_commit_that_the_build_was_started_for_must_be_the_tags() -> None:
    assert rules("v1.2.0", GOOD, Asked(commit=OTHER)) == ["moved"]


@pytest.mark.parametrize(
    ("tag", "stage", "found"),
    [("v1.2.0", "production", []), ("v1.2.0", "staging", ["stage"]), ("v1.2.0-rc.1", "production", ["stage"])],
)
def test_a_build_for_one_stage_takes_no_tag_of_the_other(tag: str, stage: str, found: list[str]) -> None:
    assert rules(tag, GOOD, Asked(stage=stage)) == found


@pytest.mark.parametrize(("contains", "found"), [(True, []), (False, ["branch"])])
def test_only_the_stages_own_branch_counts(contains: bool, found: list[str]) -> None:  # noqa: FBT001 - a parameter
    only = replace(GOOD, branches={**GOOD.branches, Stage.PRODUCTION: Branch("main", OTHER, contains=contains)})
    assert rules("v1.2.0", only) == found
    assert rules("v1.2.0-rc.1", only) == []


def test_a_branch_that_the_remote_does_not_have_is_named() -> None:
    gone = replace(GOOD, branches={**GOOD.branches, Stage.PRODUCTION: Branch("trunk")})
    decision = classify("v1.2.0", gone, Asked())
    assert isinstance(decision, Refused)
    assert "'trunk'" in decision.refusals[0].problem
    assert "--production-branch" in decision.refusals[0].remedy


@pytest.mark.parametrize(
    ("tag", "deployed", "is_refused"),
    [
        ("v1.2.0", [], False),
        ("v1.2.0", ["v1.2.0-rc.9", "v1.1.0"], False),
        ("v1.2.0", ["v1.2.0"], True),
        ("v1.2.0", ["v1.1.0", "v1.10.0"], True),
        ("v1.2.0-rc.10", ["v1.2.0-rc.9"], False),
        ("v1.2.0-rc.10", ["v1.2.0"], True),
        ("v1.2.0", ["transformer:live"], False),
    ],
)
def test_a_version_is_above_the_highest_that_was_deployed(tag: str, deployed: list[str], is_refused: bool) -> None:  # noqa: FBT001 - a parameter
    assert rules(tag, GOOD, Asked(deployed=deployed)) == (["not-above"] if is_refused else [])


def test_all_that_is_wrong_is_said_at_once_with_a_remedy_each() -> None:
    bad = replace(GOOD, dirty=tuple(f"{n}.py" for n in range(9)), remote_commit=OTHER, head=OTHER)
    decision = classify("v1.2.0", bad, Asked(deployed=["v2.0.0"]))
    assert isinstance(decision, Refused)
    assert [it.rule for it in decision.refusals] == ["dirty", "moved", "checkout", "not-above"]
    assert "and 4 more" in decision.refusals[0].problem
    assert all(it.remedy.endswith(".") for it in decision.refusals)

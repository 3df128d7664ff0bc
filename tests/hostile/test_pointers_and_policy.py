"""SSM values of any content: what is not exactly a pointer or a policy wakes nobody, and is never overwritten."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.hostile.garbage import BOUNDED, NASTY_TEXTS, anything, texts
from tests.unit.world import SERVICE, World, arn

from canary_router.core.model import Route, Version
from canary_router.core.pointers import Blank, Invalid, Reading, content_of, execution_arn_of, version_of
from canary_router.core.policy import Policy, parse_policy, policy_from
from canary_router.errors import InvalidPolicy

GOOD_ARN = arn("v1.1.0")
# A good ARN with one part replaced, and the like: garbage that is nearly right.
near_arns = st.builds(
    lambda at, cut, text: GOOD_ARN[:at] + text + GOOD_ARN[at + cut :],
    st.integers(0, len(GOOD_ARN)),
    st.integers(0, 8),
    texts,
)
keys = st.sampled_from(["requests", "share", "successes", "max_failures", "deadline", "rescue", "record", "x"])
policies = st.one_of(anything, st.dictionaries(keys, anything, max_size=4))


def served_by(world: World) -> Route:
    """A minute passes and a job comes."""
    world.reconcile()
    return world.submit().route


@BOUNDED
@given(value=st.one_of(texts, near_arns))
@example(GOOD_ARN.replace("1", "\u0661"))
@example(GOOD_ARN.replace("123456789012", "\u0967" * 12))
@example(GOOD_ARN + "\n:x")
@example("\u200b" + GOOD_ARN)
def test_a_latest_that_is_no_arn_wakes_nobody_and_stands(value: str) -> None:
    if not value or version_of(SERVICE, value.strip()) is not None:
        return
    world = World()
    world.pointers.put(SERVICE, "latest", value, "somebody")
    assert served_by(world) is Route.CURRENT
    assert world.pointer("latest") == value
    assert all(release.basis == "adopted" for release in world.releases)


@BOUNDED
@given(value=near_arns)
def test_what_is_taken_for_an_arn_is_plain_ascii_and_in_one_piece(value: str) -> None:
    version = version_of(SERVICE, value)
    if version is not None:
        assert value.isascii()
        assert value.isprintable()
        assert " " not in value
        assert len(version.tag) <= 200
        place = execution_arn_of(SERVICE, version, "t-1")
        assert place is None or len(place.split(":")) == 8


@BOUNDED
@given(value=st.one_of(texts, near_arns))
def test_every_value_is_blank_a_version_or_invalid(value: str) -> None:
    content = content_of(SERVICE, Reading(value, 1, 0))
    assert isinstance(content, Blank | Invalid | Version)
    assert isinstance(content, Blank) == (value.strip() in ("", "none"))


@pytest.mark.parametrize("value", [text for text in NASTY_TEXTS if text.strip() not in ("", "none")], ids=ascii)
def test_an_invalid_current_serves_nobody_and_is_never_overwritten(value: str) -> None:
    world = World(current="")
    world.pointers.put(SERVICE, "current", value, "somebody")
    world.write_latest("v1.1.0")
    world.reconcile()
    assert world.pointer("current") == value
    assert not world.releases


@BOUNDED
@given(document=policies)
def test_a_document_is_a_policy_within_its_bounds_or_refused(document: Any) -> None:
    try:
        policy = policy_from(document)
    except InvalidPolicy:
        return
    assert 1 <= policy.required <= policy.requests <= 5
    assert 0 < policy.share <= 1
    assert 0 <= policy.max_failures < policy.requests
    assert parse_policy(policy.to_json()) == policy


@BOUNDED
@given(text=st.one_of(texts, policies.map(json.dumps)))
@example('{"requests": 1, "requests": 5}')
@example('{"deadline": "PT\u0663H"}')
@example('{"share": 1e999}')
@example('{"share": NaN}')
@example('{"requests": ' + "9" * 5000 + "}")
@example("[" * 100_000)
@example('{"requests": true}')
def test_a_refused_policy_wakes_nobody(text: str) -> None:
    try:
        parse_policy(text)
    except InvalidPolicy:
        world = World()
        world.pointers.put(SERVICE, "policy", text, "somebody")
        world.write_latest("v1.1.0")
        assert served_by(world) is Route.CURRENT
        assert world.pointer("latest") == GOOD_ARN


@pytest.mark.parametrize("text", ['{"deadline": "PT\u0663H"}', '{"requests": 1, "requests": 5}', '{"share": NaN}'])
def test_a_policy_that_can_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(InvalidPolicy):
        parse_policy(text)


@pytest.mark.parametrize("value", [GOOD_ARN.replace("123456789012", "\u0967" * 12), arn("v\u0661.0.0")])
def test_digits_of_other_scripts_make_no_arn(value: str) -> None:
    assert version_of(SERVICE, value) is None


def test_a_blank_policy_is_the_default_one() -> None:
    assert parse_policy(" \n") == Policy()

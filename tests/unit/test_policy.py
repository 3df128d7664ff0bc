import pytest

from canary_router.core.policy import Policy, duration_seconds, parse_policy
from canary_router.errors import InvalidPolicy


@pytest.mark.parametrize("text", [None, "", "  \n", "{}"])
def test_no_policy_is_the_default_policy(text: str | None) -> None:
    policy = parse_policy(text)
    assert policy == Policy()
    assert (policy.requests, policy.share, policy.required, policy.max_failures, policy.deadline) == (
        2,
        0.5,
        2,
        0,
        86400,
    )
    assert policy.record == "canary"


def test_a_policy_survives_its_own_json() -> None:
    policy = Policy(requests=5, share=0.25, successes=3, max_failures=1, deadline=5400, rescue=True, record="all")
    assert parse_policy(policy.to_json()) == policy
    assert parse_policy(Policy().to_json()) == Policy()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT24H", 86400), ("P1D", 86400), ("P1DT6H", 108000), ("PT90S", 90), ("P2W", 1209600), ("PT1H30M", 5400)],
)
def test_durations_are_iso_8601(text: str, seconds: int) -> None:
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"request": 2}', "request"),
        ('{"requests": 0}', "requests"),
        ('{"requests": 6}', "requests"),
        ('{"requests": "2"}', "requests"),
        ('{"requests": true}', "requests"),
        ('{"requests": 2.0}', "requests"),
        ('{"share": 0}', "share"),
        ('{"share": 1.01}', "share"),
        ('{"share": true}', "share"),
        ('{"share": NaN}', "share"),
        ('{"successes": 3}', "successes"),
        ('{"successes": null}', "successes"),
        ('{"successes": 0}', "successes"),
        ('{"max_failures": -1}', "max_failures"),
        ('{"max_failures": 2}', "max_failures"),
        ('{"deadline": 3600}', "deadline"),
        ('{"deadline": "24h"}', "deadline"),
        ('{"deadline": "P"}', "deadline"),
        ('{"deadline": "PT"}', "deadline"),
        ('{"deadline": "P1Y"}', "deadline"),
        ('{"deadline": "PT0S"}', "deadline"),
        ('{"deadline": "P9999W"}', "deadline"),
        ('{"record": "none"}', "record"),
        ('{"record": []}', "record"),
        ('{"rescue": "yes"}', "rescue"),
        ('{"rescue": 0}', "rescue"),
    ],
)
def test_a_refusal_names_the_key(text: str, key: str) -> None:
    with pytest.raises(InvalidPolicy, match=f"'{key}'") as refused:
        parse_policy(text)
    assert refused.value.advice


@pytest.mark.parametrize("text", ["[]", "2", "null", "{", "\x00", "[" * 100_000])
def test_what_is_no_object_is_refused_without_a_traceback(text: str) -> None:
    with pytest.raises(InvalidPolicy):
        parse_policy(text)

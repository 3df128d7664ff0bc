"""``policy check``: what is refused, what a policy means in words, and what its verdict is worth."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary_router.cli.app import run
from canary_router.core.model import Basis, Release, ReleaseState, Status, Version, WriteMark
from canary_router.core.policy import Policy, parse_policy
from canary_router.core.policy_words import chances, meaning, tolerated
from canary_router.core.verdict import Abort, Hold, Promote, counted, judge

Capsys = pytest.CaptureFixture[str]


def checked(
    text: str, tmp_path: Path, capsys: Capsys, *options: str, name: str = "policy.yaml"
) -> tuple[int, str, str]:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    code = run([*options, "policy", "check", str(file)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    "text",
    [
        "requests: 5\nsuccesses: 4\nmax_failures: 1\ndeadline: PT6H # while somebody is awake\n",
        '{"requests": 5, "successes": 4, "max_failures": 1, "deadline": "PT6H"}',
    ],
    ids=["YAML", "JSON"],
)
def test_a_policy_is_told_in_words(text: str, tmp_path: Path, capsys: Capsys) -> None:
    code, out, err = checked(text, tmp_path, capsys)
    assert (code, err) == (0, "")
    said = " ".join(out.split())
    for sentence in (
        "Up to 5 jobs go to the new version.",
        "with probability 0.5: the places are taken after about 10 requests.",
        "It becomes current once 4 of them succeeded.",
        "It is turned away once 2 jobs ended badly or did not start.",
        "It is turned away if that is not decided after 6 h.",
        "A job that fails on the new version is not run again.",
        "30% of its jobs",
    ):
        assert sentence in said


def test_json_has_the_policy_with_its_defaults_and_the_parameters_text(tmp_path: Path, capsys: Capsys) -> None:
    code, out, _ = checked("rescue: true\nrecord: all\n", tmp_path, capsys, "--output", "json")
    document = json.loads(out)
    assert (code, document["valid"]) == (0, True)
    assert document["policy"]["requests"] == 2
    assert document["policy"]["rescue"] is True
    assert parse_policy(document["parameter"]) == Policy(rescue=True, record="all")
    assert any("current runs it once more" in it for it in document["meaning"])
    assert any("a write for each request" in it for it in document["meaning"])
    assert document["chances"][2] == {"failure_rate": 0.3, "passes": 0.49}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("requests: 9\n", "Policy key 'requests': 9 is not a whole number from 1 to 5"),
        ("request: 2\n", "Policy key 'request': is not a key of a policy"),
        ("deadline: 24:00:00\n", "Policy key 'deadline': 86400 is not an ISO-8601 duration"),
        ("requests: 2\nsuccesses: 3\n", "Policy key 'successes': 3 is more than requests"),
        ("- requests\n", "The policy is not an object"),
        ("", "The policy is not an object"),
    ],
)
def test_a_policy_that_is_refused_is_a_no_that_names_the_key(
    text: str, said: str, tmp_path: Path, capsys: Capsys
) -> None:
    code, out, err = checked(text, tmp_path, capsys)
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1
    code, out, err = checked(text, tmp_path, capsys, "--output", "json")
    assert (code, err) == (1, "")
    document = json.loads(out)
    assert document["valid"] is False
    assert said in document["problem"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("requests: 2\nrequests: 3\n", "'requests' is there more than once"),
        ('{"requests": 2, "requests": 3}', "'requests' is there more than once"),
        ("{", "neither YAML nor JSON"),
        ("[a]: 1\n", "neither YAML nor JSON"),
        ("!!python/object/apply:os.system ['true']\n", "neither YAML nor JSON"),
        ("[" * 3000, "neither YAML nor JSON"),
        ("a: " + "x" * 70_000, "more than 65536 bytes"),
    ],
    ids=lambda text: text[:30],
)
def test_a_file_that_is_no_document_is_wrong_usage(text: str, said: str, tmp_path: Path, capsys: Capsys) -> None:
    code, out, err = checked(text, tmp_path, capsys)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert run(["policy", "check", str(tmp_path / "none.yaml")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_failures_that_could_not_be_made_good_are_said_to_decide() -> None:
    assert any("max_failures is 2, but after 1 " in it for it in meaning(Policy(requests=3, max_failures=2)))
    assert not any("max_failures is" in it for it in meaning(Policy(requests=5, successes=3, max_failures=2)))


def judged(policy: Policy, outcomes: list[bool]) -> bool | None:
    """What the verdict says after each job of a sequence; None while it holds."""
    version = Version("arn:aws:lambda:eu-west-1:123456789012:function:x-v1-0-0-pipeline", "v1.0.0")
    release = Release("x", "r1-1", version, WriteMark(1, 1), ReleaseState.OPEN, Basis.CANARY, policy, 0)
    for succeeded in outcomes:
        release = counted(release, Status.SUCCEEDED if succeeded else Status.FAILED)
        match judge(release, 0):
            case Promote():
                return True
            case Abort():
                return False
            case Hold():
                pass
    return None


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 4))
def test_the_chances_are_those_of_the_verdict_itself(requests: int, successes: int, max_failures: int) -> None:
    if successes > requests or max_failures >= requests:
        return
    policy = Policy(requests=requests, successes=successes, max_failures=max_failures)
    for chance in chances(policy):
        total = 0.0
        for pattern in range(2**requests):
            outcomes = [bool(pattern >> place & 1) for place in range(requests)]
            verdict = judged(policy, outcomes)
            assert verdict is not None
            weight = 1.0
            for succeeded in outcomes:
                weight *= 1 - chance.failure_rate if succeeded else chance.failure_rate
            total += weight if verdict else 0.0
        assert chance.passes == pytest.approx(total)
    assert judged(policy, [False] * (tolerated(policy) + 1)) is False
    assert judged(policy, [False] * tolerated(policy)) is None

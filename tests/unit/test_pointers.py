import pytest

from canary_router.core.model import Version
from canary_router.core.pointers import (
    Blank,
    Invalid,
    Reading,
    Readings,
    content_of,
    execution_arn_of,
    understand,
    version_of,
    version_of_execution,
)

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:transformer-v1-2-0-pipeline"
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:transformer-v1-2-0:t-1"


def reading(value: str) -> Reading:
    return Reading(value, 1, 1_700_000_000_000)


@pytest.mark.parametrize("value", ["none", " none\n", "", "   ", "\t"])
def test_none_and_white_space_are_blank(value: str) -> None:
    assert content_of("transformer", reading(value)) == Blank()


def test_a_missing_parameter_is_blank() -> None:
    assert content_of("transformer", None) == Blank()


@pytest.mark.parametrize(
    ("arn", "tag"),
    [
        (ARN, "v1.2.0"),
        (f" {ARN}\n", "v1.2.0"),
        (f"{ARN}:7", "v1.2.0"),
        (f"{ARN}:live", "v1.2.0"),
        (f"{ARN}:$LATEST", "v1.2.0"),
        ("arn:aws-cn:lambda:cn-north-1:123456789012:function:transformer-v1-3-0-rc-1-pipeline", "v1.3.0-rc.1"),
        ("arn:aws:lambda:us-gov-west-1:123456789012:function:my-etl", "my-etl"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:my-etl:blue", "my-etl:blue"),
    ],
)
def test_a_function_arn_is_a_version(arn: str, tag: str) -> None:
    assert content_of("transformer", reading(arn)) == Version(arn.strip(), tag)


@pytest.mark.parametrize(
    "value",
    [
        "None",
        "null",
        "v1.2.0",
        "arn:aws:lambda:eu-west-1:123456789012:function:",
        "arn:aws:lambda:eu-west-1:12345:function:f",
        "arn:aws:states:eu-west-1:123456789012:stateMachine:f",
        f"{ARN}:7:8",
        f"{ARN} {ARN}",
        f"{ARN}\x00",
        "arn:aws:lambda:eu-west-1:123456789012:function:" + "f" * 65,
    ],
)
def test_anything_else_is_invalid_and_wakes_nothing(value: str) -> None:
    assert content_of("transformer", reading(value)) == Invalid(value.strip())
    asleep = understand("transformer", Readings(current=reading(ARN), latest=reading(value)))
    assert asleep.candidate is None
    assert "latest" in asleep.problems[0]


def test_a_refused_policy_wakes_nothing_and_is_said() -> None:
    pointers = understand("transformer", Readings(reading(ARN), reading(ARN), reading('{"share": 2}')))
    assert pointers.candidate is None
    assert "share" in pointers.problems[0]


def test_an_invalid_current_is_never_promoted_over() -> None:
    assert understand("transformer", Readings(reading("oops"), reading(ARN))).candidate is None


def test_the_names_of_the_contract_lead_to_the_execution_and_back() -> None:
    version = version_of("transformer", ARN)
    assert version is not None
    assert execution_arn_of("transformer", version, "t-1") == EXECUTION
    assert version_of_execution("transformer", EXECUTION, "t-1") == version


def test_a_pipeline_with_a_name_of_its_own_cannot_be_looked_up() -> None:
    version = version_of("transformer", "arn:aws:lambda:eu-west-1:123456789012:function:my-etl")
    assert version is not None
    assert execution_arn_of("transformer", version, "t-1") is None


@pytest.mark.parametrize(
    ("service", "execution", "name"),
    [
        ("transformer", EXECUTION, "t-2"),
        ("other", EXECUTION, "t-1"),
        ("trans", EXECUTION, "t-1"),
        ("transformer", EXECUTION.replace("transformer-v1", "transformer-x-v1"), "t-1"),
        ("transformer", EXECUTION.replace(":states:", ":lambda:"), "t-1"),
        ("transformer", EXECUTION.replace("123456789012", "account"), "t-1"),
        ("transformer", "junk", "t-1"),
        ("transformer", f"{EXECUTION}:more", "t-1"),
    ],
)
def test_an_execution_of_somebody_else_is_not_shown(service: str, execution: str, name: str) -> None:
    assert version_of_execution(service, execution, name) is None

"""What a person at the controls asks AWS: is a function there, who am I, and wake the controller."""

from collections.abc import Iterator

import pytest
from tests.contracts import lambdas
from tests.contracts.backends import Backend
from tests.contracts.stub import Reply, Stub, error, ok, running_stub

from canary_router import settings
from canary_router.adapters.aws.deployed import LambdaFunctions, LambdaNudge, StsCaller
from canary_router.adapters.memory import MemoryCaller, MemoryFunctions, MemoryNudge
from canary_router.errors import NotVisible, Unavailable
from canary_router.ports.operation import Functions

_EXPIRED = b"<ErrorResponse><Error><Code>ExpiredToken</Code><Message>It is over</Message></Error></ErrorResponse>"
NAME = "controls-v1-0-0-pipeline"


@pytest.fixture(scope="module")
def deployed(ministack: Backend) -> str:
    arn = lambdas.deploy(ministack, NAME)
    ministack.client("lambda").get_waiter("function_active_v2").wait(FunctionName=NAME)
    return arn


@pytest.fixture(params=["memory", "ministack"])
def functions(request: pytest.FixtureRequest) -> Functions:
    if request.param == "memory":
        made = MemoryFunctions()
        made.gone |= {"nobody-pipeline", f"{request.getfixturevalue('deployed')}-2"}
        return made
    return LambdaFunctions(request.getfixturevalue("ministack").client("lambda"))


def test_a_function_is_found_by_its_arn(functions: Functions, deployed: str) -> None:
    found = functions.find(deployed)
    assert found is not None
    assert (found.arn, found.state) == (deployed, "Active")


def test_a_function_that_is_not_there_is_an_answer(functions: Functions, deployed: str) -> None:
    assert functions.find("nobody-pipeline") is None
    assert functions.find(f"{deployed}-2") is None


@pytest.fixture(scope="module")
def trouble() -> Iterator[Stub]:
    with running_stub() as running:
        yield running


def test_a_function_tells_its_state_and_its_variables(trouble: Stub) -> None:
    trouble.will(ok(FunctionArn="arn:x", State="Pending", Environment={"Variables": {"A": "b"}}))
    found = LambdaFunctions(trouble.backend.client("lambda")).find(NAME)
    assert found is not None
    assert (found.arn, found.state, found.variables) == ("arn:x", "Pending", {"A": "b"})


def test_who_may_not_look_is_told_so(trouble: Stub) -> None:
    trouble.will(error("AccessDeniedException", 403))
    with pytest.raises(NotVisible, match=NAME):
        LambdaFunctions(trouble.backend.client("lambda")).find(NAME)
    hidden = MemoryFunctions()
    hidden.hidden = True
    with pytest.raises(NotVisible, match=NAME):
        hidden.find(NAME)


def test_everybody_has_a_name(ministack: Backend) -> None:
    for caller in (MemoryCaller(), StsCaller(ministack.client("sts"))):
        assert caller.who().startswith("arn:aws:iam::")


def test_a_caller_whose_credentials_are_over_has_none(trouble: Stub) -> None:
    trouble.will(Reply(403, _EXPIRED))
    with pytest.raises(Unavailable, match=r"who you are.*ExpiredToken"):
        StsCaller(trouble.backend.client("sts")).who()


def test_a_nudge_wakes_the_controller_and_waits_for_nothing(ministack: Backend) -> None:
    name = settings.function_name("controls", "outcome")
    lambdas.deploy(ministack, name)
    LambdaNudge(ministack.client("lambda"), "controls").nudge()
    woken: list[str] = []
    MemoryNudge(lambda: woken.append("up")).nudge()
    assert woken == ["up"]


def test_a_controller_that_is_not_there_cannot_be_told(ministack: Backend) -> None:
    with pytest.raises(Unavailable, match="canary-router-nowhere-outcome"):
        LambdaNudge(ministack.client("lambda"), "nowhere").nudge()
    with pytest.raises(Unavailable):
        MemoryNudge(None).nudge()

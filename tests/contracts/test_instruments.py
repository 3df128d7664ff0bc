"""What a check-up asks AWS: what the caller may do, found out without doing it, and how much gets through."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.contracts.backends import Backend
from tests.contracts.stub import BROKEN, Stub, error, ok, running_stub
from tests.contracts.tables import create_table

from canary_router import settings
from canary_router.adapters.aws.limits import AwsLimits
from canary_router.adapters.aws.rights import ProbedRights, RightsClients
from canary_router.errors import NotVisible, Unavailable
from canary_router.ports.operation import Throttle

ENVIRONMENT = "probed"
LATEST = settings.parameter_name(ENVIRONMENT, "job", "latest")
CURRENT = settings.parameter_name(ENVIRONMENT, "job", "current")
PIPELINE = "arn:aws:lambda:us-east-1:000000000000:function:job-v1-0-0-pipeline"
DENIED = error("AccessDeniedException", 403)


def rights(backend: Backend) -> ProbedRights:
    names = ("ssm", "dynamodb", "lambda", "stepfunctions")
    return ProbedRights(RightsClients(*(backend.client(name) for name in names)), ENVIRONMENT)


@pytest.fixture(params=["ministack", "moto"])
def backend(request: pytest.FixtureRequest) -> Backend:
    made: Backend = request.getfixturevalue(request.param)
    return made.with_patience(60)  # moto imports each service when it is first asked for


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with running_stub() as running:
        yield running


@contextmanager
def table(backend: Backend) -> Iterator[Any]:
    client, name = backend.client("dynamodb"), settings.table_name(ENVIRONMENT)
    create_table(client, name)
    yield client
    client.delete_table(TableName=name)


def test_whoever_may_do_everything_lacks_nothing_and_has_changed_nothing(backend: Backend) -> None:
    ssm = backend.client("ssm")
    for name, value in ((LATEST, "something"), (CURRENT, PIPELINE)):
        ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
    before = ssm.get_parameter(Name=LATEST)["Parameter"]["Version"]
    with table(backend) as client:
        assert rights(backend).missing("job") == ()
        assert client.scan(TableName=settings.table_name(ENVIRONMENT))["Count"] == 0
    assert ssm.get_parameter(Name=LATEST)["Parameter"]["Version"] == before
    assert ssm.get_parameter(Name=LATEST)["Parameter"]["Value"] == "something"
    ssm.delete_parameters(Names=[LATEST, CURRENT])


def test_a_latest_that_is_not_there_is_not_made_by_looking(backend: Backend) -> None:
    with table(backend):
        assert rights(backend).missing("job") == ()
    assert backend.client("ssm").get_parameters(Names=[LATEST])["InvalidParameters"] == [LATEST]


def test_whoever_may_do_nothing_is_told_each_right_with_what_it_is_for(stub: Stub) -> None:
    stub.will(DENIED)
    missing = rights(stub.backend).missing("job")
    assert [it.action for it in missing] == [
        "ssm:GetParameters",
        "ssm:GetParameterHistory",
        "ssm:GetParametersByPath",
        "dynamodb:GetItem",
        "dynamodb:Query",
        "dynamodb:Query",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "lambda:GetFunctionConfiguration",
        "lambda:InvokeFunction",
    ]
    assert all(it.needed_for and it.resource for it in missing)


def test_whoever_may_read_the_pointers_alone_lacks_the_rest(stub: Stub) -> None:
    readable = ok(Parameters=[{"Name": CURRENT, "Value": PIPELINE}])
    stub.will(readable, readable, readable, DENIED)  # both pointers are read to know what to try
    actions = [it.action for it in rights(stub.backend).missing("job")]
    assert "ssm:GetParameters" not in actions
    assert {"ssm:PutParameter", "states:DescribeExecution", "lambda:InvokeFunction"} <= set(actions)


@pytest.mark.parametrize("answer", [BROKEN, error("ExpiredTokenException", 403)], ids=["broken", "expired"])
def test_an_aws_that_does_not_say_whether_is_no_missing_right(stub: Stub, answer: object) -> None:
    stub.will(answer)  # type: ignore[arg-type] # one of the stub's answers
    with pytest.raises(Unavailable):
        rights(stub.backend).missing("job")


def limits(backend: Backend) -> AwsLimits:
    return AwsLimits(backend.client("apigateway"), backend.client("lambda"), ENVIRONMENT)


def test_the_throttle_of_the_routers_own_api_is_read(stub: Stub) -> None:
    apis = ok(item=[{"id": "a", "name": "another"}, {"id": "b", "name": f"canary-router-{ENVIRONMENT}"}])
    every = {"*/*": {"throttlingRateLimit": 50.0, "throttlingBurstLimit": 100}}
    stub.will(apis, ok(item=[{"stageName": "v1", "methodSettings": every}]))
    assert limits(stub.backend).api() == Throttle(50, 100)
    unlimited = {"*/*": {"throttlingRateLimit": -1, "throttlingBurstLimit": -1}}
    stub.will(apis, ok(item=[{"stageName": "v1", "methodSettings": unlimited}]))
    assert limits(stub.backend).api() == Throttle(None, None)


def test_an_api_of_another_name_is_none_of_the_routers(stub: Stub, ministack: Backend) -> None:
    stub.will(ok(item=[{"id": "a", "name": "another"}]))
    assert limits(stub.backend).api() is None
    assert limits(ministack).api() is None


def test_the_limits_of_the_account_are_read(stub: Stub) -> None:
    stub.will(ok(throttleSettings={"rateLimit": 10_000.0, "burstLimit": 5_000}))
    assert limits(stub.backend).account() == Throttle(10_000, 5_000)
    stub.will(ok(AccountLimit={"ConcurrentExecutions": 1_000, "UnreservedConcurrentExecutions": 900}))
    assert limits(stub.backend).concurrency() == 900


def test_limits_that_the_caller_may_not_read_are_told_apart_from_an_aws_in_trouble(stub: Stub) -> None:
    for read in (limits(stub.backend).api, limits(stub.backend).account, limits(stub.backend).concurrency):
        stub.will(DENIED)
        with pytest.raises(NotVisible):
            read()
        stub.will(BROKEN)
        with pytest.raises(Unavailable) as raised:
            read()
        assert not isinstance(raised.value, NotVisible)

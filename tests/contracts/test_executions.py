"""What Step Functions knows of an execution, and that not knowing one is an answer."""

import pytest
from tests.contracts import state_machines
from tests.contracts.state_machines import Stage

from canary_router.core.model import Status
from canary_router.ports import Execution

STATUSES = [Status.RUNNING, Status.SUCCEEDED, Status.FAILED, Status.ABORTED]


@pytest.fixture(params=["memory", "ministack", "moto", "wired"])
def stage(request: pytest.FixtureRequest) -> Stage:
    if request.param == "memory":
        return state_machines.in_memory()
    return state_machines.on(request.getfixturevalue(request.param))


@pytest.mark.parametrize("status", STATUSES)
def test_an_execution_is_known_by_its_arn_with_its_status(stage: Stage, service: str, status: Status) -> None:
    arn = stage.run(service, status)
    found = stage.executions.describe(arn)
    assert found is not None
    assert (found.execution_arn, found.status) == (arn, status)
    assert (found.error, found.cause) == (("Broken", "as ordered") if status is Status.FAILED else ("", ""))


@pytest.mark.parametrize("stage", ["memory", "moto"], indirect=True)  # ministack lets executions run on
def test_an_execution_that_took_too_long_has_timed_out(stage: Stage, service: str) -> None:
    arn = stage.run(service, Status.TIMED_OUT)
    assert stage.executions.describe(arn) == Execution(arn, Status.TIMED_OUT)


def test_there_is_no_execution_of_another_name(stage: Stage, service: str) -> None:
    arn = stage.run(service, Status.SUCCEEDED)
    assert stage.executions.describe(f"{arn}-2") is None


def test_without_its_state_machine_there_is_no_execution(stage: Stage, service: str) -> None:
    arn = stage.run(service, Status.SUCCEEDED)
    *beginning, _, name = arn.split(":")
    assert stage.executions.describe(":".join([*beginning, "no-such-machine", name])) is None


def test_a_name_is_looked_for_in_its_own_state_machine(stage: Stage, service: str) -> None:
    """Two versions may be asked for the same transform: what runs in one does not run in the other."""
    running = stage.run(service, Status.RUNNING)
    failed = stage.run(service, Status.FAILED)
    assert stage.executions.describe(running) == Execution(running, Status.RUNNING)
    assert stage.executions.describe(failed) == Execution(failed, Status.FAILED, "Broken", "as ordered")

"""Stacks of versions, and what their state machines do: found, told apart, and really deleted."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.contracts.backends import Backend
from tests.contracts.roles import role_for
from tests.contracts.stub import LOST, Reply, Stub, running_stub

from canary_router import settings
from canary_router.adapters.aws.stacks import CloudFormationStacks, StepFunctionsActivities
from canary_router.adapters.memory import MemoryActivities, MemoryStacks
from canary_router.core.stacks import Activity, DeployedStack
from canary_router.errors import NotVisible, Unavailable, Uncertain
from canary_router.ports.operation import Activities, Stacks

_END_SECONDS = 20


@dataclass
class Stage:
    """The two ports, and how a stack comes to be there, with a state machine that may run a job."""

    stacks: Stacks
    activities: Activities
    deploy: Callable[[str, dict[str, str]], DeployedStack]
    run: Callable[[DeployedStack, bool], None]

    def gone(self, stack: DeployedStack) -> bool:
        until = time.monotonic() + _END_SECONDS
        while self.stacks.find(stack.stack_id) is not None:
            assert time.monotonic() < until, f"{stack.name} stays"
            time.sleep(0.05)
        return True


def in_memory() -> Stage:
    stacks, activities = MemoryStacks(), MemoryActivities()

    def deploy(name: str, tags: dict[str, str]) -> DeployedStack:
        now = round(time.time() * 1000)
        made = DeployedStack(name, f"arn:{name}/{len(stacks.told)}", "CREATE_COMPLETE", now, now, tags)
        stacks.there[made.stack_id] = made
        return made

    def run(stack: DeployedStack, ends: bool) -> None:  # noqa: FBT001 - one of two things happens
        last = round(time.time() * 1000) if ends else None
        activities.known[stack.name] = Activity(is_running=not ends, last_end=last)

    return Stage(stacks, activities, deploy, run)


def on_ministack(backend: Backend) -> Stage:
    slow = backend.with_patience(60)  # the first stack loads all that it knows of resources
    clouds, states = slow.client("cloudformation"), slow.client("stepfunctions")

    def deploy(name: str, tags: dict[str, str]) -> DeployedStack:
        role = role_for(backend, "states")
        machine = {
            "Type": "AWS::StepFunctions::StateMachine",
            "Properties": {
                "StateMachineName": name,
                "RoleArn": role,
                "DefinitionString": json.dumps(
                    {
                        "StartAt": "Choice",
                        "States": {
                            "Choice": {
                                "Type": "Choice",
                                "Choices": [{"Variable": "$.ends", "BooleanEquals": True, "Next": "End"}],
                                "Default": "Wait",
                            },
                            "Wait": {"Type": "Wait", "Seconds": 600, "End": True},
                            "End": {"Type": "Pass", "End": True},
                        },
                    }
                ),
            },
        }
        clouds.create_stack(
            StackName=name,
            TemplateBody=json.dumps({"Resources": {"Machine": machine}}),
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        clouds.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        found = CloudFormationStacks(clouds).find(name)
        assert found is not None
        return found

    def run(stack: DeployedStack, ends: bool) -> None:  # noqa: FBT001 - one of two things happens
        _, _, _, region, account, _ = stack.stack_id.split(":", 5)
        machine = f"arn:aws:states:{region}:{account}:stateMachine:{stack.name}"
        made = states.start_execution(stateMachineArn=machine, input=json.dumps({"ends": ends}))
        while ends and states.describe_execution(executionArn=made["executionArn"])["status"] == "RUNNING":
            time.sleep(0.05)

    return Stage(CloudFormationStacks(clouds), StepFunctionsActivities(states), deploy, run)


@pytest.fixture(params=["memory", "ministack"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return in_memory() if request.param == "memory" else on_ministack(request.getfixturevalue("ministack"))


def tags(service: str, tag: str) -> dict[str, str]:
    return {settings.TAG_ENVIRONMENT: "test", settings.TAG_SERVICE: service, settings.TAG_VERSION: tag}


def test_a_stack_is_found_with_its_tags_by_its_services_name(stage: Stage, service: str) -> None:
    before = round(time.time() * 1000) - 2_000
    made = stage.deploy(f"{service}-v1-0-0", tags(service, "v1.0.0"))
    stage.deploy(f"another-{service}-v1-0-0", tags("another", "v1.0.0"))
    assert stage.stacks.named_after(service) == (made,)
    assert (made.tags, made.status, made.is_protected) == (tags(service, "v1.0.0"), "CREATE_COMPLETE", False)
    assert before < made.created <= made.changed < before + 60_000
    assert stage.stacks.find(made.name) == stage.stacks.find(made.stack_id) == made


def test_a_stack_that_is_not_there_is_an_answer(stage: Stage, service: str) -> None:
    assert stage.stacks.named_after(service) == ()
    assert stage.stacks.find(f"{service}-v1-0-0") is None


def test_a_deleted_stack_is_gone_and_a_later_one_of_its_name_is_another(stage: Stage, service: str) -> None:
    made = stage.deploy(f"{service}-v1-0-0", tags(service, "v1.0.0"))
    stage.stacks.delete(made, "r-1")
    assert stage.gone(made)
    assert stage.stacks.named_after(service) == ()
    again = stage.deploy(made.name, tags(service, "v1.0.0"))
    assert again.stack_id != made.stack_id
    stage.stacks.delete(made, "r-2")  # by its id: the later one is not touched
    time.sleep(0.3)
    assert stage.stacks.find(made.name) == again


def test_a_state_machine_that_never_ran_does_nothing(stage: Stage, service: str) -> None:
    made = stage.deploy(f"{service}-v1-0-0", tags(service, "v1.0.0"))
    assert stage.activities.of(made) == Activity(is_running=False)
    missing = replace(made, name=f"{service}-v9-0-0")
    assert stage.activities.of(missing) == Activity(is_running=False)


def test_a_job_that_runs_is_seen(stage: Stage, service: str) -> None:
    made = stage.deploy(f"{service}-v1-0-0", tags(service, "v1.0.0"))
    stage.run(made, False)  # noqa: FBT003
    found = stage.activities.of(made)
    assert found is not None
    assert found.is_running


def test_the_end_of_the_last_job_is_told(stage: Stage, service: str) -> None:
    made = stage.deploy(f"{service}-v1-0-0", tags(service, "v1.0.0"))
    before = round(time.time() * 1000) - 2_000
    stage.run(made, True)  # noqa: FBT003
    found = stage.activities.of(made)
    assert found is not None
    assert not found.is_running
    assert found.last_end is not None
    assert before < found.last_end < before + 60_000


def test_termination_protection_is_seen_and_respected(ministack: Backend, service: str) -> None:
    made = on_ministack(ministack).deploy(f"{service}-v1-0-0", tags(service, "v1.0.0"))
    ministack.client("cloudformation").update_termination_protection(
        StackName=made.name, EnableTerminationProtection=True
    )
    protected = CloudFormationStacks(ministack.client("cloudformation"))
    memory = MemoryStacks()
    for stacks in (protected, memory):
        if isinstance(stacks, MemoryStacks):
            stacks.there[made.stack_id] = replace(made, is_protected=True)
        found = stacks.find(made.name)
        assert found is not None
        assert found.is_protected
        with pytest.raises(Unavailable, match=f"deleting (the stack )?{made.name}"):
            stacks.delete(found, "r-1")
        assert stacks.find(made.name) is not None


STACK = DeployedStack("a-v1-0-0", "arn:aws:cloudformation:us-east-1:1:stack/a-v1-0-0/x", "CREATE_COMPLETE", 0, 0)
_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


def refusal(code: str, message: str, status: int = 400) -> Reply:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return Reply(status, body.encode(), (("Content-Type", "text/xml"),))


def answer(operation: str, content: str) -> Reply:
    result = f"<{operation}Result>{content}</{operation}Result>"
    body = f'<{operation}Response xmlns="{_NAMESPACE}">{result}</{operation}Response>'
    return Reply(200, body.encode(), (("Content-Type", "text/xml"),))


def member(**fields: Any) -> str:
    return "<member>" + "".join(f"<{name}>{value}</{name}>" for name, value in fields.items()) + "</member>"


@pytest.fixture(scope="module")
def trouble() -> Iterator[Stub]:
    with running_stub() as running:
        yield running


def test_all_pages_are_read(trouble: Stub) -> None:
    def page(number: int, token: str) -> Reply:
        stack = member(
            StackName=f"a-v{number}-0-0",
            StackId=f"arn:{number}",
            StackStatus="CREATE_COMPLETE",
            CreationTime="2026-01-01T00:00:00Z",
        )
        return answer("DescribeStacks", f"<Stacks>{stack}</Stacks>{token}")

    trouble.will(page(1, "<NextToken>more</NextToken>"), page(2, ""))
    found = CloudFormationStacks(trouble.backend.client("cloudformation")).named_after("a")
    assert [it.name for it in found] == ["a-v1-0-0", "a-v2-0-0"]


def test_who_may_not_look_at_stacks_is_told_so(trouble: Stub) -> None:
    stacks = CloudFormationStacks(trouble.backend.client("cloudformation"))
    looks: list[Callable[[], object]] = [
        lambda: stacks.named_after("a"),
        lambda: stacks.find("a"),
        lambda: stacks.what_failed(STACK),
    ]
    for look in looks:
        trouble.will(refusal("AccessDenied", "not allowed", 403))
        with pytest.raises(NotVisible, match="not allowed"):
            look()
    hidden = MemoryStacks()
    hidden.hidden = True
    with pytest.raises(NotVisible):
        hidden.find("a")


def test_what_cloudformation_refuses_was_not_begun_and_what_it_does_not_answer_may_have_been(trouble: Stub) -> None:
    stacks = CloudFormationStacks(trouble.backend.client("cloudformation"))
    trouble.will(refusal("ValidationError", "Export a is in use by b"))
    with pytest.raises(Unavailable, match="Export a is in use by b"):
        stacks.delete(STACK, "r-1")
    trouble.will(LOST)
    with pytest.raises(Uncertain):
        stacks.delete(STACK, "r-1")


def test_the_reason_of_a_failed_deletion_is_what_the_resources_say(trouble: Stub) -> None:
    def event(logical: str, physical: str, reason: str, status: str = "DELETE_FAILED") -> str:
        return member(
            StackId=STACK.stack_id,
            EventId=f"{logical}-{reason}",
            StackName=STACK.name,
            LogicalResourceId=logical,
            PhysicalResourceId=physical,
            ResourceStatus=status,
            ResourceStatusReason=reason,
            Timestamp="2026-01-01T00:00:00Z",
        )

    events = (
        event("a-v1-0-0", STACK.stack_id, "The following resource(s) failed to delete: [Results]"),
        event("Results", "a-bucket", "the bucket is not empty"),
        event("Results", "a-bucket", "an earlier reason"),
        event("Machine", "a-v1-0-0", "", "DELETE_COMPLETE"),
    )
    trouble.will(answer("DescribeStackEvents", f"<StackEvents>{''.join(events)}</StackEvents>"))
    stacks = CloudFormationStacks(trouble.backend.client("cloudformation"))
    assert stacks.what_failed(STACK) == "Results: the bucket is not empty"
    memory = MemoryStacks()
    memory.failing[STACK.name] = "Results: the bucket is not empty"
    assert memory.what_failed(STACK) == "Results: the bucket is not empty"


def test_executions_that_nobody_is_told_of_are_no_answer_and_silence_is_trouble(trouble: Stub) -> None:
    activities = StepFunctionsActivities(trouble.backend.client("stepfunctions"))
    for code in ("AccessDeniedException", "StateMachineTypeNotSupported"):
        trouble.will(Reply(400, json.dumps({"__type": code, "message": "no"}).encode()))
        assert activities.of(STACK) is None
    trouble.will(LOST)
    with pytest.raises(Unavailable):
        activities.of(STACK)
    memory = MemoryActivities()
    memory.known[STACK.name] = None
    assert memory.of(STACK) is None

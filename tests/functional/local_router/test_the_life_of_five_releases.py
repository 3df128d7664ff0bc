"""Zero downtime: jobs are sent over the life of five releases, bad, slow, good and breaking; each is accounted for."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import boto3
import pytest
from tests.e2e.deployed import wait_until
from tests.functional.local_router.machine import Machine

from canary_router import settings, wiring
from canary_router.client import RouterClient, Transform, Tuning
from canary_router.core.model import Release, ReleaseState
from canary_router.flows import inspect
from canary_router.local import record
from canary_router.local.demo import delivered
from canary_router.local.demo.load import Load
from canary_router.local.provision import pipeline_arn

ENVIRONMENT, SERVICE = "local", "transformer"
RATE = 2
WITHIN = 120
"""Seconds that anything may take."""
METRICS = ("temp_max", "temp_min", "precipitation", "wind")


@dataclass
class FrontEnd:
    """Sends a job a time, by the contract that it knows; one attempt each, so that a failure is one."""

    client: RouterClient
    name_of_the_measure: str = "metric"

    def submit(self, number: int) -> Transform:
        order = {"year": 2013 + number % 3, self.name_of_the_measure: METRICS[number % 4]}
        return self.client.submit(SERVICE, order)


@dataclass
class Account:
    """An account with the router in it, and what happens there."""

    machine: Machine
    emulator: record.Emulator
    session: boto3.Session = field(default_factory=boto3.Session)

    def release(self, tag: str) -> None:
        """The deployment of a version that is new releases it; one that is deployed is released by order."""
        if not self.machine.json("local", "deploy", tag)["changed"]:
            self.machine.json("release", SERVICE, pipeline_arn(self.emulator, tag))

    def newest(self) -> Release:
        return inspect.releases(wiring.aws_ports(self.session, ENVIRONMENT).ledger, SERVICE)[0]

    def decided(self, tag: str, state: ReleaseState) -> Release:
        def is_there() -> bool:
            return (self.newest().target.tag, self.newest().state) == (tag, state)

        wait_until(is_there, lambda: str(self.newest()), WITHIN)
        return self.newest()

    def write_policy(self, document: str) -> None:
        name = settings.parameter_name(ENVIRONMENT, SERVICE, "policy")
        self.session.client("ssm").put_parameter(Name=name, Value=document, Type="String", Overwrite=True)

    def reconcile(self) -> None:
        """The schedule's minute, now."""
        name = settings.function_name(ENVIRONMENT, "outcome")
        self.session.client("lambda").invoke(FunctionName=name, Payload=b'{"source": "canary-router"}')

    def stop_jobs_of(self, tag: str) -> int:
        """As an operator does with jobs that would run for half an hour for nothing; how many there were."""
        states = self.session.client("stepfunctions")
        stack = settings.stack_name(SERVICE, tag)
        machine = f"arn:aws:states:{self.emulator.region}:{self.emulator.account}:stateMachine:{stack}"
        running = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
        for execution in running:
            states.stop_execution(executionArn=execution["executionArn"])
        return len(running)


@pytest.fixture
def account(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    emulator = record.read(machine.home)
    assert emulator is not None
    for name, value in emulator.client_environment().items():
        monkeypatch.setenv(name, value)
    made = Account(machine, emulator)
    yield made
    made.write_policy("{}")


def test_over_five_releases_no_request_fails_and_every_job_is_accounted_for(account: Account) -> None:
    first = account.machine.json("status", SERVICE)["current"]["version"]
    front_end = FrontEnd(RouterClient(ENVIRONMENT, session=account.session, tuning=Tuning(attempts=1)))
    with Load(front_end.submit, RATE) as load:

        def served_by(tag: str) -> None:
            before = len(load.sent())
            wait_until(
                lambda: any(it.version == tag for it in load.sent()[before:]), lambda: str(load.sent()[-3:]), WITHIN
            )

        account.release("v1.2.0")
        failed = account.decided("v1.2.0", ReleaseState.ABORTED)
        served_by(first)

        account.write_policy('{"deadline": "PT20S"}')
        account.release("v1.3.0")
        wait_until(lambda: account.newest().admitted == 2, lambda: str(account.newest()), WITHIN)
        time.sleep(max(0.0, account.newest().opened_at / 1000 + 21 - time.time()))
        account.reconcile()
        slow = account.decided("v1.3.0", ReleaseState.ABORTED)
        assert account.stop_jobs_of("v1.3.0") == 2
        account.write_policy("{}")

        for tag in ("v1.3.1", "v1.4.0"):
            account.release(tag)
            account.decided(tag, ReleaseState.PROMOTED)
            served_by(tag)
        # The version that serves takes both contracts now, so the front-end moves to the next one; but not before each
        # instance of the router has read the pointers anew: until then it may send jobs to the version before.
        time.sleep(settings.POINTER_TTL + 1)
        front_end.name_of_the_measure = "measure"
        account.release("v2.0.0")
        account.decided("v2.0.0", ReleaseState.PROMOTED)
        served_by("v2.0.0")

    sent = load.sent()
    assert [it.error for it in sent if it.error] == []
    jobs = delivered.look(account.session, account.emulator, sent)
    by_end = {tag: Counter(counts) for tag, counts in jobs.counts().items()}
    assert sum(sum(each.values()) for each in by_end.values()) == len(sent)
    assert by_end.pop("v1.2.0") == {"FAILED": failed.admitted}
    assert by_end.pop("v1.3.0") == {"ABORTED": slow.admitted}
    assert set(by_end) == {first, "v1.3.1", "v1.4.0", "v2.0.0"}
    assert all(set(each) == {"SUCCEEDED"} for each in by_end.values()), by_end
    assert jobs.is_complete

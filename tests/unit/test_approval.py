"""What a stage's pipeline is told: the verdict on the version that it has deployed, and nothing before there is one."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from tests.unit.world import SERVICE, World, arn

from canary_router.adapters.memory import MemoryApprovals
from canary_router.core.approval import Approve, Reject
from canary_router.core.conditions import Write
from canary_router.core.model import Status
from canary_router.core.orders import Order, OrderKind
from canary_router.core.records import release_key
from canary_router.core.tags import Stage
from canary_router.errors import InvalidInput, Unavailable
from canary_router.flows.approval import answer_waiting
from canary_router.flows.orders import roll_back
from canary_router.ports import Clock
from canary_router.ports.delivery import Waiting


class Account:
    """A stage's account: the world of the router, and a pipeline that deploys."""

    def __init__(self, stage: Stage = Stage.PRODUCTION) -> None:
        self.world = World()
        self.stage = stage
        self.approvals = MemoryApprovals()
        self._started = self.world.clock.now()
        self._executions = 0

    def deploy(self, tag: str, *, releases: bool = True) -> str:
        """An execution starts, deploys for a minute or two, and begins to wait."""
        self._executions += 1
        self._started = self.world.clock.now()
        self.world.clock.advance(60)
        if releases:
            self.world.write_latest(tag)
        self.world.clock.advance(30)
        return self.wait(tag)

    def wait(self, tag: str) -> str:
        execution = f"e-{self._executions}"
        key = f"{self.stage}/{SERVICE}/{tag}/{SERVICE}-{tag}.zip"
        now = self.world.clock.now()
        self.approvals.ask(Waiting(execution, f"token-{now}", key, self._started, now))
        return execution

    def judge(self, status: Status = Status.SUCCEEDED) -> None:
        """The jobs of the canary end."""
        for canary in [self.world.submit() for _ in range(2)]:
            self.world.end(canary, status)

    def look(self) -> str:
        return answer_waiting(self.approvals, self.world.ports, self.stage, SERVICE)

    @property
    def answers(self) -> list[tuple[str, bool]]:
        return [(execution, isinstance(answer, Approve)) for execution, answer in self.approvals.answers]


@pytest.fixture
def account() -> Account:
    return Account()


def test_while_nobody_waits_nothing_else_is_looked_at(account: Account) -> None:
    def unwanted() -> object:
        raise AssertionError("a look costs nothing while nobody waits")

    account.world.replace_ports(pointers=Lagging(account.world, unwanted))
    assert account.look() == "no execution waits"


def test_the_pipeline_waits_until_the_jobs_have_ended_and_is_then_told_once(account: Account) -> None:
    execution = account.deploy("v1.1.0")
    assert "no release was opened" in account.look()
    jobs = [account.world.submit() for _ in range(2)]
    assert "OPEN: 0 succeeded, 0 failed, 2 running" in account.look()
    account.world.end(jobs[0])
    account.look()
    assert account.answers == []
    account.world.end(jobs[1])
    assert "was answered: PROMOTED v1.1.0" in account.look()
    assert account.look() == "no execution waits"
    assert account.answers == [(execution, True)]


def test_a_version_that_fails_is_turned_away_with_the_reason(account: Account) -> None:
    execution = account.deploy("v1.1.0")
    account.judge(Status.FAILED)
    account.look()
    ((who, answer),) = account.approvals.answers
    assert who == execution
    assert isinstance(answer, Reject)
    assert answer.reason.startswith("ABORTED v1.1.0 (r1-")
    assert account.world.release.reason in answer.reason


def test_a_verdict_that_is_there_before_the_wait_is_told_at_its_beginning(account: Account) -> None:
    account.world.pointers.delete(SERVICE, "current")
    account.deploy("v1.1.0")
    account.approvals.ask(None)
    account.world.reconcile()
    account.wait("v1.1.0")
    account.look()
    assert account.answers == [("e-1", True)]


def test_a_version_in_whose_place_another_one_was_released_is_turned_away(account: Account) -> None:
    account.deploy("v1.1.0")
    account.world.reconcile()
    account.world.write_latest("v1.2.0")
    account.world.reconcile()
    account.look()
    assert account.answers == [("e-1", False)]


def test_a_paused_release_and_one_whose_pointers_are_being_written_are_waited_for(account: Account) -> None:
    account.deploy("v1.1.0")
    account.world.reconcile()
    item = release_key(SERVICE, account.world.release.release_id)
    for state in ("PAUSED", "PROMOTING", "ABORTING"):
        account.world.ledger.commit((Write(item, (), assign={"state": state}),))
        assert f" is {state}: " in account.look()
    assert account.answers == []


@pytest.mark.parametrize("controller", ["runs", "died"])
def test_a_decision_that_is_told_before_its_release_is_closed_is_waited_for_in_the_same_run(
    account: Account, controller: str
) -> None:
    account.deploy("v1.1.0")
    account.world.reconcile()
    ledger, item = account.world.ledger, release_key(SERVICE, account.world.release.release_id)
    ledger.commit((Write(item, (), assign={"state": "PROMOTING"}),))

    def close() -> None:
        if controller == "runs":
            ledger.commit((Write(item, (), assign={"state": "PROMOTED"}),))

    clock = Paused(account.world.clock, close)
    account.world.replace_ports(clock=clock)
    account.look()
    assert (account.answers, clock.pauses) == (([("e-1", True)], 1) if controller == "runs" else ([], 3))


def test_a_tag_that_was_turned_away_and_is_released_anew_is_not_answered_with_the_old_verdict(account: Account) -> None:
    account.deploy("v1.1.0")
    account.judge(Status.FAILED)
    account.look()
    account.deploy("v1.1.0")
    assert "no release was opened" in account.look()
    account.judge()
    account.look()
    assert account.answers == [("e-1", False), ("e-2", True)]


def test_an_old_verdict_is_not_told_while_a_newer_write_may_not_show_yet(account: Account) -> None:
    account.deploy("v1.1.0")
    account.judge(Status.FAILED)
    account.look()
    old = account.world.pointers.read(SERVICE)
    account.deploy("v1.1.0")
    account.world.replace_ports(pointers=Lagging(account.world, lambda: old))
    assert "a newer one may not show yet" in account.look()
    account.world.clock.advance(59)
    account.look()
    assert account.answers == [("e-1", False)]


def test_a_deployment_that_changed_nothing_is_told_what_became_of_its_version(account: Account) -> None:
    account.deploy("v1.1.0")
    account.judge()
    account.look()
    account.world.clock.advance(3600)
    account.deploy("v1.1.0", releases=False)
    account.look()
    account.world.clock.advance(60)
    account.look()
    assert account.answers == [("e-1", True), ("e-2", True)]


def go_back(world: World, to: str | None = None) -> None:
    world.clock.advance(1)
    order = Order("o1", OrderKind.ROLLBACK, SERVICE, "arn:aws:iam::123456789012:user/ann", "", world.clock.now())
    roll_back(world.ports, order, to)
    world.reconcile()


def test_a_version_that_was_promoted_and_rolled_back_before_anybody_looked_is_turned_away(account: Account) -> None:
    account.deploy("v1.1.0")
    account.judge()
    go_back(account.world)
    account.look()
    ((_, answer),) = account.approvals.answers
    assert isinstance(answer, Reject)
    assert "rolled back to v1.0.0" in answer.reason


def test_a_version_that_served_and_was_replaced_by_the_next_one_was_promoted(account: Account) -> None:
    account.deploy("v1.1.0")
    account.judge()
    account.world.write_latest("v1.2.0")
    account.judge()
    # That one's fault, not this one's.
    go_back(account.world, "v1.0.0")
    account.look()
    assert account.answers == [("e-1", True)]


def test_a_write_of_which_no_release_was_made_yet_is_waited_for(account: Account) -> None:
    account.deploy("v1.1.0")
    account.world.clock.advance(86_400)
    assert "no release was opened for it yet" in account.look()
    assert account.answers == []


@pytest.mark.parametrize(
    ("comes", "became"),
    [
        (arn("v1.2.0"), "replaced by v1.2.0"),
        ("none", "blanked"),
        ("somewhere", "replaced by 'somewhere', which is no version"),
    ],
)
@pytest.mark.parametrize("wait_before", [0, 3600])
def test_a_write_that_was_gone_before_a_release_was_opened_is_turned_away_once_ssm_is_believed(
    account: Account, comes: str, became: str, wait_before: float
) -> None:
    account.deploy("v1.1.0")
    account.world.clock.advance(wait_before)
    account.world.pointers.put(SERVICE, "latest", comes, "")
    account.world.reconcile()
    account.world.clock.advance(119)
    assert "waits" in account.look()
    assert account.approvals.answers == []
    account.world.clock.advance(1)
    account.look()
    ((_, answer),) = account.approvals.answers
    assert isinstance(answer, Reject), answer
    assert became in answer.reason


def test_without_any_write_of_latest_only_the_reads_of_ssm_are_waited_for(account: Account) -> None:
    account.deploy("v1.1.0", releases=False)
    account.world.clock.advance(59)
    assert "v1.1.0 has no release yet" in account.look()
    account.world.clock.advance(1)
    account.look()
    assert account.answers == [("e-1", False)]


@pytest.mark.parametrize(
    "key",
    [
        "staging/transformer/v1.1.0/a.zip",
        "staging/transformer/v1.1.0-rc.1/a.zip",
        "production/transformer/v1.1.0-rc.1/a.zip",
        "production/another/v1.1.0/a.zip",
        "production/transformer/v1.1.0",
        "production/transformer/latest/a.zip",
        "production/transformer/start-this-with-the-key-of-an-artifact",
        "",
    ],
)
def test_an_execution_that_has_read_something_else_is_never_answered(account: Account, key: str) -> None:
    account.deploy("v1.1.0")
    account.judge()
    now = account.world.clock.now()
    account.approvals.ask(Waiting("e-9", "token", key, now, now))
    with pytest.raises(InvalidInput, match="is no artifact of transformer for production"):
        account.look()
    assert account.answers == []


def test_what_cannot_be_read_is_no_verdict(account: Account) -> None:
    account.deploy("v1.1.0")
    account.judge()
    whole = account.world.ports

    def silent() -> object:
        raise Unavailable("SSM is silent")

    account.world.replace_ports(pointers=Lagging(account.world, silent))
    with pytest.raises(Unavailable):
        account.look()
    account.world.ports = whole
    account.world.ledger.commit(
        (Write(release_key(SERVICE, "r9-9"), (), put={"release_id": "r9-9", "state": "ABORTED"}),)
    )
    with pytest.raises(Unavailable):
        account.look()
    assert account.answers == []


def test_a_candidate_of_staging_is_known_by_its_tag() -> None:
    account = Account(Stage.STAGING)
    account.deploy("v1.1.0-rc.1")
    account.judge()
    account.look()
    assert account.answers == [("e-1", True)]


def test_more_releases_than_a_page_holds_hide_none(account: Account) -> None:
    """The ledger lists by id: r99 comes after r100."""
    for number in range(98):
        account.world.write_latest(f"v1.0.{number + 1}")
        account.world.reconcile()
    account.deploy("v1.1.0")
    account.judge()
    assert account.world.release.release_id.startswith("r99-")
    for number in range(20):
        account.world.write_latest(f"v1.2.{number}")
        account.world.reconcile()
    account.look()
    assert account.answers == [("e-1", True)]


def test_a_release_that_is_opened_and_decided_during_a_look_is_not_missed(account: Account) -> None:
    account.deploy("v1.1.0")
    account.judge(Status.FAILED)
    account.look()
    account.deploy("v1.1.0")
    account.world.clock.advance(3600)
    whole = account.world.ports

    def meanwhile() -> None:
        account.world.ports = whole
        account.judge()

    between: dict[str, Any] = {name: Then(getattr(whole, name), meanwhile) for name in ("pointers", "ledger")}
    account.world.ports = replace(whole, **between)
    account.look()
    assert account.answers == [("e-1", False), ("e-2", True)]


class Then:
    """A port after whose first read something happens."""

    def __init__(self, port: object, happens: Callable[[], None]) -> None:
        self._port = port
        self._happens = happens
        self.read = partial(self._once, "read")
        self.by_prefix = partial(self._once, "by_prefix")

    def _once(self, name: str, *args: Any, **more: Any) -> Any:
        answer = getattr(self._port, name)(*args, **more)
        self._happens()
        self._happens = lambda: None
        return answer


class Paused:
    """A clock; while somebody waits, the world goes on."""

    def __init__(self, clock: Clock, meanwhile: Callable[[], None]) -> None:
        self.now = clock.now
        self.pauses = 0
        self._meanwhile = meanwhile

    def pause(self, _: float) -> None:
        self.pauses += 1
        self._meanwhile()


class Lagging:
    """Pointers that are read as they were."""

    def __init__(self, world: World, read: Callable[[], object]) -> None:
        self._read = read
        self.put = world.pointers.put
        self.history = world.pointers.history
        self.services = world.pointers.services

    def read(self, service: str) -> object:
        return self._read()

"""A version is one commit for good: an update of its stack to another one is refused, and the way back is open."""

from typing import Any

import pytest
from tests.unit.test_release_resource import CONFIG, event
from tests.unit.world import SERVICE, World, arn

from canary_router.lambdas.custom_resource import Outcome, carry_out, order_from

NONE, ONE, OTHER = "", "a" * 40, "b" * 64


def properties(commit: str, nonce: str = "") -> dict[str, Any]:
    given = {**event("Create")["ResourceProperties"], "Commit": commit, "Nonce": nonce}
    return {name: value for name, value in given.items() if value}


class Stack:
    """The stack of a version, and what CloudFormation orders for it."""

    def __init__(self, commit: str) -> None:
        self.world = World()
        self.created = self._order("Create", "q1", ResourceProperties=properties(commit))
        self.properties = properties(commit)

    def _order(self, kind: str, request: str, **more: Any) -> Outcome:
        return carry_out(self.world.pointers, order_from(event(kind, request=request, **more)), CONFIG)

    def update(self, new: dict[str, Any], old: dict[str, Any], request: str = "q2") -> Outcome:
        physical_id = self.created.physical_id
        return self._order(
            "Update", request, PhysicalResourceId=physical_id, ResourceProperties=new, OldResourceProperties=old
        )

    def delete(self) -> Outcome:
        physical_id = self.created.physical_id
        return self._order("Delete", "q9", PhysicalResourceId=physical_id, ResourceProperties=self.properties)

    @property
    def writes(self) -> int:
        return len(self.world.pointers.history(SERVICE, "latest", 0))


CHANGES = [(ONE, OTHER), (OTHER, ONE), (ONE, NONE), (NONE, ONE)]


@pytest.mark.parametrize(("old", "new"), CHANGES)
@pytest.mark.parametrize("nonce", ["", "again"])
def test_an_update_to_another_commit_is_refused_and_cloudformation_can_go_back(old: str, new: str, nonce: str) -> None:
    stack = Stack(old)
    wanted = properties(new, nonce)
    for _ in range(2):  # Lambda may deliver an order twice
        refused = stack.update(wanted, stack.properties)
        assert "for good" in refused.problem
        assert (refused.changed, refused.physical_id) == (False, stack.created.physical_id)
    for _ in range(2):
        back = stack.update(stack.properties, wanted, "q3")
        assert back == Outcome(stack.created.physical_id, changed=False)
    assert "for good" in stack.update(wanted, stack.properties, "q4").problem
    assert (stack.writes, stack.world.pointer("latest")) == (1, arn("v1.1.0"))


@pytest.mark.parametrize("commit", [NONE, ONE, OTHER])
def test_a_version_may_be_deployed_again_and_released_anew_from_its_commit(commit: str) -> None:
    stack = Stack(commit)
    assert stack.update(stack.properties, stack.properties) == Outcome(stack.created.physical_id, changed=False)
    stack.world.clock.advance(1)
    anew = stack.update(properties(commit, "again"), stack.properties, "q3")
    assert (anew.problem, anew.changed, stack.writes) == ("", True, 2)
    # CloudFormation then deletes what the former id stands for, which leaves the newer write alone.
    assert stack.delete() == Outcome(stack.created.physical_id, changed=False)
    stack.created = anew
    assert "for good" in stack.update(properties("c" * 40), properties(commit, "again"), "q4").problem


@pytest.mark.parametrize("commit", [NONE, ONE, OTHER])
def test_a_stack_that_is_deleted_withdraws_its_write_whatever_its_commit(commit: str) -> None:
    stack = Stack(commit)
    assert stack.delete() == Outcome(stack.created.physical_id, changed=True)
    assert stack.world.pointer("latest") == "none"


@pytest.mark.parametrize(
    "commit", [7, None, [], {}, "x" * 10_000, ONE + "\n", ONE.upper()], ids=lambda it: ascii(it)[:9]
)
def test_an_update_to_what_is_no_commit_is_refused(commit: Any) -> None:
    stack = Stack(ONE)
    refused = stack.update({**stack.properties, "Commit": commit}, stack.properties)
    assert ("for good" in refused.problem, len(refused.problem) < 300, stack.writes) == (True, True, 1)

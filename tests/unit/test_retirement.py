"""Which stacks may go, and why the others stay."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.retirement_world import DAY, Estate, stack, tags_of
from tests.unit.world import SERVICE, arn

from canary_router.adapters.memory import MemoryPointers
from canary_router.core.last_use import last_uses
from canary_router.core.model import ReleaseState
from canary_router.core.pointers import Readings
from canary_router.core.retirement import is_named_like_a_version
from canary_router.core.stacks import Activity
from canary_router.flows.retiring import facts_of


def reasons(estate: Estate, **rules: int) -> dict[str, str]:
    return {tag: it.reason for tag, it in estate.plan(**rules).items() if not it.goes}


def test_what_was_replaced_long_ago_goes_and_current_and_previous_stay() -> None:
    plan = Estate().plan()
    assert [tag for tag, it in plan.items() if it.goes] == ["v1.2.0", "v1.1.0", "v1.0.0"]
    assert plan["v1.4.0"].reason == "it is current"
    assert plan["v1.3.0"].reason == "it is the previous version, to which a rollback goes"
    assert plan["v1.2.0"].reason == "it stopped being current 40 d 3 min ago"


def test_the_newest_stay_whatever_they_are() -> None:
    assert [tag for tag, it in Estate().plan(keep=4).items() if it.goes] == ["v1.0.0"]
    assert reasons(Estate(), keep=4)["v1.1.0"] == "one of the newest 4 versions"
    assert not any(it.goes for it in Estate().plan(keep=5).values())


def test_a_version_drains_from_the_moment_at_which_it_stopped_being_current() -> None:
    estate = Estate()
    kept = estate.plan(drain=41 * DAY)["v1.2.0"]
    assert not kept.goes
    assert kept.reason == "it stopped being current 40 d 3 min ago: it drains for 23 h 56 min more"
    assert kept.may_go_at is not None
    estate.world.clock.advance((kept.may_go_at - estate.world.clock.now()) / 1000)
    assert estate.plan(drain=41 * DAY)["v1.2.0"].goes


def test_what_latest_names_and_what_is_on_trial_stay() -> None:
    estate = Estate()
    estate.deploy("v1.0.1")
    estate.world.write_latest("v1.0.1")
    assert reasons(estate, keep=0, drain=0)["v1.0.1"] == "latest names it"
    estate.world.reconcile()
    assert estate.world.release_state() is ReleaseState.OPEN
    estate.world.write_latest("v1.1.0")  # nobody has opened it yet: the older one is on trial by the record
    kept = reasons(estate, keep=0, drain=0)
    assert kept["v1.1.0"] == "latest names it"
    assert kept["v1.0.1"].startswith("its release r")


def test_an_aborted_version_drains_from_its_end() -> None:
    estate = Estate()
    estate.deploy("v1.5.0")
    estate.world.write_latest("v1.5.0")
    estate.world.reconcile()
    estate.world.pointers.put(SERVICE, "latest", "none", "")  # withdrawn
    estate.world.reconcile()
    assert estate.world.release_state() is ReleaseState.ABORTED
    estate.world.clock.advance(10 * DAY)
    assert reasons(estate, keep=0)["v1.5.0"] == "it was aborted 10 d ago: it drains for 4 d more"
    estate.world.clock.advance(5 * DAY)
    assert estate.plan(keep=0)["v1.5.0"].goes


def test_a_version_that_nobody_released_counts_from_its_deployment() -> None:
    estate = Estate()
    estate.deploy("v1.9.0")
    estate.world.clock.advance(DAY)
    assert reasons(estate, keep=0)["v1.9.0"] == "it was deployed, and never released, 1 d ago: it drains for 13 d more"


def test_a_version_that_was_current_by_hand_drains_from_that() -> None:
    estate = Estate()
    for tag in ("v1.0.0", "v1.4.0"):  # for an hour, and nobody has looked meanwhile
        estate.world.pointers.put(SERVICE, "current", arn(tag), "")
        estate.world.clock.advance(3600)
    assert reasons(estate, keep=0)["v1.0.0"] == "it stopped being current 1 h ago: it drains for 13 d 23 h more"


@pytest.mark.parametrize(
    ("activity", "reason"),
    [
        (Activity(is_running=True), "a job of it runs"),
        (None, "whether a job of it runs cannot be told"),
    ],
)
def test_a_version_whose_jobs_run_or_may_run_stays(activity: Activity | None, reason: str) -> None:
    estate = Estate()
    estate.activities.known["transformer-v1-0-0"] = activity
    assert reasons(estate)["v1.0.0"] == reason


def test_a_version_drains_from_the_end_of_its_last_job() -> None:
    estate = Estate()
    ended = estate.world.clock.now() - 2 * DAY * 1000
    estate.activities.known["transformer-v1-0-0"] = Activity(is_running=False, last_end=ended)
    assert reasons(estate)["v1.0.0"] == "it ended its last job 2 d ago: it drains for 12 d more"


@pytest.mark.parametrize("name", ["environment", "service", "version"])
def test_what_has_not_all_of_our_tags_is_never_touched(name: str) -> None:
    estate = Estate()
    estate.deploy("v1.0.0", tags=tags_of("v1.0.0", **{name: "another"}))
    judged = next(it for it in estate.plan(keep=0, drain=0).values() if it.stack.name == "transformer-v1-0-0")
    assert not judged.goes
    assert f"canary-router:{name}" in judged.reason
    estate.deploy("v1.0.0", tags={key: value for key, value in tags_of("v1.0.0").items() if not key.endswith(name)})
    assert not any(it.goes for it in estate.plan(drain=0).values() if it.stack.name == "transformer-v1-0-0")


def test_a_foreign_stack_takes_no_place_among_the_newest() -> None:
    estate = Estate()
    estate.deploy("v9.0.0", tags={})
    assert [tag for tag, it in estate.plan(keep=4).items() if it.goes] == ["v1.0.0"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"is_protected": True}, "termination protection is on"),
        ({"status": "UPDATE_IN_PROGRESS"}, "CloudFormation is at it (UPDATE_IN_PROGRESS)"),
        ({"status": "DELETE_IN_PROGRESS"}, "it is being deleted already"),
    ],
)
def test_what_is_protected_or_worked_at_stays(changed: dict[str, Any], reason: str) -> None:
    estate = Estate()
    old = stack("v1.0.0", **changed)
    estate.stacks.there[old.stack_id] = old
    assert reasons(estate)["v1.0.0"] == reason


def test_what_could_not_be_deleted_is_tried_again() -> None:
    estate = Estate()
    old = stack("v1.0.0", status="DELETE_FAILED")
    estate.stacks.there[old.stack_id] = old
    assert estate.plan()["v1.0.0"].goes


def test_while_current_is_invalid_nothing_goes() -> None:
    estate = Estate()
    estate.world.pointers.put(SERVICE, "current", "rubbish", "")
    assert set(reasons(estate, keep=0, drain=0).values()) == {"current is invalid, so nobody can tell what is in use"}
    assert not any(it.goes for it in estate.plan(keep=0, drain=0).values())


def test_what_the_record_says_is_current_stays_while_the_pointer_says_otherwise() -> None:
    estate = Estate()
    estate.world.pointers.put(SERVICE, "current", arn("v1.1.0"), "")
    kept = reasons(estate, keep=0, drain=0)
    assert kept["v1.1.0"] == "it is current"
    assert kept["v1.4.0"] == "it is current, by the record"


def test_a_pre_release_is_known_however_its_tag_is_written() -> None:
    estate = Estate()
    estate.deploy("v2.0.0-rc-1")  # the pipeline's name tells v2.0.0-rc.1
    estate.world.write_latest("v2.0.0-rc-1")
    assert reasons(estate, keep=0, drain=0)["v2.0.0-rc-1"] == "latest names it"


@pytest.mark.parametrize("name", ["transformer-v1-0-0", "transformer-v1-3-0-rc-1"])
def test_a_stack_that_is_named_like_a_version_is_looked_at(name: str) -> None:
    assert is_named_like_a_version(SERVICE, name)


@pytest.mark.parametrize(
    "name", ["transformer-shared", "transformer-v1-0", "transformer", "transformers-v1-0-0", "transformer-x-v1-0-0"]
)
def test_no_other_stack_is_looked_at(name: str) -> None:
    assert not is_named_like_a_version(SERVICE, name)


def test_a_stack_that_was_deployed_again_counts_from_then() -> None:
    estate = Estate()
    old = stack("v1.0.0")
    estate.stacks.there[old.stack_id] = replace(old, changed=estate.world.clock.now() - 3600_000)
    assert reasons(estate)["v1.0.0"] == "it was deployed 1 h ago: it drains for 13 d 23 h more"


def test_what_ssm_has_forgotten_the_record_tells() -> None:
    estate = Estate()
    facts = facts_of(estate.place())
    ends = last_uses(SERVICE, facts.releases, ((), ()), facts.now)
    assert ends["v1-4-0"].until == facts.now
    assert ends["v1-0-0"].ended == "stopped being current"
    known = last_uses(SERVICE, facts.releases, facts.writes, facts.now)["v1-0-0"].until
    assert abs(ends["v1-0-0"].until - known) < 300_000


def test_a_write_of_latest_counts_as_a_use_though_nobody_ever_opened_it() -> None:
    estate = Estate()
    estate.world.write_latest("v1.0.0")
    estate.world.pointers.put(SERVICE, "latest", "none", "")
    estate.world.clock.advance(DAY)
    assert reasons(estate)["v1.0.0"] == "it was written to latest 1 d ago: it drains for 13 d more"


def test_nothing_goes_by_a_read_of_current_that_is_older_than_the_record() -> None:
    estate = Estate()
    estate.world.write_latest("v1.1.0")
    estate.world.reconcile()
    before = estate.world.readings
    while estate.world.release_state().can_be_decided:
        estate.world.end(estate.world.submit())
    assert estate.world.pointer("current") == arn("v1.1.0")

    class Lagging(MemoryPointers):
        def read(self, service: str) -> Readings:
            return before

    lagging = Lagging(estate.world.clock)
    lagging.__dict__.update(estate.world.pointers.__dict__)
    estate.world.replace_ports(pointers=lagging)
    assert set(reasons(estate, keep=0, drain=0).values()) == {"current was read as it was a moment ago"}

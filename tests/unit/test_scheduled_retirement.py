"""Old versions go by themselves, if that was asked for."""

from itertools import count

import pytest
from tests.unit.retirement_world import DAY, ENVIRONMENT, Estate
from tests.unit.world import SERVICE

from canary_router.core.retirement import DRAIN_SECONDS, KEEP, Rules
from canary_router.errors import ConfigurationError, Unavailable
from canary_router.flows.retired import retirements
from canary_router.flows.retiring import Who
from canary_router.lambdas.retiring import retire_all, rules_from
from canary_router.settings import Settings

NAME = "canary-router-test-prune"


def run(estate: Estate, *services: str, keep: int = 1) -> dict[str, str]:
    ids = count(1)
    world = estate.world.ports, estate.stacks, estate.activities
    by = Who(NAME, "on schedule", lambda: f"r-{next(ids)}")
    return retire_all(world, Rules(keep, 14 * DAY * 1000), Settings(ENVIRONMENT, services or (SERVICE,)), by)


def test_what_may_go_goes_the_oldest_first_and_who_did_it_is_on_record() -> None:
    estate = Estate()
    assert run(estate, "nobody", SERVICE) == dict.fromkeys(
        ("transformer-v1-0-0", "transformer-v1-1-0", "transformer-v1-2-0"), "RETIRED"
    )
    assert estate.stacks.told == ["transformer-v1-0-0", "transformer-v1-1-0", "transformer-v1-2-0"]
    assert {(it.who, it.why) for it in retirements(estate.world.ledger, SERVICE)} == {(NAME, "on schedule")}
    assert run(estate) == {}


def test_one_that_cannot_be_deleted_keeps_no_other_and_is_an_error_in_the_end() -> None:
    estate = Estate()
    estate.stacks.failing["transformer-v1-0-0"] = "Results: the bucket is not empty"
    with pytest.raises(Unavailable, match="transformer-v1-0-0: Results: the bucket is not empty"):
        run(estate)
    assert estate.named("v1.1.0") is None


def test_a_service_that_cannot_be_looked_at_is_an_error_too() -> None:
    estate = Estate()
    estate.stacks.hidden = True
    with pytest.raises(Unavailable, match="transformer: looking up stacks"):
        run(estate)


def test_no_deletion_is_begun_that_the_function_might_not_live_to_record() -> None:
    estate = Estate()
    estate.stacks.slow |= {f"transformer-v1-{minor}-0" for minor in range(5)}
    for minor in range(5, 12):
        estate.promote(f"v1.{minor}.0")
        estate.stacks.slow.add(f"transformer-v1-{minor}-0")
        estate.world.clock.advance(20 * DAY)
    begun_at = estate.world.clock.now()
    done = run(estate)
    assert set(done.values()) == {"DELETING"}
    assert 4 <= len(done) < 10
    assert estate.world.clock.now() - begun_at < 890_000


def test_the_next_run_records_what_took_longer() -> None:
    estate = Estate()
    estate.stacks.slow.add("transformer-v1-0-0")
    assert run(estate, keep=4) == {"transformer-v1-0-0": "DELETING"}
    estate.stacks.there = {key: it for key, it in estate.stacks.there.items() if it.tag != "v1.0.0"}
    assert run(estate, keep=4) == {}
    assert [it.state for it in retirements(estate.world.ledger, SERVICE)] == ["RETIRED"]


def test_the_rules_come_from_the_environment() -> None:
    assert rules_from({}) == Rules(KEEP, DRAIN_SECONDS * 1000)
    assert rules_from({"CANARY_ROUTER_KEEP": "0", "CANARY_ROUTER_DRAIN": "3600"}) == Rules(0, 3_600_000)
    with pytest.raises(ConfigurationError, match="CANARY_ROUTER_KEEP"):
        rules_from({"CANARY_ROUTER_KEEP": "many"})

"""A fleet under load: what the page about scale claims, at sizes that a test can afford."""

import re
from pathlib import Path
from typing import Any

import pytest
from bench import scale
from tests.unit.world import World

from canary_router.adapters.aws.failures import ServiceError
from canary_router.adapters.aws.trouble import read
from canary_router.errors import Throttled, Unavailable
from canary_router.sim.load.fleet import quiet
from canary_router.sim.load.limits import Limits
from canary_router.sim.load.run import Load, simulate
from canary_router.sim.load.services import ATTEMPTS, Gate
from canary_router.sim.scheduler import Scheduler, Task

PAGE = scale.PAGE.read_text()
OPTIONS = Path(__file__).parents[2] / "src/canary_router/cdk/options.py"


@pytest.fixture(autouse=True, scope="module")
def _without_logs() -> None:
    quiet()


def cells(table: str) -> list[list[str]]:
    """The cells of a table of the page, by row."""
    _, _, rest = PAGE.partition(f"<!-- {table} -->\n\n")
    text, end, _ = rest.partition(f"\n\n<!-- end of {table} -->")
    assert end
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def failed(figures: dict[str, Any]) -> int:
    return sum(number for answer, number in figures["answers"].items() if not answer.startswith("202"))


def total(figures: dict[str, Any], load: Load, name: str) -> float:
    return float(figures["calls"].get(name, {}).get("a second", 0.0)) * load.seconds


@pytest.mark.parametrize("rate", [10, 1_000])
def test_the_page_says_what_the_simulation_says(rate: int) -> None:
    place = scale.RATES.index(rate) + 1
    rows = cells("rates")[2:]
    assert [row[0] for row in rows] == [name for name, _ in scale.ROWS]
    assert [row[place] for row in rows] == scale.scale_row(rate)


@pytest.mark.parametrize("number", [0, 1])
def test_the_page_says_what_happens_beyond_the_limits(number: int) -> None:
    name = list(scale.BEYOND)[number]
    assert cells("beyond")[2 + number] == [cell.strip() for cell in scale.beyond_row(name).strip("|").split("|")]


def test_the_page_has_the_costs_that_follow_from_the_prices() -> None:
    expected = [[cell.strip() for cell in line.strip("|").split("|")] for line in scale.cost_table().splitlines()]
    assert cells("cost") == expected


def test_the_page_names_options_that_there_are() -> None:
    named = set(re.findall(r"`(\w+)=[\w.]+`", PAGE))
    assert {"pointer_ttl", "requests_per_second", "burst"} <= named
    assert named <= set(re.findall(r"^    (\w+): ", OPTIONS.read_text(), re.MULTILINE))


def test_a_fleet_wakes_takes_its_budget_and_goes_over_to_the_new_version_and_no_request_fails() -> None:
    load = Load(500)
    figures = simulate(load)
    assert figures == simulate(load)
    assert failed(figures) == 0
    assert figures["awake"]["admitted"] == 2
    assert figures["current"] == "v1.1.0"
    assert figures["awake"]["the last saw it after"] < load.pointer_ttl + 0.5


def test_each_instance_reads_the_pointers_once_in_their_time_to_live_whatever_the_rate() -> None:
    for load in (Load(100, latency=200), Load(400, latency=50), Load(100, latency=200, pointer_ttl=10, jobs=18)):
        figures = simulate(load)
        a_second = figures["calls"]["GetParameters"]["a second"]
        assert a_second == pytest.approx(figures["instances"] / load.pointer_ttl, rel=0.25)


def test_a_full_release_costs_an_instance_a_few_looks_however_long_its_jobs_last() -> None:
    load = Load(100, jobs=30)
    figures = simulate(load)
    assert total(figures, load, "GetItem, hot") < 4 * figures["instances"]


def test_a_fleet_that_reads_in_step_races_for_a_second_at_most() -> None:
    load = Load(400, latency=400, spread=0.0, jobs=6)
    awake = simulate(load)["awake"]
    assert awake["admitted"] == 2
    first = awake["half saw it after"]
    assert awake["last refusal after"] - first < 1.2
    assert awake["admissions refused"] < awake["instances that saw it"]


def test_beyond_what_a_partition_reads_current_serves_and_the_controller_still_decides() -> None:
    """Before a full release was remembered this fleet grew to six times its size, and nothing was decided."""
    load = Load(400, jobs=6, limits=Limits(reads=6, writes=1_000))
    figures = simulate(load)
    assert failed(figures) == 0
    assert figures["current"] == "v1.1.0"
    assert figures["instances"] <= 1.3 * simulate(Load(400, jobs=6))["instances"]


def test_with_parameter_store_throttled_a_warm_fleet_serves_and_a_cold_one_fails_requests() -> None:
    warm = simulate(Load(400, latency=100, limits=Limits(parameters=5)))
    assert warm["calls"]["GetParameters throttled"]["a second"] > 0
    assert set(warm["answers"]) <= {"202 current", "202 latest", "NoCurrentVersion, cold"}
    assert failed(warm) / sum(warm["answers"].values()) < 0.02
    default, higher = list(scale.BEYOND.values())[:2]
    assert failed(scale.figures(default)) > 0
    assert failed(scale.figures(higher)) == 0


def test_a_job_with_a_key_writes_twice_to_one_partition_of_an_index_until_it_runs() -> None:
    load = Load(300, keyed=1.0)
    figures = simulate(load)
    jobs = sum(figures["answers"].values())
    assert total(figures, load, "writes of the index of pending jobs") == pytest.approx(2 * jobs, rel=0.05)


def test_the_end_of_a_job_that_is_not_on_record_costs_the_controller_one_read() -> None:
    world = World()
    world.end(world.submit())
    assert (world.ledger.gets, world.ledger.commits) == (1, [])


def test_what_is_throttled_is_tried_as_often_as_the_adapters_try_it() -> None:
    tried = []

    def throttled() -> bool:
        tried.append("adapter")
        raise ServiceError("GetParameters", {"Error": {"Code": "ThrottlingException", "Message": "too many calls"}})

    with pytest.raises(Unavailable):
        read("something", throttled)
    scheduler = Scheduler(1)
    gate, attempts = Gate(scheduler), []

    def refused() -> bool:
        attempts.append("simulated")
        return False

    def simulated() -> None:
        with pytest.raises(Throttled):
            gate.repeated(refused)

    scheduler.spawn(Task("one", scheduler.chance("one")), simulated)
    scheduler.run()
    assert len(attempts) == len(tried) == ATTEMPTS

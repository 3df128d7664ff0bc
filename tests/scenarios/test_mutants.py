"""A check is worth what it catches: every mutant of the protocol is caught by the check that its page names."""

from pathlib import Path

import pytest

from canary_router.flows import drive
from canary_router.sim.checks import CHECKS
from canary_router.sim.mutants.protocol import Broken, Mutant, noticed, seeds_needed
from canary_router.sim.mutants.table import AT_MOST, EVERY, rows_of
from canary_router.sim.plans.seeds import plan_for
from canary_router.sim.run import run

PAGE = Path(__file__).parents[2] / "docs/explanation/mutants.md"
SEEDS = rows_of(PAGE.read_text())
A_FEW = (1, 2, 3, 4, 6, 7, 13, 15, 17, 23)
"""Seeds of every kind of schedule, the hazards' among them."""


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_by_its_check(mutant: Mutant) -> None:
    seed = SEEDS[mutant.name, mutant.check]
    with mutant.alive():
        caught = mutant.check in noticed(mutant, seed)
    if not caught:
        # Whatever changes the number of calls changes every schedule, so another seed may be needed since.
        found = seeds_needed(mutant, AT_MOST)
        assert found is not None, f"no seed up to {AT_MOST} catches it"
        seed = found
    assert not run(plan_for(seed)).violations


def test_the_page_has_every_mutant_and_every_check_catches_one() -> None:
    assert max(SEEDS.values()) <= AT_MOST
    assert set(SEEDS) == {(mutant.name, mutant.check) for mutant in EVERY}
    assert {mutant.check for mutant in EVERY} == set(CHECKS)


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.name)
def test_a_mutant_replaces_what_is_there_and_does_not_fail_by_itself(mutant: Mutant) -> None:
    before = [getattr(owner, name) for owner, name, _ in mutant.swaps]
    with mutant.alive():
        for seed in A_FEW:
            noticed(mutant, seed)
    assert [getattr(owner, name) for owner, name, _ in mutant.swaps] == before


def test_a_mutant_of_what_is_not_there_any_more_is_refused() -> None:
    gone = Mutant("nothing", "progress", ((drive, "_was_renamed", None),))
    with pytest.raises(AttributeError), gone.alive():
        pass


def test_a_mutant_that_fails_by_itself_is_never_counted_as_caught() -> None:
    def _fails(*_args: object) -> None:
        raise TypeError("as after a change of what it replaces")

    broken = Mutant("broken itself", "progress", ((drive.Driver, "_carry_on", _fails),))
    with pytest.raises(Broken, match="as after a change"):
        seeds_needed(broken, 20)

"""A check is worth what it catches: every mutant of the protocol is caught by the check that its page names."""

from pathlib import Path

import pytest

from canary_router.sim.checks import CHECKS
from canary_router.sim.mutants import Mutant, seeds_needed
from canary_router.sim.mutants_table import AT_MOST, EVERY, rows_of
from canary_router.sim.plan import plan_for
from canary_router.sim.run import run

PAGE = Path(__file__).parents[2] / "docs/explanation/mutants.md"
SEEDS = rows_of(PAGE.read_text())


@pytest.mark.parametrize("mutant", EVERY, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_by_its_check(mutant: Mutant) -> None:
    seed = SEEDS[mutant.name, mutant.check]
    with mutant.alive():
        broken = run(plan_for(seed))
    if mutant.check not in {violation.check for violation in broken.violations}:
        # Whatever changes the number of calls changes every schedule, so another seed may be needed since.
        found = seeds_needed(mutant, AT_MOST)
        assert found is not None, f"no seed up to {AT_MOST} catches it"
        seed = found
    assert not run(plan_for(seed)).violations


def test_the_page_has_every_mutant_and_every_check_catches_one() -> None:
    assert max(SEEDS.values()) <= AT_MOST
    assert set(SEEDS) == {(mutant.name, mutant.check) for mutant in EVERY}
    assert {mutant.check for mutant in EVERY} == set(CHECKS)

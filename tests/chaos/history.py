"""Decides from the outside whether the chaos did any harm."""

from collections.abc import Callable, Iterator

from tests.chaos.checks_jobs import check_answers, check_jobs
from tests.chaos.checks_pointers import check_current, check_latest, check_lost, check_rest
from tests.chaos.checks_releases import check_budget, check_ends, check_finality
from tests.chaos.evidence import Evidence, Line

_OF_REQUESTS: tuple[Callable[[Evidence], Iterator[str]], ...] = (check_jobs, check_answers)
_OF_A_SERVICE: tuple[Callable[[Line], Iterator[str]], ...] = (
    check_budget,
    check_finality,
    check_ends,
    check_current,
    check_latest,
    check_lost,
    check_rest,
)


def harm(evidence: Evidence) -> list[str]:
    """Everything that should not have happened, one sentence each."""
    found = [what for check in _OF_REQUESTS for what in check(evidence)]
    return found + [what for line in evidence.lines for check in _OF_A_SERVICE for what in check(line)]

"""What must hold, always: eight named checks over what an onlooker has seen of a run.

They look at the parameters' history, at the executions and at what front-ends were told. Of the table they take as
facts what was admitted, decided and recorded when; never what a clause or a flow concluded from it.
"""

from collections.abc import Callable, Iterator

from canary_router.sim.checks.decisions import check_budget, check_evidence, check_finality
from canary_router.sim.checks.downtime import check_downtime
from canary_router.sim.checks.end import check_lost_releases, check_progress, check_rest
from canary_router.sim.checks.previous import check_previous
from canary_router.sim.checks.requests import check_one_job
from canary_router.sim.checks.verdicts import check_rescues
from canary_router.sim.evidence import Evidence, Violation


def check_jobs(evidence: Evidence) -> Iterator[str]:
    """Each request is one job, and a rescue is of a canary's that has failed."""
    yield from check_one_job(evidence)
    yield from check_rescues(evidence)


def check_pointers(evidence: Evidence) -> Iterator[str]:
    """With nothing under way the pointers, and what is on record of them, are what their history says."""
    yield from check_rest(evidence)
    yield from check_previous(evidence)


CHECKS: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "budget": check_budget,
    "evidence": check_evidence,
    "finality": check_finality,
    "one job": check_jobs,
    "no lost release": check_lost_releases,
    "pointers at rest": check_pointers,
    "progress": check_progress,
    "no downtime": check_downtime,
}


def check(evidence: Evidence) -> list[Violation]:
    """All that does not hold."""
    return [Violation(name, what) for name, holds in CHECKS.items() for what in holds(evidence)]

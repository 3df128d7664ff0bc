"""Verdicts that are wrong in one word of the policy, and rescues and rollbacks that go astray."""

from dataclasses import replace
from typing import Any

from canary_router.core import verdict
from canary_router.core.changes import releases, services
from canary_router.core.model import Basis, Release, ReleaseState, Transform, Version
from canary_router.core.records import version_fields
from canary_router.core.verdict import Abort, Hold, Promote, judge
from canary_router.flows import orders, rescue
from canary_router.flows.inspect import releases as releases_on_record
from canary_router.flows.request import Router
from canary_router.sim.mutants.protocol import Mutant


def _is_canary(release: Release) -> bool:
    return release.basis is Basis.CANARY and release.state.can_be_decided


def _aborted_at_the_first_look(release: Release, now: int) -> Any:
    made = judge(release, now)
    return Abort(f"not yet good ({release.counts})") if isinstance(made, Hold) and _is_canary(release) else made


def _successes_abort(release: Release, now: int) -> Any:
    made = judge(release, now)
    return Abort(made.reason) if isinstance(made, Promote) and _is_canary(release) else made


def _first_failure_aborts(release: Release, now: int) -> Any:
    return judge(replace(release, policy=replace(release.policy, max_failures=0)), now)


def _failures_do_not_matter(release: Release, now: int) -> Any:
    return judge(replace(release, policy=replace(release.policy, max_failures=release.policy.requests - 1)), now)


def _deadline_before_successes(release: Release, now: int) -> Any:
    late = _is_canary(release) and release.state is ReleaseState.OPEN and now >= release.deadline_at
    return Abort(f"the deadline passed ({release.counts})") if late else judge(release, now)


def _half_a_deadline(release: Release) -> int:
    return release.opened_at + release.policy.deadline * 500


def _from_the_write_of_latest(release: Release) -> int:
    return release.write.modified + release.policy.deadline * 1000


def _another_input(self: Any, due: Transform) -> Any:
    kept = _INPUT_OF(self, due)
    return kept if kept is None else replace(kept, document={**kept.document, "rescued": True})


def _keeps_the_input(self: Router, transform: Transform, current: Version) -> Transform:
    return replace(_TAKEN_OVER(self, transform, current), kept_input=transform.kept_input)


def _the_oldest(ports: Any, pointers: Any, state: Any, to: str | None) -> Version:
    target = _TARGET(ports, pointers, state, to)
    known = [one for one in releases_on_record(ports.ledger, state.service) if one.state is ReleaseState.PROMOTED]
    oldest = min(known, key=lambda one: one.opened_at, default=None)
    return target if to is not None or oldest is None or oldest.target == pointers.current else oldest.target


def _without_previous(name: str, version: Version | None) -> Any:
    return {} if name == "previous" else version_fields(name, version)


_INPUT_OF = rescue.Rescuer._input_of  # noqa: SLF001 - what a mutant replaces it has to call
_TARGET = orders._target  # noqa: SLF001 - as above
_TAKEN_OVER = Router.taken_over

VERDICTS: tuple[Mutant, ...] = (
    Mutant(
        "an undecided canary is aborted at the first look",
        "evidence",
        ((verdict, "judge", _aborted_at_the_first_look),),
    ),
    Mutant("a canary with all its successes is aborted", "evidence", ((verdict, "judge", _successes_abort),)),
    Mutant("a canary is aborted at its first failure", "evidence", ((verdict, "judge", _first_failure_aborts),)),
    Mutant("a canary is promoted whatever has failed", "evidence", ((verdict, "judge", _failures_do_not_matter),)),
    Mutant("the deadline comes before the successes", "evidence", ((verdict, "judge", _deadline_before_successes),)),
    Mutant("a deadline half as long", "evidence", ((Release, "deadline_at", property(_half_a_deadline)),)),
    Mutant(
        "the deadline counts from the write of latest",
        "evidence",
        ((Release, "deadline_at", property(_from_the_write_of_latest)),),
    ),
    Mutant("a rescue runs another input", "one job", ((rescue.Rescuer, "_input_of", _another_input),)),
    Mutant("a job of current is rescued", "one job", ((Router, "taken_over", _keeps_the_input),)),
    Mutant("a rollback leads to the oldest version", "evidence", ((orders, "_target", _the_oldest),)),
    Mutant(
        "what was current before is not recorded",
        "pointers at rest",
        ((releases, "version_fields", _without_previous), (services, "version_fields", _without_previous)),
    ),
)

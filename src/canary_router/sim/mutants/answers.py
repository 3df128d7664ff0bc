"""Mutants that only a check notices which follows every single answer, opening and announcement."""

from dataclasses import replace
from typing import Any

from canary_router.core.model import Release, Route, Status, Transform, Version
from canary_router.core.pointers import Pointers, understand
from canary_router.errors import NotStartedOnCurrent
from canary_router.flows import admission, keyed, reconcile, request, rescue, telling
from canary_router.flows.opening import open_release
from canary_router.flows.starting import NotStarted, Started, Unknown, start
from canary_router.sim.mutants.protocol import Mutant

_TWO_MINUTES = 120_000
_TWO_SECONDS = 2_000


def _late(ledger: Any, release: Release, *rest: Any) -> Release | None:
    is_young = release.opened_at - release.write.modified < _TWO_MINUTES
    return None if is_young else open_release(ledger, release, *rest)


def _told_as_not_started(self: Any, transform: Transform) -> Transform | None:
    if transform.status not in (Status.ADMITTED, Status.NOT_STARTED):
        raise NotStartedOnCurrent("it is not this retry that has started it", transform_id=transform.transform_id)
    return _RESUME(self, transform)


def _asks_for_current_first(self: Any, transform: Transform) -> Transform | None:
    self._current_version(transform)
    return _RESUME_NOT_STARTED(self, transform)


def _not_taken_over(ports: Any, transform: Transform, *args: Any) -> Any:
    answer = start(ports, transform, *args)
    if isinstance(answer, NotStarted) and transform.route is Route.LATEST and "failed" in answer.reason:
        raise NotStartedOnCurrent(answer.reason, transform_id=transform.transform_id)
    return answer


def _not_taken_over_while_down(ports: Any, transform: Transform, *args: Any) -> Any:
    answer = start(ports, transform, *args)
    if isinstance(answer, NotStarted) and transform.route is Route.LATEST and "does not run" in answer.reason:
        raise NotStartedOnCurrent(answer.reason, transform_id=transform.transform_id)
    return answer


def _impatient(ports: Any, transform: Transform, *args: Any) -> Any:
    began = ports.clock.now()
    answer = start(ports, transform, *args)
    took = ports.clock.now() - began
    return Unknown("it takes long") if isinstance(answer, Started) and took > _TWO_SECONDS else answer


def _without_a_look(_ports: Any, _transform: Transform) -> NotStarted:
    return NotStarted("nobody has looked")


def _latest_for_current(service: str, readings: Any) -> Pointers:
    pointers = understand(service, readings)
    return replace(pointers, current=pointers.latest) if isinstance(pointers.latest, Version) else pointers


def _tell_opening_alone(self: Any, release: Release) -> None:
    self._send(release, opened=True)


_RESUME = keyed._KeyedJob._resume  # noqa: SLF001 - what a mutant replaces it has to call
_RESUME_NOT_STARTED = keyed._KeyedJob._resume_not_started  # noqa: SLF001 - as above

ANSWERS: tuple[Mutant, ...] = (
    Mutant(
        "a write of latest is opened two minutes late",
        "no lost release",
        ((admission, "open_release", _late), (reconcile, "open_release", _late)),
    ),
    Mutant(
        "a retry that finds its job running is told that there is none",
        "one job",
        ((keyed._KeyedJob, "_resume", _told_as_not_started),),  # noqa: SLF001 - as above
    ),
    Mutant(
        "a retry asks what is current before it has read the whole record",
        "one job",
        ((keyed._KeyedJob, "_resume_not_started", _asks_for_current_first),),  # noqa: SLF001 - as above
    ),
    Mutant("given up without a look", "one job", ((reconcile, "look_up", _without_a_look),)),
    Mutant("a rescue is sent to latest", "one job", ((rescue, "understand", _latest_for_current),)),
    Mutant(
        "current does not take over from a canary that breaks",
        "no downtime",
        ((request, "start", _not_taken_over), (keyed, "start", _not_taken_over)),
    ),
    Mutant(
        "current does not take over while the canary's function is down",
        "no downtime",
        ((request, "start", _not_taken_over_while_down), (keyed, "start", _not_taken_over_while_down)),
    ),
    Mutant(
        "a slow invocation counts as lost",
        "no downtime",
        ((request, "start", _impatient), (keyed, "start", _impatient)),
    ),
    Mutant(
        "nobody hears of what was superseded", "progress", ((telling.Teller, "_tell_opening", _tell_opening_alone),)
    ),
)

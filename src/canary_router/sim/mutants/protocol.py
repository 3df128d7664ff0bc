"""The protocol, broken on purpose: a check that no mutant can make fail proves nothing.

A mutant takes out one clause, or replaces one function, for as long as its context lasts. Each must be caught by the
check that guards what it breaks, within a number of seeds that the test suite knows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from canary_router.api import calls
from canary_router.core import changes, lifecycle, records, verdict, writes
from canary_router.core.conditions import Write
from canary_router.core.model import Release, Version, WriteMark
from canary_router.core.pointers import Reading
from canary_router.core.verdict import Hold, Promote, judge
from canary_router.errors import Unavailable
from canary_router.flows import (
    blanking,
    drive,
    keyed,
    lease,
    operate,
    orders,
    reconcile,
    rescue,
    starting,
    telling,
    uncovering,
)
from canary_router.flows.admission import Admission, Canary
from canary_router.flows.outcome import Controller
from canary_router.flows.starting import NotStarted, Unknown
from canary_router.sim.plans.seeds import plan_for
from canary_router.sim.run import run

Swap = tuple[Any, str, Any]


@dataclass(frozen=True)
class Mutant:
    """One way to break the protocol. ``check`` is the one that has to notice."""

    name: str
    check: str
    swaps: tuple[Swap, ...]

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The program is broken in this way for as long as the context lasts.

        Raises:
            AttributeError: What it replaces is not there any more: the program has changed, and so must the mutant.
        """
        before = [(owner, name, getattr(owner, name)) for owner, name, _ in self.swaps]
        for owner, name, value in self.swaps:
            setattr(owner, name, value)
        try:
            yield
        finally:
            for owner, name, value in before:
                setattr(owner, name, value)


class Broken(Exception):
    """A mutant fails by itself, with an exception that no flow was to let through. That proves nothing."""


def noticed(mutant: Mutant, seed: int) -> set[str]:
    """The checks that notice a mutant, which is alive, in a seed's run.

    Raises:
        Broken: The run came to an end that nobody has foreseen.
    """
    found = run(plan_for(seed)).violations
    for violation in found:
        if violation.check == "unforeseen":
            raise Broken(f"{mutant.name!r} with seed {seed}: {violation.what}")
    return {violation.check for violation in found}


def seeds_needed(mutant: Mutant, at_most: int) -> int | None:
    """How many seeds it takes until the mutant's check fails; None when that many do not do it.

    Raises:
        Broken: The mutant fails by itself.
    """
    with mutant.alive():
        return next((seed for seed in range(1, at_most + 1) if mutant.check in noticed(mutant, seed)), None)


def without(function: str, *clauses: str, owner: Any = changes) -> Swap:
    """Leaves clauses out of every write of a commit."""
    original: Callable[..., tuple[Write, ...]] = getattr(owner, function)

    def commit(*args: Any, **kwargs: Any) -> tuple[Write, ...]:
        return tuple(
            replace(write, clauses=tuple(one for one in write.clauses if one.name not in clauses))
            for write in original(*args, **kwargs)
        )

    return (owner, function, commit)


def _only_first(function: str, count: int) -> Swap:
    """Makes only the first writes of a commit."""
    original: Callable[..., tuple[Write, ...]] = getattr(changes, function)
    return (changes, function, lambda *args, **kwargs: original(*args, **kwargs)[:count])


def _hopeful(release: Release, now: int) -> Any:
    made = judge(release, now)
    full = release.admitted == release.policy.requests and release.state.can_be_decided
    return Promote("all jobs are running well") if isinstance(made, Hold) and full else made


def _blank_whatever_is_there(pointers: Any, service: str, _write: Any, latest: Any, note: str) -> None:
    if latest is not None:
        pointers.put(service, "latest", "none", note)


def _guessed(found: Any, lost: str, broke: str) -> Any:
    return NotStarted(lost or broke) if isinstance(found, Unknown | NotStarted) else found


def _forgotten_attempt(transform: Any, now: int) -> tuple[Write, ...]:
    return tuple(replace(write, assign={"attempted_at": now}) for write in _JOIN(replace(transform), now))


def _advance_without_driving(self: Controller, service: str, release_id: str, gone: str = "") -> None:
    driver, self.driver = self.driver, _Idle()  # type: ignore[assignment]
    try:
        _ADVANCE(self, service, release_id, gone)
    finally:
        self.driver = driver


class _Idle:
    def drive(self, service: str, release_id: str) -> None:
        """Does nothing."""


def _careless_offer(self: Canary, pointers: Any, budget: Any) -> Any:
    asked = lifecycle.release_from(pointers, self._ports.clock.now())
    if asked is not None:
        self._ports.ledger.get(records.release_key(asked.service, asked.release_id))
    return _OFFER(self, pointers, budget)


def _careless_admit(self: Canary, release: Release, *args: Any) -> Admission:
    answer = _ADMIT(self, release, *args)
    return Admission.TAKEN if answer is Admission.REFUSED else answer


def _carry_on_and_return(self: Any, release: Any, seen: Any) -> None:
    try:
        _CARRY_ON(self, release, seen)
    except Unavailable:
        self.lease.give_back(seen.pointers.service)
        raise


def _none_written_before(_self: Any, _release: Release, seen: Any) -> tuple[None, Any]:
    return None, seen.readings.current


def _any_withdrawal(pointers: Any, release: Release, now: int) -> str:
    return "" if pointers.write == release.write else _WITHDRAWAL(pointers, replace(release, write=_OLDEST), now)


_JOIN = changes.join_attempt
_ADVANCE = Controller.advance
_OFFER = Canary.offer
_ADMIT = Canary.admit
_CARRY_ON = drive.Driver._carry_on  # noqa: SLF001 - what a mutant replaces it has to call
_WITHDRAWAL = lifecycle.withdrawal
_OLDEST = WriteMark(0, 0)


_IDS = count()


def _another_id(service: str, key: str) -> str:
    return f"k-{service}-{key}-{next(_IDS)}"


def _waiting(pointers: Any, release: Release, now: int) -> str:
    return "" if isinstance(pointers.latest, Version) else _WITHDRAWAL(pointers, release, now)


def _by_version(write: Any, state: Any, _now: int) -> bool:
    return write is not None and write.version > state.current_write


_IN_FLOWS = ((reconcile, "is_unrecorded", _by_version), (orders, "is_unrecorded", _by_version))


def _ended_with_its_cover(history: tuple[Reading, ...]) -> Reading | None:
    last = history[-1] if history else None
    named = "" if last is None else last.note.rpartition(" ")[2]
    ends = any(named == one.mark.release_id for one in history)
    return None if ends else writes.hidden(history)


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    """Is left out."""


def _no(*_args: Any, **_kwargs: Any) -> bool:
    return False


def _yes(*_args: Any, **_kwargs: Any) -> bool:
    return True


MUTANTS: tuple[Mutant, ...] = (
    Mutant("admission without the budget's clause", "budget", (without("admit", changes.ROOM),)),
    Mutant("admission without the state's clause", "finality", (without("admit", changes.OPEN),)),
    Mutant("a refused admission goes to latest all the same", "budget", ((Canary, "admit", _careless_admit),)),
    Mutant("a decision from any state", "finality", (without("decide", changes.EXPECTED_STATE),)),
    Mutant("a decision by counts that have changed", "evidence", (without("deciding", changes.SAME_COUNTS),)),
    Mutant("flip before the outcomes are on record", "evidence", ((verdict, "judge", _hopeful),)),
    Mutant("an event that comes twice counts twice", "finality", (without("settle", changes.UNSETTLED_JOB),)),
    Mutant(
        "blanking without a look at the version",
        "pointers at rest",
        ((drive, "blank_latest", _blank_whatever_is_there),),
    ),
    Mutant(
        "an overwritten release is never put back",
        "no lost release",
        ((blanking, "hidden", _nothing), (uncovering, "hidden", _nothing)),
    ),
    Mutant("what a withdrawal has hidden is not looked for", "no lost release", ((uncovering, "hidden", _nothing),)),
    Mutant(
        "the end of what hides a release ends that release, too",
        "no lost release",
        ((blanking, "hidden", _ended_with_its_cover), (uncovering, "hidden", _ended_with_its_cover)),
    ),
    Mutant(
        "a promotion is carried out although its deployment was rolled back meanwhile",
        "evidence",
        ((drive.Driver, "_withdrawal", lambda *_: ""),),
    ),
    Mutant("a deployment that is rolled back withdraws nothing", "evidence", ((operate, "stands", _no),)),
    Mutant("pointers written without the lease", "pointers at rest", (without("take_lease", changes.LEASE_FREE),)),
    Mutant("a lease shorter than the function's timeout", "pointers at rest", ((lease, "LEASE_SECONDS", 2),)),
    Mutant(
        "the lease given back after a write that a read may not show",
        "pointers at rest",
        ((drive.Driver, "_carry_on", _carry_on_and_return),),
    ),
    Mutant("after an unknown start current takes over", "one job", ((starting, "_concluded", _guessed),)),
    Mutant("an execution that cannot be seen yet does not exist", "one job", ((starting, "LOOK_UP_SECONDS", 0.0),)),
    Mutant(
        "not started, though another attempt is under way", "one job", (without("settle_not_started", changes.SOLE),)
    ),
    Mutant("an attempt that joins does not say so", "one job", ((changes, "join_attempt", _forgotten_attempt),)),
    Mutant("given up before the grace time is over", "one job", ((reconcile.Reconciler, "_is_overdue", _yes),)),
    Mutant("a new id at the retry", "one job", ((keyed, "transform_id_for_key", _another_id),)),
    Mutant("a key without its body", "one job", ((calls, "input_hash", lambda _: ""),)),
    Mutant("a new release leaves the older one open", "progress", (_only_first("open_release", 2),)),
    Mutant("supersede while deciding", "finality", (without("open_release", changes.UNDECIDED_OLDER),)),
    Mutant(
        "an old read opens an old release",
        "no lost release",
        (without("open_release", changes.NEWER, changes.SAME_OPEN),),
    ),
    Mutant("reconciliation skips what is decided", "progress", ((Controller, "advance", _advance_without_driving),)),
    Mutant("reconciliation looks no job up", "progress", ((reconcile.Reconciler, "_settle", _nothing),)),
    Mutant(
        "there is no deadline",
        "progress",
        ((Release, "deadline_at", property(lambda _: 2**60)),),
    ),
    Mutant("a mark overwrites an end", "finality", (without("mark_running", changes.UNSETTLED_JOB),)),
    Mutant(
        "our own write of current is not known again",
        "pointers at rest",
        ((drive.Driver, "_written_before", _none_written_before),),
    ),
    Mutant("a first version over what a person wrote", "evidence", ((drive, "_is_overtaken", _no),)),
    Mutant("an old read of latest is a withdrawal", "no lost release", ((reconcile, "withdrawal", _any_withdrawal),)),
    Mutant(
        "a current made anew is told by its version alone",
        "pointers at rest",
        ((lifecycle, "is_unrecorded", _by_version), (drive, "is_unrecorded", _by_version), *_IN_FLOWS),
    ),
    Mutant("what waits for a policy leaves the older one waiting", "progress", ((reconcile, "withdrawal", _waiting),)),
    Mutant("conclusions from an old read of current", "evidence", ((reconcile, "is_behind", _no),)),
    Mutant("latest is blank already, says an old read", "pointers at rest", ((drive, "is_older_than", _no),)),
    Mutant("trouble with the canary's record reaches the caller", "no downtime", ((Canary, "offer", _careless_offer),)),
    Mutant("nobody starts the rescue", "one job", ((rescue.Rescuer, "start", _nothing),)),
    Mutant("nobody is told", "progress", ((telling.Teller, "tell", _nothing),)),
)

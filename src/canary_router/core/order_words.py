"""Orders in words: which can be given, what a person is asked first, and what became of one."""

from dataclasses import dataclass

from canary_router.core.gate_words import wanted
from canary_router.core.lifecycle import obstacle
from canary_router.core.model import Release, ReleaseState, Version
from canary_router.core.orders import GivenOrder, OrderKind
from canary_router.core.pointers import Invalid, Pointers


@dataclass(frozen=True)
class Trial:
    """What an order would be about: the open release, or the one that ``latest`` asks for and nobody has opened yet.

    Attributes:
        counts: What it has to show by now, in words.
    """

    release_id: str
    target: Version
    state: ReleaseState
    counts: str


def on_trial(pointers: Pointers, release: Release | None) -> Trial | None:
    """What is on trial; None when nothing is that could be decided.

    Args:
        pointers: As they were read.
        release: The open release, or the last one.
    """
    if release is not None and release.state.can_be_decided:
        counts = f"{release.succeeded} of {release.policy.required} successes ({release.counts})"
        if release.policy.gate is not None:
            counts = f"{wanted(release)} ({release.counts})"
        return Trial(release.release_id, release.target, release.state, counts)
    target, write = pointers.candidate, pointers.write
    if target is None or write is None or (release is not None and release.release_id == write.release_id):
        return None
    return Trial(write.release_id, target, ReleaseState.OPEN, "no job yet")


def possible(pointers: Pointers, release: Release | None, previous: Version | None) -> tuple[OrderKind, ...]:
    """The orders that are worth offering. The flow has the last word: the world may change before one is given."""
    trial = on_trial(pointers, release)
    is_settled = release is None or release.closed_at is not None or release.state.can_be_decided
    found: list[OrderKind] = []
    decides = not isinstance(pointers.current, Invalid)
    if trial is not None:
        is_free = release is None or release.release_id != trial.release_id or not obstacle(pointers, release)
        found += [OrderKind.PROMOTE] * (decides and is_free)
        found.append(OrderKind.RESUME if trial.state is ReleaseState.PAUSED else OrderKind.PAUSE)
        found += [OrderKind.ABORT] * decides
    if isinstance(pointers.current, Version) and previous not in (None, pointers.current) and is_settled:
        found.append(OrderKind.ROLLBACK)
    return tuple(found)


def question(kind: OrderKind, environment: str, service: str, trial: Trial) -> str:
    """What a person is asked before an order about what is on trial."""
    tag, counts = trial.target.tag, trial.counts
    return {
        OrderKind.PROMOTE: f"Make {tag} of {service} current in {environment}, with {counts}?",
        OrderKind.ABORT: f"Turn {tag} of {service} away in {environment}, with {counts}?",
        OrderKind.PAUSE: f"Send no more jobs to {tag} of {service} in {environment}?",
        OrderKind.RESUME: f"Let {tag} of {service} go on in {environment}, with {counts}?",
    }[kind]


def rollback_question(environment: str, service: str, target: Version, release: Release | None) -> str:
    """What a person is asked before a rollback, which turns away whatever is on trial."""
    asked = f"Make {target.tag} of {service} current again in {environment}"
    if release is not None and release.state.can_be_decided:
        asked += f", and turn {release.target.tag} away ({release.counts})"
    return f"{asked}?"


def became(release: Release) -> str:
    """What became of an order, by the release that it was carried out on."""
    tag, service = release.target.tag, release.service
    return {
        ReleaseState.OPEN: f"{tag} of {service} goes on: up to {release.policy.budget} jobs are sent to it.",
        ReleaseState.PAUSED: f"{tag} of {service} is paused: no more jobs are sent to it until you resume it.",
        ReleaseState.PROMOTED: f"{tag} of {service} is current.",
        ReleaseState.ABORTED: f"{tag} of {service} is turned away; current serves on.",
        ReleaseState.PROMOTING: f"{tag} of {service} becomes current: the controller writes the pointers.",
        ReleaseState.ABORTING: f"{tag} of {service} is turned away: the controller blanks latest.",
        ReleaseState.SUPERSEDED: f"{tag} of {service} was superseded by a newer release.",
    }[release.state]


def is_its_reason(given: GivenOrder, release: Release) -> bool:
    """Whether an order is told already, as why the release ended."""
    decides = given.order.kind not in (OrderKind.PAUSE, OrderKind.RESUME)
    return decides and f"by order of {given.order.who}" in release.reason

"""What a service is doing, in a word, a colour and a sentence."""

from dataclasses import dataclass

from canary_router.core.model import Basis, Release, ReleaseState, Version
from canary_router.core.outlook import waiting_for
from canary_router.core.pointers import Invalid
from canary_router.flows.inspect import ServiceView

WORDS = {
    ReleaseState.OPEN: ("On trial", "trial"),
    ReleaseState.PAUSED: ("Paused", "paused"),
    ReleaseState.PROMOTING: ("Promoting", "good"),
    ReleaseState.PROMOTED: ("Promoted", "good"),
    ReleaseState.ABORTING: ("Aborting", "bad"),
    ReleaseState.ABORTED: ("Aborted", "bad"),
    ReleaseState.SUPERSEDED: ("Superseded", "calm"),
}
"""A release's state for people, and its tone, which the style sheet gives a colour."""
_NEWS = 86_400_000
"""Milliseconds for which a promotion is what is said first. A release that was turned away is so until the next one."""


@dataclass(frozen=True)
class Headline:
    """What is said first.

    Attributes:
        word: One or two words.
        tone: ``calm``, ``trial``, ``paused``, ``good`` or ``bad``.
        sentence: What it means; without times, so that it changes only when something has happened.
        is_busy: Whether something is about to change.
    """

    word: str
    tone: str
    sentence: str
    is_busy: bool = False


def headline(view: ServiceView, now: int) -> Headline:
    """The headline of a service; ``now`` in epoch milliseconds."""
    pointers, release = view.pointers, view.release
    if pointers.problems:
        refused = "every request is refused, and " if isinstance(pointers.current, Invalid) else ""
        said = f"Somebody has to correct what is invalid; until then {refused}nothing is tried out."
        return Headline("Invalid", "bad", said)
    is_open = release is not None and release.closed_at is None and release.state is not ReleaseState.SUPERSEDED
    if release is not None and is_open:
        word, tone = WORDS[release.state]
        return Headline(
            word, tone, f"{release.target.tag} waits for {waiting_for(pointers, release, now)}.", is_busy=True
        )
    if pointers.candidate is not None and waiting_for(pointers, release, now):
        return Headline("Waking", "trial", f"The router is about to look at {pointers.candidate.tag}.", is_busy=True)
    if not isinstance(pointers.current, Version):
        return Headline("Empty", "calm", "No version serves yet: every request is refused until one is released.")
    return _at_rest(pointers.current, release, now)


def _at_rest(current: Version, release: Release | None, now: int) -> Headline:
    serves = f"{current.tag} serves every request; nothing is being tried out."
    if release is None or release.basis is not Basis.CANARY:
        return Headline("Asleep", "calm", serves)
    if release.state is ReleaseState.ABORTED:
        return Headline("Aborted", "bad", f"{release.target.tag} was turned away. {serves}")
    is_news = release.closed_at is not None and now - release.closed_at < _NEWS
    if release.state is ReleaseState.PROMOTED and release.target == current and is_news:
        return Headline("Promoted", "good", f"{release.target.tag} has passed its canary. {serves}")
    return Headline("Asleep", "calm", serves)

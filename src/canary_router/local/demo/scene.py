"""What there is to see while the demo runs: looked at several times a second, drawn by whoever shows it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from canary_router.core.model import Basis, Release, ReleaseState, Version
from canary_router.core.pointers import Content
from canary_router.errors import CanaryRouterError
from canary_router.flows.inspect import ServiceView
from canary_router.local.demo.load import Sent

LOOK_SECONDS = 0.25
NOTHING = "none"


@dataclass(frozen=True)
class Scene:
    """One look.

    Attributes:
        seconds: Since the demo began.
        current: Version that serves; ``none`` before the first.
        latest: Version that is being tried out; ``none`` while there is none.
        release: The release that is open, or was the last.
        sent: Every request so far.
    """

    seconds: float
    current: str
    latest: str
    release: Release | None
    sent: tuple[Sent, ...]


class Screen(Protocol):
    """Shows the demo. Its methods are called from more than one thread."""

    def step(self, line: str) -> None:
        """Something that takes a while begins."""

    def happened(self, line: str) -> None:
        """Something that matters was observed."""

    def draw(self, scene: Scene) -> None:
        """This is what it looks like now."""


class Watcher:
    """A context manager: looks, tells what changed, and draws, while its block runs.

    Args:
        look: Looks at the service.
        sent: The requests so far.
        screen: Is told.
        began: When the demo began, by ``time.monotonic``.
    """

    def __init__(
        self, look: Callable[[], ServiceView], sent: Callable[[], list[Sent]], screen: Screen, began: float
    ) -> None:
        self._look = look
        self._sent = sent
        self._screen = screen
        self._began = began
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._last: Scene | None = None
        self._told = 0

    def __enter__(self) -> Self:
        """Begins to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Looks once more, and stops."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.look()
        self.look()

    def look(self) -> None:
        """Looks, tells and draws, once."""
        try:
            view = self._look()
        except CanaryRouterError:
            return  # the next look is close, and a look that fails is no failed request
        sent = tuple(self._sent())
        seconds = time.monotonic() - self._began
        now = Scene(seconds, tag_of(view.pointers.current), tag_of(view.pointers.latest), view.release, sent)
        for line in self._happenings(now):
            self._screen.happened(line)
        self._last = now
        self._screen.draw(now)

    def _happenings(self, now: Scene) -> list[str]:
        last = self._last
        lines = [_of_request(it) for it in now.sent[self._told :] if it.is_canary or it.error]
        self._told = len(now.sent)
        if last is None:
            return lines
        if now.latest not in (last.latest, NOTHING):
            lines.insert(0, f"latest = {now.latest}: the router wakes")
        if now.release is not None and now.release != last.release:
            lines += _of_release(now.release, last.release)
        if now.current != last.current:
            lines.append(f"current = {now.current}: the flip")
        if now.latest == NOTHING != last.latest:
            lines.append("latest = none: the router sleeps")
        return lines


def tag_of(content: Content) -> str:
    """The version that a pointer holds, or ``none``."""
    return content.tag if isinstance(content, Version) else NOTHING


def _of_request(sent: Sent) -> str:
    if sent.error:
        return f"request {sent.number} FAILED: {sent.error}"
    return f"request {sent.number} is a canary: its job runs on {sent.version}"


def _of_release(now: Release, last: Release | None) -> list[str]:
    tag = now.target.tag
    same = last is not None and last.release_id == now.release_id
    lines = []
    before = last if same else None
    if before is None or now.failures + now.succeeded > before.failures + before.succeeded:
        lines += [f"a canary job on {tag} succeeded"] * (now.succeeded - (before.succeeded if before else 0))
        lines += [f"a canary job on {tag} failed"] * (now.failures - (before.failures if before else 0))
    is_full = now.admitted == now.policy.requests and now.state is ReleaseState.OPEN and now.running > 0
    if is_full and (before is None or before.admitted < now.admitted):
        lines.append(f"{tag} is full: nothing more goes there until its {now.admitted} jobs have ended")
    if now.basis is Basis.CANARY and (before is None or before.state is not now.state):
        because = f": {now.reason}" if now.reason else ""
        lines.append(f"release of {tag} is {now.state}{because}")
    return lines

"""The pages: for each the facts that its template shows, and the document that its twin answers with.

Templates escape whatever they are given; nothing is ever marked as safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from canary_router import documents, settings
from canary_router.core.durations import duration
from canary_router.core.explanation import explain
from canary_router.core.model import Release
from canary_router.core.order_words import possible
from canary_router.core.orders import GivenOrder, OrderKind
from canary_router.core.pointers import Invalid
from canary_router.dashboard.controls import Controls
from canary_router.dashboard.gate import gate
from canary_router.dashboard.headline import WORDS, headline
from canary_router.dashboard.looks import RELEASES_SHOWN, Looks
from canary_router.dashboard.moments import ago, clock, iso
from canary_router.dashboard.timeline import timeline
from canary_router.errors import InvalidPolicy, NotFound
from canary_router.flows.explaining import gather
from canary_router.flows.inspect import ServiceView


@dataclass(frozen=True)
class Page:
    """A page before it is drawn.

    Attributes:
        template: Its file.
        facts: What the template shows.
        document: What the page's twin answers.
    """

    template: str
    facts: Mapping[str, Any]
    document: Mapping[str, Any]
    status: HTTPStatus = field(default=HTTPStatus.OK)


class Pages:
    """Makes pages of what is true now.

    Args:
        controls: The world.
        looks: Looks at it.
    """

    def __init__(self, controls: Controls, looks: Looks) -> None:
        self._controls = controls
        self._looks = looks
        self._templates = Environment(
            loader=PackageLoader("canary_router.dashboard"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(iso=iso, duration=duration)

    @property
    def now(self) -> int:
        """Epoch milliseconds, on the clock of the ports."""
        return self._controls.ports.clock.now()

    def draw(self, page: Page) -> str:
        """A page as HTML."""
        now = self.now
        facts: dict[str, Any] = {
            "environment": self._controls.environment,
            "read_only": self._controls.read_only,
            "trouble": "",
            "is_live": False,
            "is_busy": False,
            "clock": lambda moment: clock(moment, now),
            "ago": lambda moment: ago(moment, now),
            "state_word": lambda release: WORDS[release.state][0],
            "state_tone": lambda release: WORDS[release.state][1],
            "now": now,
            "document": page.document,
        }
        return self._templates.get_template(page.template).render(facts | dict(page.facts))

    def services(self) -> Page:
        """All services at a glance.

        Raises:
            Unavailable: A dependency does not answer.
        """
        environment, now = self._controls.environment, self.now
        views = self._looks.services()
        listed = [documents.service_document(environment, it, now) for it in views]
        rows = [
            {"view": it, "document": shown, "headline": headline(it, now), "gate": _gate(it, now)}
            for it, shown in zip(views, listed, strict=True)
        ]
        return Page(
            "services.html",
            {"rows": rows, "is_live": True},  # not busy: each service costs calls of its own
            {"environment": environment, "services": listed},
        )

    def service(self, name: str, told: Mapping[str, Any] | None = None) -> Page:
        """One service; ``told`` is what became of an order that was just given.

        Raises:
            NotFound: There is no such service.
            Unavailable: A dependency does not answer.
        """
        sight, now = self._looks.service(name), self.now
        view, past = sight.view, sight.past
        shown = past.releases[:RELEASES_SHOWN]
        offered = () if self._controls.read_only else possible(view.pointers, view.release, view.state.previous)
        said = headline(view, now)
        environment = self._controls.environment
        facts = {
            "view": view,
            "headline": said,
            "offered": [kind.value for kind in offered if kind is not OrderKind.ROLLBACK],
            "may_go_back": OrderKind.ROLLBACK in offered,
            "told": told,
            "wrong": _wrong(environment, view),
            "past": past,
            "shown": shown,
            "is_live": True,
            "is_busy": said.is_busy,
        }
        if view.release is not None:
            facts |= {"gate": _gate(view, now), "line": timeline(view.release, sight.jobs, now)}
        done = documents.Done(_orders_of(past.orders, shown), past.retirements, past.released_by)
        document = {
            **documents.service_document(environment, view, now),
            "transforms": [documents.transform_document(it) for it in sight.jobs],
            **documents.history_document(environment, name, shown, done),
        }
        return Page("service.html", facts, document)

    def release(self, name: str, release_id: str) -> Page:
        """One release of a service's history.

        Raises:
            NotFound: There is no such release.
            Unavailable: The table does not answer.
        """
        release, jobs, past = self._looks.release(name, release_id)
        now = self.now
        line = timeline(release, jobs, now)
        facts = {
            "service": name,
            "release": release,
            "gate": gate(release, now),
            "line": line,
            "past": past,
            "is_live": not line.is_over,
            "is_busy": release.closed_at is None,
        }
        return Page("release.html", facts, documents.release_document(release, jobs))

    def job(self, name: str, transform_id: str) -> Page:
        """Why a job ran where it ran.

        Raises:
            NotFound: There is no such job of this service.
            Unavailable: A dependency does not answer.
        """
        evidence = gather(self._controls.ports, transform_id)
        if evidence.transform.service != name:
            raise NotFound(f"There is no job {transform_id!r} of {name!r}", advice="Look at another service.")
        facts = explain(evidence)
        return Page(
            "job.html",
            {"service": name, "job": evidence.taken_over or evidence.transform, "told": facts},
            documents.explanation_document(self._controls.environment, evidence, facts),
        )

    def trouble(self, status: HTTPStatus, heading: str, line: str, back: str = "/") -> Page:
        """A page that says what is wrong and what to do about it.

        Args:
            status: The answer's status.
            heading: What is wrong, in a few words.
            line: What to do.
            back: Where a way out leads; empty where there is none.
        """
        facts = {"heading": heading, "trouble": line, "back": back, "status": status}
        return Page("trouble.html", facts, {"problem": line, "status": status.value}, status)


def _gate(view: ServiceView, now: int) -> Any:
    return None if view.release is None else gate(view.release, now)


def _wrong(environment: str, view: ServiceView) -> list[tuple[str, str]]:
    """The parameters that somebody has to correct, and what they may hold."""
    pointers = view.pointers
    arn = f"takes the ARN of a pipeline function, or {settings.BLANK}"
    policy = "takes a policy: canary-router policy check says what is wrong with one"
    found = [("current", arn, Invalid), ("latest", arn, Invalid), ("policy", policy, InvalidPolicy)]
    return [
        (settings.parameter_name(environment, pointers.service, leaf), remedy)
        for leaf, remedy, bad in found
        if isinstance(getattr(pointers, leaf), bad)
    ]


def _orders_of(orders: tuple[GivenOrder, ...], shown: tuple[Release, ...]) -> list[GivenOrder]:
    ids = {release.release_id for release in shown}
    return [given for given in orders if given.release_id in ids]

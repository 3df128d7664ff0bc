"""The dashboard as a WSGI application: who may come in, which page is meant, and what goes back."""

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from importlib.resources import files
from wsgiref.types import StartResponse, WSGIEnvironment

from canary_router import settings
from canary_router.core.orders import OrderKind
from canary_router.dashboard.actions import Actions
from canary_router.dashboard.asked import JSON, Answer, Asked, TooLarge, redirect
from canary_router.dashboard.controls import Controls
from canary_router.dashboard.door import Door, is_loopback, is_same_origin
from canary_router.dashboard.looks import Looks
from canary_router.dashboard.pages import Page, Pages
from canary_router.errors import InvalidInput, NotFound, OrderRefused

_log = logging.getLogger(__name__)
_STATIC = files("canary_router.dashboard") / "static"
_FILES = {
    "/static/dashboard.css": "text/css; charset=utf-8",
    "/static/dashboard.js": "text/javascript; charset=utf-8",
    "/static/icon.svg": "image/svg+xml",
}
_SERVICE = rf"/services/(?P<service>{settings.NAME_PATTERN.pattern})"
_ROUTES = {
    "services": re.compile(r"/services"),
    "service": re.compile(_SERVICE),
    "release": re.compile(rf"{_SERVICE}/releases/(?P<name>[A-Za-z0-9-]{{1,80}})"),
    "job": re.compile(rf"{_SERVICE}/jobs/(?P<name>[A-Za-z0-9_-]{{1,80}})"),
    "order": re.compile(rf"{_SERVICE}/orders/(?P<name>{'|'.join(OrderKind)})"),
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: with it browsers do not say which page a form comes from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STATUS = {
    NotFound: (HTTPStatus.NOT_FOUND, "Not found"),
    OrderRefused: (HTTPStatus.CONFLICT, "It was not done"),
    InvalidInput: (HTTPStatus.BAD_REQUEST, "It was not done"),
}
_LOCKED = "Open the address that canary-router dashboard printed: it has the key of this page."
_ONLY_SHOWS = "This dashboard only shows: it was started with --read-only."


@dataclass(frozen=True)
class _Unfit:
    """Why a form is not taken."""

    status: HTTPStatus
    line: str


class Application:
    """The pages of one environment.

    Args:
        controls: The world.
        patience: Factor on how long what was read is shown again; 0 reads at every request.
    """

    def __init__(self, controls: Controls, patience: float = 1.0) -> None:
        self.door = Door()
        self._controls = controls
        self._looks = Looks(controls.ports, patience)
        self._pages = Pages(controls, self._looks)
        self._actions = Actions(controls, self.door.mark)

    def finish(self) -> None:
        """Waits for an order that is being given: the process is about to end."""
        self._actions.finish()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        asked = Asked.of(environ)
        try:
            answer = self._admitted(asked)
        except Exception as error:  # noqa: BLE001 - a page tells of any error; the log gets what nobody foresaw
            answer = self._told(asked, error)
        headers = _HEADERS | {"Content-Length": str(len(answer.content))} | answer.headers
        start_response(f"{answer.status.value} {answer.status.phrase}", list(headers.items()))
        return [] if asked.method == "HEAD" else [answer.content]

    def _admitted(self, asked: Asked) -> Answer:
        """Lets in who may come in."""
        if not is_loopback(asked.host):
            return self._locked(asked)
        if asked.path in _FILES:
            headers = {"Content-Type": _FILES[asked.path], "Cache-Control": "no-cache"}
            content = (_STATIC / asked.path.rpartition("/")[2]).read_bytes()
            return _only(asked, "GET") or Answer(HTTPStatus.OK, content, headers)
        if asked.path == "/enter" and self.door.opens(asked.query.get("key", "")):
            answer = redirect("/services", Set_Cookie=self.door.cookie(asked.host), Referrer_Policy="no-referrer")
            return _only(asked, "GET") or answer
        if not self.door.knows(asked.header("COOKIE") or "", asked.host):
            return self._locked(asked)
        return redirect("/services") if asked.path in ("/", "/enter") else self._routed(asked)

    def _locked(self, asked: Asked) -> Answer:
        """Tells where the key is. A link on another site's page comes without the cookie: the page then asks again."""
        is_link = asked.header("SEC_FETCH_SITE") == "cross-site" and asked.header("SEC_FETCH_MODE") == "navigate"
        is_ours = (
            asked.method == "GET"
            and is_loopback(asked.host)
            and any(it.fullmatch(asked.path) for it in _ROUTES.values())
        )
        page = self._pages.trouble(HTTPStatus.FORBIDDEN, "Locked", _LOCKED, "")
        # Nor does it tell a stranger which environment this is.
        facts = {**page.facts, "environment": "", "again": asked.path if is_link and is_ours else ""}
        return self._answer(asked, replace(page, facts=facts))

    def _routed(self, asked: Asked) -> Answer:
        for page, pattern in _ROUTES.items():
            if found := pattern.fullmatch(asked.path):
                if page == "order":
                    return self._order(asked, found["service"], OrderKind(found["name"]))
                return _only(asked, "GET") or self._answer(asked, self._page(asked, page, **found.groupdict()))
        return self._refused(asked, HTTPStatus.NOT_FOUND, "Not found", "There is no such page here.")

    def _page(self, asked: Asked, page: str, service: str = "", name: str = "") -> Page:
        if page == "services":
            return self._pages.services()
        if page == "service":
            told = self._actions.told(service, asked.query.get("order", ""))
            return self._pages.service(service, told)
        return self._pages.release(service, name) if page == "release" else self._pages.job(service, name)

    def _order(self, asked: Asked, service: str, kind: OrderKind) -> Answer:
        """Asks, or does what was agreed to."""
        back = f"/services/{service}"
        if self._controls.read_only:
            return self._refused(asked, HTTPStatus.FORBIDDEN, "Nothing was done", _ONLY_SHOWS, back)
        if asked.method != "POST":
            return _only(asked, "GET", "POST") or self._answer(asked, self._actions.ask(service, kind))
        form = self._form(asked)
        if isinstance(form, _Unfit):
            return self._refused(asked, form.status, "Nothing was done", form.line, back)
        given = self._actions.give(service, kind, form)
        self._looks.forget()
        if isinstance(given, Page):
            return self._answer(asked, given)
        if asked.wants_json:
            return _json(HTTPStatus.OK, self._actions.document(given))
        return redirect(f"{back}?order={given}")

    def _form(self, asked: Asked) -> "dict[str, str] | _Unfit":
        """The form that was sent, if a page of ours has sent it."""
        if not is_same_origin(asked.host, asked.header("ORIGIN"), asked.header("SEC_FETCH_SITE")):
            return _Unfit(HTTPStatus.FORBIDDEN, "This form was not sent by a page of this dashboard. Begin there.")
        try:
            form = asked.form()
        except TooLarge:
            return _Unfit(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The form is larger than any of ours. Say less.")
        except (ValueError, OSError):  # OSError: the browser went away, or says nothing
            return _Unfit(HTTPStatus.BAD_REQUEST, "The form could not be read. Begin at the service's page.")
        if not self.door.is_of_a_form(form.get("mark", "")):
            return _Unfit(
                HTTPStatus.FORBIDDEN, "The form is of a dashboard that has ended. Begin at the service's page."
            )
        return form

    def _told(self, asked: Asked, error: Exception) -> Answer:
        """An error as one line that says what to do."""
        status, heading = next(
            (said for kind, said in _STATUS.items() if isinstance(error, kind)),
            (HTTPStatus.SERVICE_UNAVAILABLE, "This cannot be shown now"),
        )
        try:
            line = self._controls.advise(error)
        except Exception:  # noqa: BLE001 - the error itself: it is none that a person can do something about
            _log.exception("%s %s failed", asked.method, asked.path)
            status, line = HTTPStatus.INTERNAL_SERVER_ERROR, "Something is wrong here: the terminal has the traceback."
        found = re.match(_SERVICE, asked.path)
        back = found[0] if found and found[0] != asked.path else "/services"
        page = self._pages.trouble(status, heading, line, back)
        # What may be over in a moment is looked at again by itself.
        is_live = status is HTTPStatus.SERVICE_UNAVAILABLE and asked.method == "GET"
        return self._answer(asked, replace(page, facts={**page.facts, "is_live": is_live}))

    def _refused(self, asked: Asked, status: HTTPStatus, heading: str, line: str, back: str = "/services") -> Answer:
        return self._answer(asked, self._pages.trouble(status, heading, line, back))

    def _answer(self, asked: Asked, page: Page) -> Answer:
        if asked.wants_json:
            return _json(page.status, page.document)
        return Answer(page.status, self._pages.draw(page).encode())


def _json(status: HTTPStatus, document: object) -> Answer:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return Answer(status, f"{text}\n".encode(errors="backslashreplace"), {"Content-Type": JSON})


def _only(asked: Asked, *methods: str) -> Answer | None:
    """The refusal of a method; None where it is one of those, or one that only looks."""
    if asked.method in (*methods, "HEAD"):
        return None
    allowed = {"Allow": ", ".join((*methods, "HEAD")), "Content-Type": "text/plain; charset=utf-8"}
    return Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"This cannot be done that way.\n", allowed)

"""The application, as any WSGI server runs it. It keeps nothing of a job: a page's address names the job.

Restarted, or run several times behind one address, it goes on where it was. The browser gets neither the router's
address nor its key.
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, quote, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from canary_router.client import new_key
from canary_router.errors import CanaryRouterError, KeyReused, NotStartedOnCurrent
from frontend import trouble
from frontend.desk import SERVICE, Desk
from frontend.job_page import job_page
from frontend.order import Form, filled_in
from frontend.pages import form_page, trouble_page

FORM_LIMIT_BYTES = 4096
_log = logging.getLogger(__name__)
_STATIC = Path(__file__).with_name("static")
_FILES = {
    "/static/app.js": "text/javascript; charset=utf-8",
    "/static/icon.svg": "image/svg+xml",
    "/static/style.css": "text/css; charset=utf-8",
}
_JOB = re.compile(r"/jobs/([A-Za-z0-9_-]{1,80})", re.ASCII)
_EXECUTION = re.compile(rf"arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{{12}}:execution:{SERVICE}-[A-Za-z0-9-]+:", re.ASCII)
_ARN_AT_MOST = 300
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: HTTPStatus
    content: str | bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})


class Application:
    """The pages of one environment.

    Args:
        desk: Where jobs are handed in and asked after.
        hosts: The names that a browser may call this server by; None for any. A server that listens on loopback
            only should name them: another site's page could else reach it under a name of that site's own.
    """

    def __init__(self, desk: Desk, hosts: Iterable[str] | None = None) -> None:
        self._desk = desk
        self._hosts = None if hosts is None else frozenset(hosts)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        try:
            answer = self._answer(environ)
        except Exception:  # noqa: BLE001 - the last resort: the log gets the traceback, and a person never
            _log.exception("%s %s failed", environ.get("REQUEST_METHOD"), environ.get("PATH_INFO"))
            answer = _told(trouble.OURS)
        content = answer.content.encode() if isinstance(answer.content, str) else answer.content
        headers = _HEADERS | {"Content-Length": str(len(content))} | answer.headers
        start_response(f"{answer.status.value} {answer.status.phrase}", list(headers.items()))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        if self._hosts is not None and _parts(f"//{environ.get('HTTP_HOST', '')}").hostname not in self._hosts:
            return _told(trouble.FROM_ELSEWHERE)
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        allowed = "POST" if path == "/jobs" else "GET, HEAD"
        job = _JOB.fullmatch(path)
        if path not in ("/", "/jobs", *_FILES) and job is None:
            return _told(trouble.NO_SUCH_PAGE)
        if method not in allowed.split(", "):
            refused = _told(trouble.NOT_THIS_WAY)
            return replace(refused, headers=refused.headers | {"Allow": allowed})
        if path == "/jobs":
            return self._submit(environ)
        if job is not None:
            return self._job(job[1], environ)
        if path in _FILES:
            headers = {"Content-Type": _FILES[path], "Cache-Control": "no-cache"}
            return Answer(HTTPStatus.OK, (_STATIC / Path(path).name).read_bytes(), headers)
        return Answer(HTTPStatus.OK, form_page(Form(new_key()), self._desk.environment))

    def _submit(self, environ: WSGIEnvironment) -> Answer:
        if _is_from_elsewhere(environ):
            return _told(trouble.FROM_ELSEWHERE)
        length = str(environ.get("CONTENT_LENGTH") or "")
        if not (length.isascii() and length.isdecimal()):
            return _told(trouble.NOT_A_FORM)
        if len(length) > len(str(FORM_LIMIT_BYTES)) or int(length) > FORM_LIMIT_BYTES:
            return _told(trouble.TOO_LARGE)
        try:
            text = environ["wsgi.input"].read(int(length)).decode()
            form = filled_in(parse_qs(text, max_num_fields=10), new_key())
        except (ValueError, OSError):  # no text, too many fields, or a browser that went away
            return _told(trouble.NOT_A_FORM)
        if form.errors:
            return Answer(HTTPStatus.UNPROCESSABLE_ENTITY, form_page(form, self._desk.environment))
        try:
            transform = self._desk.submit(form.document, form.key)
        except CanaryRouterError as error:
            _log.warning("A job was not handed in: %s: %s", type(error).__name__, error)
            status, what, advice = trouble.when_submitted(error)
            if isinstance(error, KeyReused | NotStartedOnCurrent):
                form = replace(form, key=new_key())  # what this key stands for is settled
            return Answer(status, form_page(form, self._desk.environment, (what, advice)))
        address = f"/jobs/{quote(transform.transform_id, safe='')}"
        if transform.execution_arn is not None:
            address += f"?execution_arn={quote(transform.execution_arn, safe=':')}"
        return Answer(HTTPStatus.SEE_OTHER, "", {"Location": address})

    def _job(self, transform_id: str, environ: WSGIEnvironment) -> Answer:
        try:
            found = parse_qs(environ.get("QUERY_STRING", ""), max_num_fields=5).get("execution_arn", [])
        except ValueError:
            return _told(trouble.NO_SUCH_JOB)
        execution_arn = found[0] if found else None
        if execution_arn is not None and not _is_execution_of(transform_id, execution_arn):
            return _told(trouble.NO_SUCH_JOB)
        try:
            return Answer(HTTPStatus.OK, job_page(self._desk.look(transform_id, execution_arn)))
        except CanaryRouterError as error:
            _log.warning("A job was not found: %s: %s", type(error).__name__, error)
            return _told(trouble.when_asked(error))


def _is_execution_of(transform_id: str, arn: str) -> bool:
    matched = _EXECUTION.match(arn) if len(arn) <= _ARN_AT_MOST else None
    return matched is not None and arn[matched.end() :] == transform_id


def _is_from_elsewhere(environ: WSGIEnvironment) -> bool:
    """Whether a page of another site sends this. Browsers say so; programs say nothing, and could say anything."""
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and _parts(origin).netloc != environ.get("HTTP_HOST")


def _parts(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _told(told: trouble.Told) -> Answer:
    return Answer(told[0], trouble_page(*told))

"""A request as the pages see it, and what goes back."""

from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

FORM_AT_MOST = 8192
"""Bytes of a form: a reason has 500 characters, and each may take twelve bytes as browsers write it."""
_FIELDS_AT_MOST = 10
HTML = "text/html; charset=utf-8"
JSON = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Asked:
    """A request.

    Attributes:
        path: Without the ``.json`` of a page's twin.
        wants_json: Whether the twin is meant, by name or by the header ``Accept``.
    """

    method: str
    path: str
    wants_json: bool
    host: str
    query: dict[str, str]
    environ: WSGIEnvironment

    @classmethod
    def of(cls, environ: WSGIEnvironment) -> "Asked":
        """Reads a request's head."""
        path = environ.get("PATH_INFO", "") or "/"
        accept = environ.get("HTTP_ACCEPT", "")
        return cls(
            method=environ["REQUEST_METHOD"],
            path=path.removesuffix(".json"),
            wants_json=path.endswith(".json") or ("application/json" in accept and "text/html" not in accept),
            host=environ.get("HTTP_HOST", ""),
            query=_fields(environ.get("QUERY_STRING", "")),
            environ=environ,
        )

    def header(self, name: str) -> str | None:
        """A header, by its name as WSGI has it (``ORIGIN``)."""
        value = self.environ.get(f"HTTP_{name}")
        return None if value is None else str(value)

    def form(self) -> dict[str, str]:
        """The fields of the form that was sent, each once.

        Raises:
            ValueError: It is none, or too large.
            OSError: The browser went away.
        """
        length = str(self.environ.get("CONTENT_LENGTH") or "")
        kind = str(self.environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded" or not (length.isascii() and length.isdecimal()):
            raise ValueError("this is no form")
        if len(length) > len(str(FORM_AT_MOST)) or int(length) > FORM_AT_MOST:
            raise TooLarge
        fields = parse_qs(
            self.environ["wsgi.input"].read(int(length)).decode(),
            keep_blank_values=True,
            strict_parsing=True,
            max_num_fields=_FIELDS_AT_MOST,
            errors="strict",
        )
        if any(len(values) > 1 for values in fields.values()):
            raise ValueError("a field is there twice")
        return {name: values[0] for name, values in fields.items()}


class TooLarge(ValueError):
    """A form has more bytes than any of ours."""


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: HTTPStatus
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": HTML})


def redirect(place: str, **headers: str) -> Answer:
    """Sends the browser somewhere else, to be asked for by GET."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(HTTPStatus.SEE_OTHER, b"", {"Location": place} | named)


def _fields(text: str) -> dict[str, str]:
    try:
        return {name: values[0] for name, values in parse_qs(text, max_num_fields=_FIELDS_AT_MOST).items()}
    except ValueError:
        return {}

"""The dashboard and those who mean it ill: other sites in the same browser, other users of the machine, odd input."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from io import BytesIO

import pytest
from tests.unit import dashboard_states as worlds
from tests.unit.dashboard_visitor import FORM, HOST, PAGE, Seen, Visitor
from tests.unit.world import SERVICE, World, arn

from canary_router.core.model import ReleaseState
from canary_router.core.orders import Order, OrderKind
from canary_router.dashboard.asked import FORM_AT_MOST
from canary_router.flows.orders import give_order

PAUSE = f"{PAGE}/orders/pause"
EVERY_PAGE = ("/services", PAGE, PAUSE, f"{PAGE}/releases/r5-1700341242", f"{PAGE}/jobs/t-12")
MARKUP = """</title></p><img src=x onerror=alert(1)><script>alert(2)</script>"' onfocus='a' {{7*7}} {% x %} &lt;b&gt;"""


def locked(seen: Seen) -> bool:
    """Whether nothing was given away."""
    return seen.status == 403 and SERVICE not in seen.text and ">test<" not in seen.text


# --- who may come in


@pytest.mark.parametrize("path", ["/", *EVERY_PAGE, f"{PAGE}.json", "/nothing"])
def test_without_the_cookie_every_page_is_locked(path: str) -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    for cookie in (None, "", "canary-router-8700=", "canary-router-8700=guessed", "=;;=\x00", "canary-router-8700"):
        assert locked(visitor.gets(path, HTTP_COOKIE=cookie))


def test_a_dashboard_on_another_port_has_another_cookie_and_another_key() -> None:
    world = worlds.holding()
    one, other = Visitor(world), Visitor(world)
    assert locked(one.gets(PAGE, HTTP_COOKIE=other.cookie))
    assert locked(one.gets(f"/enter?key={other.application.door.key}", HTTP_COOKIE=None))
    assert one.gets(PAGE, HTTP_HOST="127.0.0.1:9000").status == 403  # its name has the port in it


def test_the_key_is_exchanged_for_a_cookie_that_scripts_and_other_sites_never_get() -> None:
    visitor = Visitor(worlds.holding())
    seen = visitor.gets(f"/enter?key={visitor.application.door.key}", HTTP_COOKIE=None)
    assert (seen.status, seen.headers["Location"], seen.text) == (303, "/services", "")
    cookie, *flags = seen.headers["Set-Cookie"].split("; ")
    assert set(flags) == {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert visitor.application.door.key not in cookie
    assert visitor.gets(PAGE, HTTP_COOKIE=f"other=1; {cookie}").status == 200


@pytest.mark.parametrize("key", ["", "x", "%00", "%F0%9F%90%A6", "%ff", "a" * 5000])
def test_a_wrong_key_opens_nothing(key: str) -> None:
    seen = Visitor(worlds.holding()).gets(f"/enter?key={key}", HTTP_COOKIE=None)
    assert locked(seen)
    assert "Set-Cookie" not in seen.headers


def test_a_ticket_opens_once() -> None:
    visitor = Visitor(worlds.holding())
    ticket = visitor.application.door.ticket()
    assert visitor.gets(f"/enter?key={ticket}", HTTP_COOKIE=None).status == 303
    assert locked(visitor.gets(f"/enter?key={ticket}", HTTP_COOKIE=None))


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_no_page_has_the_key_or_the_cookie_in_it(path: str) -> None:
    visitor = Visitor(worlds.holding())
    text = visitor.gets(path).text
    assert visitor.application.door.key not in text
    assert visitor.cookie.partition("=")[2] not in text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8700", "127.0.0.1.evil.example:8700", "localhost.evil.example", "",
        "127.0.0.1:8700@evil.example", "evil.example@127.0.0.1:8700", "127.0.0.1:8700/x", "0.0.0.0:8700",
        "127.0.0.2:8700", "127.1:8700", "[::1]:8700", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1\n:8700",
        "127.0.0.1:\u0668\u0667",
    ],
)  # fmt: skip
def test_a_name_that_was_pointed_at_this_machine_leads_nowhere(host: str) -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    for path in ("/", PAGE, f"/enter?key={visitor.application.door.key}", "/static/dashboard.js"):
        seen = visitor.gets(path, HTTP_HOST=host, HTTP_SEC_FETCH_SITE="cross-site", HTTP_SEC_FETCH_MODE="navigate")
        assert locked(seen)
        assert 'http-equiv="refresh" content="0' not in seen.text
    fields = visitor.gets(PAUSE).fields
    assert locked(visitor.sends(PAUSE, fields, HTTP_HOST=host, HTTP_ORIGIN=f"http://{host}"))
    assert world.release_state() is ReleaseState.OPEN


def test_a_tunnel_may_lead_here_by_another_port() -> None:
    visitor = Visitor(worlds.holding())
    seen = visitor.gets(f"/enter?key={visitor.application.door.key}", HTTP_HOST="localhost:9000", HTTP_COOKIE=None)
    cookie = seen.headers["Set-Cookie"].partition(";")[0]
    assert visitor.gets(PAGE, HTTP_HOST="localhost:9000", HTTP_COOKIE=cookie).status == 200


def test_a_link_on_another_site_comes_without_the_cookie_and_asks_again_as_this_page() -> None:
    link = {"HTTP_COOKIE": None, "HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_SEC_FETCH_MODE": "navigate"}
    visitor = Visitor(worlds.holding())
    assert f'<meta http-equiv="refresh" content="0; url={PAGE}">' in visitor.gets(PAGE, **link).text
    for path in ("//evil.example/services", "/services/x;url=//evil.example", "/enter", "/nothing"):
        assert 'http-equiv="refresh"' not in visitor.gets(path, **link).text
    assert 'http-equiv="refresh"' not in visitor.sends(PAUSE, {}, **link).text
    again = visitor.gets(PAGE, HTTP_COOKIE=None, HTTP_SEC_FETCH_SITE="same-origin", HTTP_SEC_FETCH_MODE="navigate")
    assert locked(again)
    assert 'http-equiv="refresh"' not in again.text


# --- orders come only from forms of these pages


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_ORIGIN": None},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": "https://127.0.0.1:8700"},
        {"HTTP_ORIGIN": "http://127.0.0.1:8701"},
        {"HTTP_ORIGIN": "http://localhost:8700"},
        {"HTTP_ORIGIN": "http://evil.example"},
        {"HTTP_ORIGIN": f"http://{HOST}.evil.example"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_SEC_FETCH_SITE": "none"},
    ],
)
def test_a_form_that_another_page_sends_is_refused(headers: dict[str, str | None]) -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    seen = visitor.sends(PAUSE, visitor.gets(PAUSE).fields, **headers)
    assert (seen.status, world.release_state()) == (403, ReleaseState.OPEN)


@pytest.mark.parametrize("mark", ["", "guessed", "é", "\udc80"])
def test_a_form_without_the_right_mark_is_refused(mark: str) -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    fields = visitor.gets(PAUSE).fields | {"mark": mark.encode(errors="replace").decode()}
    assert visitor.sends(PAUSE, fields).status == 403
    del fields["mark"]
    assert visitor.sends(PAUSE, fields).status == 403
    assert world.release_state() is ReleaseState.OPEN


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "post", ""])
def test_no_other_method_gives_an_order(method: str) -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    before = world.release
    fields = visitor.gets(PAUSE).fields
    query = "&".join(f"{name}={value}" for name, value in fields.items())
    seen = visitor.asks(method, f"{PAUSE}?{query}", HTTP_ORIGIN=f"http://{HOST}")
    assert seen.status == (200 if method in ("GET", "HEAD") else 405)
    assert world.release == before


@pytest.mark.parametrize("path", ["/services", PAGE, "/static/dashboard.css", f"{PAGE}/jobs/t-12"])
def test_pages_are_only_read(path: str) -> None:
    visitor = Visitor(worlds.holding())
    seen = visitor.sends(path, visitor.gets(PAUSE).fields)
    assert (seen.status, seen.headers["Allow"]) == (405, "GET, HEAD")
    assert visitor.asks("HEAD", path).text == ""


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"CONTENT_LENGTH": ""}, 400),
        ({"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked"}, 400),
        ({"CONTENT_LENGTH": "-1"}, 400),
        ({"CONTENT_LENGTH": "+5"}, 400),
        ({"CONTENT_LENGTH": "\u0665"}, 400),
        ({"CONTENT_LENGTH": "1e3"}, 400),
        ({"CONTENT_LENGTH": str(FORM_AT_MOST + 1)}, 413),
        ({"CONTENT_LENGTH": "9" * 5000}, 413),
        ({"CONTENT_TYPE": "application/json"}, 400),
        ({"CONTENT_TYPE": "multipart/form-data; boundary=x"}, 400),
        ({"CONTENT_TYPE": "text/plain"}, 400),
        ({"CONTENT_TYPE": None}, 400),
    ],
)
def test_a_body_that_is_no_form_or_too_large_is_not_even_read(change: dict[str, str | None], status: int) -> None:
    class Unread(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("it was read")

    world = worlds.holding()
    visitor = Visitor(world)
    usual = {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": "10", "HTTP_ORIGIN": f"http://{HOST}"}
    seen = visitor.asks("POST", PAUSE, **(usual | {"wsgi.input": Unread()} | change))  # type: ignore[arg-type] # a body
    assert seen.status == status
    assert world.release_state() is ReleaseState.OPEN


@pytest.mark.parametrize(
    "body",
    [
        b"", b"=", b"&&&", b"\xff\xfe", b"mark=%ff", b"why", b"a=1&" * 2000, b"&".join(b"f%d=1" % n for n in range(11)),
        b"mark={mark}&order={order}&meant={meant}&meant=other",
        b"mark={mark}&order=../../x&meant={meant}",
        b"mark={mark}&order={order}&meant=%3Cscript%3E",
        b"mark={mark}&order={order}",
        b"mark={mark}&meant={meant}",
        b"mark={mark}&order={order}&meant=" + b"a" * 300,
    ],
)  # fmt: skip
def test_a_form_with_anything_else_in_it_does_nothing(body: bytes) -> None:
    world = worlds.holding()
    visitor = Visitor(world)
    for name, value in visitor.gets(PAUSE).fields.items():
        body = body.replace(b"{%s}" % name.encode(), value.encode())
    seen = visitor.asks(
        "POST", PAUSE, body, CONTENT_TYPE=FORM, CONTENT_LENGTH=str(len(body)), HTTP_ORIGIN=f"http://{HOST}"
    )
    assert seen.status in (400, 403, 413)
    assert world.release_state() is ReleaseState.OPEN


# --- whatever a name or a reason holds, it is text


class Tags(HTMLParser):
    """Which elements and attributes a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "script":
            self.scripts.append(dict(attrs))


def marked() -> World:
    """A world in which everything that somebody may write has markup in it."""
    world = worlds.holding()
    order = Order("pause-9", OrderKind.PAUSE, SERVICE, f"arn:{MARKUP}", MARKUP, world.clock.now())
    give_order(world.ports, order)
    give_order(world.ports, Order("abort-9", OrderKind.ABORT, SERVICE, MARKUP, MARKUP, world.clock.now()))
    world.reconcile()
    world.pointers.put(SERVICE, "latest", MARKUP, "")
    world.pointers.put(SERVICE, "policy", f'{{"{MARKUP.replace(chr(34), "")}": 1}}', "")
    return world


@pytest.mark.parametrize("path", ["/services", PAGE, f"{PAGE}/releases/r5-1700341242", f"{PAGE}/jobs/t-12"])
def test_markup_in_names_reasons_and_parameters_stays_text(path: str) -> None:
    plain, hostile = Tags(Visitor(worlds.holding()).gets(path).text), Visitor(marked()).gets(path)
    found = Tags(hostile.text)
    assert "onerror" not in found.attributes
    assert "onfocus" not in found.attributes
    assert found.names <= plain.names | {"ul", "b", "code"}
    assert found.scripts == [{"src": "/static/dashboard.js", "defer": None}]
    if path != "/services":
        assert "<img src=x onerror=alert(1)>" in hostile.words.replace("&lt;", "<")
        assert "{{7*7}}" in hostile.words


def test_markup_in_what_is_typed_and_asked_for_stays_text() -> None:
    visitor = Visitor(worlds.holding())
    too_long = visitor.orders("abort", MARKUP + "x" * 500)
    assert (too_long.status, too_long.fields["why"].startswith(MARKUP)) == (422, True)
    assert "onfocus" not in Tags(too_long.text).attributes
    for path in (f"/{MARKUP}", f"/services/{MARKUP}", f"{PAGE}?order={MARKUP}", f"{PAGE}/jobs/{MARKUP}"):
        seen = visitor.gets(path)
        assert "alert(1)" not in seen.text
        assert Tags(seen.text).scripts == [{"src": "/static/dashboard.js", "defer": None}]


def test_a_twin_is_never_taken_for_a_page() -> None:
    seen = Visitor(marked()).gets(f"{PAGE}.json")
    assert seen.headers["Content-Type"] == "application/json; charset=utf-8"
    assert seen.headers["X-Content-Type-Options"] == "nosniff"
    assert seen.document["latest"]["value"] == MARKUP


def test_templates_mark_nothing_as_safe_and_escape_everything() -> None:
    folder = files("canary_router.dashboard") / "templates"
    texts = {it.name: it.read_text(encoding="utf-8") for it in folder.iterdir()}
    assert len(texts) >= 7
    for name, text in texts.items():
        assert not re.search(r"\|\s*safe|autoescape|Markup|xmlattr|tojson", text), name
        assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:|https?://", text), name
    environment = Visitor(worlds.holding()).application._pages._templates
    assert environment.autoescape is True
    assert environment.from_string("{{ it }}").render(it="<b>") == "&lt;b&gt;"


def test_what_is_served_beside_the_pages_names_no_other_place() -> None:
    visitor = Visitor(worlds.holding())
    for path in ("/static/dashboard.css", "/static/dashboard.js", "/static/icon.svg"):
        seen = visitor.gets(path, HTTP_COOKIE=None)
        assert seen.status == 200
        assert re.findall(r"https?://[^\"')\s]+", seen.text) in ([], ["http://www.w3.org/2000/svg"])
        assert "@import" not in seen.text
    for path in ("/static/", "/static/../app.py", "/static/%2e%2e/app.py", "/static//icon.svg", "/static/icon.svg/"):
        assert visitor.gets(path).status == 404


@pytest.mark.parametrize(
    "path", [*EVERY_PAGE, "/", "/nothing", "/enter", "/static/icon.svg", "/static/dashboard.js", f"{PAGE}.json"]
)
def test_every_answer_says_what_a_browser_may_do_with_it(path: str) -> None:
    visitor = Visitor(worlds.holding())
    for cookie in (visitor.cookie, None):
        headers = visitor.gets(path, HTTP_COOKIE=cookie).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert (policy["script-src"], policy["style-src"]) == ("'self'", "'self'")
        assert (policy["frame-ancestors"], policy["base-uri"], policy["form-action"]) == ("'none'", "'none'", "'self'")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] in ("same-origin", "no-referrer")
        assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static/") else "no-store")


@pytest.mark.parametrize("path", ["", "\x00", "/services/\udcff", "/services/" + "a" * 9000, "/" * 200, "/%", "/.json"])
def test_an_odd_path_is_answered_all_the_same(path: str) -> None:
    assert Visitor(worlds.holding()).gets(path).status in (303, 404)


def test_a_version_with_an_odd_name_can_be_ordered_about() -> None:
    world = World(current="")
    world.pointers.put(SERVICE, "current", f"{arn('v1.0.0').replace('-v1-0-0-pipeline', '_Own')}:$LATEST", "")
    world.reconcile()
    world.write_latest("v1.1.0")
    visitor = Visitor(world)
    visitor.orders("promote")
    seen = visitor.orders("rollback")
    assert "transformer_Own:$LATEST of transformer is current." in seen.words

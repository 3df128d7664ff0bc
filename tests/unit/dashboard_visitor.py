"""A visitor of the dashboard's pages without a browser: what is sent, byte for byte, and what comes back."""

import json
import re
from dataclasses import dataclass
from html import unescape
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from tests.unit.world import SERVICE, World

from canary_router.adapters.memory import MemoryCaller, MemoryFunctions, MemoryNudge, MemoryStacks
from canary_router.cli.trouble import explain
from canary_router.dashboard import Application, Controls

HOST = "127.0.0.1:8700"
PAGE = f"/services/{SERVICE}"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Seen:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def words(self) -> str:
        """The text of the page as a person reads it."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.text)).split())

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def fields(self) -> dict[str, str]:
        """The form of the page, as it would be sent."""
        inputs = re.findall(r"<input[^>]*>", self.text)
        named = {re.search(r'name="([^"]*)"', it): re.search(r'value="([^"]*)"', it) for it in inputs}
        return {unescape(name[1]): unescape(value[1]) for name, value in named.items() if name and value}

    @property
    def trouble(self) -> str:
        """The one line that says what is wrong."""
        found = re.search(r'<p class="alert" id="trouble" role="alert">([^<]*)</p>', self.text)
        return unescape(found[1]) if found else ""


class Visitor:
    """Somebody who came in with the printed address. ``nudge`` wakes the controller; None is one that comes at once."""

    def __init__(
        self, world: World, *, read_only: bool = False, patience: float = 0.0, nudge: MemoryNudge | None = None
    ) -> None:
        self.world = world
        self.functions = MemoryFunctions()
        self.stacks = MemoryStacks()
        self.caller = MemoryCaller()
        controls = Controls(
            "test",
            world.ports,
            self.functions,
            self.caller,
            nudge or MemoryNudge(world.reconcile),
            self.stacks,
            lambda error: explain(error)[0],
            read_only,
        )
        self.application = Application(controls, patience)
        self.cookie = self.application.door.cookie(HOST).partition(";")[0]

    def asks(self, method: str, path: str, body: bytes = b"", /, **headers: str | None) -> Seen:
        """One request. Headers are named as WSGI names them; one that is None is not sent."""
        path, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "wsgi.input": BytesIO(body),
            "HTTP_HOST": HOST,
            "HTTP_COOKIE": self.cookie,
            "HTTP_ACCEPT": "text/html",
        }
        environ = {name: value for name, value in (environ | headers).items() if value is not None}
        answer: list[Any] = []

        def start(status: str, sent: list[tuple[str, str]], *_: object) -> Any:
            answer.extend((int(status[:3]), dict(sent)))

        text = b"".join(self.application(environ, start)).decode()
        return Seen(answer[0], text, answer[1])

    def gets(self, path: str, **headers: str | None) -> Seen:
        return self.asks("GET", path, **headers)

    def sends(self, path: str, fields: dict[str, str], **headers: str | None) -> Seen:
        """A form, as a browser sends one that is on a page of ours."""
        body = urlencode(fields).encode()
        usual = {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(len(body)), "HTTP_ORIGIN": f"http://{HOST}"}
        return self.asks("POST", path, body, **(usual | headers))

    def orders(self, kind: str, why: str = "", **headers: str | None) -> Seen:
        """Presses a button, answers the question with yes, and looks at the page that it leads to."""
        place = f"{PAGE}/orders/{kind}"
        asked = self.gets(place)
        if asked.status != 200:
            return asked
        done = self.sends(place, asked.fields | {"why": why}, **headers)
        return self.gets(done.headers["Location"]) if done.status == 303 else done

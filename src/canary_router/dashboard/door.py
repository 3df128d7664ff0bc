"""Who may come in. A server on loopback is reached by every page that the browser shows, and by everybody's programs.

- **Host**: only names of loopback. A page of another site whose name was pointed at this machine is turned away.
- **Key**: 256 random bits in the address that is printed. It is exchanged for a cookie, and leaves the address bar.
- **Cookie**: of its own value, for this server's lifetime, never shown to scripts, never sent by other sites.
- **Orders**: besides all that, only from a form of these pages: by its origin, and by a mark that it carries.
"""

import hmac
import re
import secrets
import threading
import time
from http.cookies import CookieError, SimpleCookie

_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost)(?::[0-9]{1,5})?")
_BYTES = 32
_TICKET_SECONDS = 60


class Door:
    """The keys of one run of the dashboard."""

    def __init__(self) -> None:
        """Makes them."""
        self.key = secrets.token_urlsafe(_BYTES)
        """Comes with the printed address."""
        self.mark = secrets.token_urlsafe(_BYTES)
        """Comes with every form."""
        self._session = secrets.token_urlsafe(_BYTES)
        self._tickets: dict[str, float] = {}
        self._lock = threading.Lock()

    def ticket(self) -> str:
        """A key that opens once, within a minute: for a browser that is started with it, which others can see."""
        made = secrets.token_urlsafe(_BYTES)
        with self._lock:
            self._tickets[made] = time.monotonic() + _TICKET_SECONDS
        return made

    def opens(self, given: str) -> bool:
        """Whether a key from an address is right. A ticket is so once."""
        if _same(given, self.key):
            return True
        with self._lock:
            until = self._tickets.pop(given, 0.0)
        return time.monotonic() < until

    def cookie(self, host: str) -> str:
        """The header that gives a browser its cookie. Cookies know no ports, so its name does."""
        return f"{_cookie_name(host)}={self._session}; Path=/; HttpOnly; SameSite=Strict"

    def knows(self, cookies: str, host: str) -> bool:
        """Whether a request's cookies have ours."""
        try:
            found = SimpleCookie(cookies).get(_cookie_name(host))
        except CookieError:
            return False
        return found is not None and _same(found.value, self._session)

    def is_of_a_form(self, mark: str) -> bool:
        """Whether a form carries the mark."""
        return _same(mark, self.mark)


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine. The port may be another, where a tunnel leads here."""
    return _LOOPBACK.fullmatch(host) is not None


def is_same_origin(host: str, origin: str | None, site: str | None) -> bool:
    """Whether a form was sent by a page of this server: browsers say so of every POST. Who says nothing is none."""
    return origin == f"http://{host}" and site in (None, "same-origin")


def _cookie_name(host: str) -> str:
    return f"canary-router-{host.partition(':')[2] or 80}"


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), right.encode())

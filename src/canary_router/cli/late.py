"""A session whose clients are made when they are first used: most verbs use two of the six that the ports have.

A client takes 20 to 50 ms to be made, which a person waits for at every command.
"""

import threading
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import boto3
_making = threading.Lock()
"""A session may not make two clients at a time, and the dashboard asks from several threads."""


class _LateClient:
    """Stands for a client until somebody asks something of it."""

    def __init__(self, session: "boto3.Session", arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._session = session
        self._arguments = arguments
        self._options = options
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        with _making:
            if self._made is None:
                self._made = self._session.client(*self._arguments, **self._options)
        return getattr(self._made, name)


class _LateSession:
    """Makes such clients; everything else is the session's own."""

    def __init__(self, session: "boto3.Session") -> None:
        self._session = session

    def client(self, *arguments: Any, **options: Any) -> _LateClient:
        return _LateClient(self._session, arguments, options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def late(session: "boto3.Session") -> "boto3.Session":
    """The session, but that its clients are made late.

    Raises:
        NoRegionError: No region is configured: that is the command's mistake, and no call's.
    """
    if not session.region_name:
        session.client("ssm")
    return cast("boto3.Session", _LateSession(session))

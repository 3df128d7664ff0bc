"""``dashboard``: pages on loopback, with the operator's own credentials."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from canary_router.cli.invocation import Invocation
from canary_router.cli.machine import clean_up_when_told_to_end
from canary_router.errors import ConfigurationError

if TYPE_CHECKING:
    from canary_router.cli.desk import Desk
    from canary_router.dashboard import Application, Server


def dashboard(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1 to serve at; 0 takes a free one.")] = 0,
    read_only: Annotated[bool, typer.Option("--read-only", help="Only show: no buttons, and no orders.")] = False,
    opened: Annotated[bool, typer.Option("--open", help="Open it in your browser, too.")] = False,
) -> None:
    """Serve pages that show it all, live, and take orders.

    They are for this machine alone, and act with your own credentials. The address has a key: whoever has it may do
    what you may. Ctrl-C ends it.

    \b
    Examples:
      canary-router --environment staging dashboard --open
      canary-router --environment staging dashboard --port 8700 --read-only
    """
    call: Invocation = context.obj
    desk = call.desk()
    desk.caller.who()  # without credentials every page would fail alike: one error says it better
    application, server = _made(desk, port, read_only=read_only)
    clean_up_when_told_to_end()
    address = entrance(server, application.door.key)
    with server:
        if call.is_json:
            call.print_json({"environment": desk.environment, "url": address, "read_only": read_only})
        else:  # not by Rich, which would fold the address where the terminal ends
            print(f"{address}\nThe dashboard of {desk.environment}. Ctrl-C ends it.")
        sys.stdout.flush()
        if opened and not show(server, application):
            call.say("No browser with a window was found here: open the address yourself.")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return
        finally:
            application.finish()


@contextmanager
def beside(desk: "Desk") -> Iterator[str]:
    """Serves the pages while the block runs, opens them where there is a browser, and gives the address.

    Raises:
        ConfigurationError: The dashboard is not installed.
    """
    application, server = _made(desk, 0, read_only=False)
    thread = threading.Thread(target=server.serve_forever, name="dashboard", daemon=True)
    thread.start()
    try:
        show(server, application)
        yield entrance(server, application.door.key)
    finally:
        application.finish()
        server.shutdown()
        thread.join()
        server.server_close()


def entrance(server: "Server", key: str) -> str:
    """The address that lets somebody in."""
    return f"{server.url}/enter?key={key}"


def show(server: "Server", application: "Application") -> bool:
    """Opens the pages in a browser with a window; False when there is none. One in this terminal would take it away.

    The address that a browser is started with can be seen by others on this machine, so its key opens once.
    """
    import webbrowser

    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if isinstance(browser, webbrowser.GenericBrowser) and not isinstance(browser, webbrowser.BackgroundBrowser):
        return False
    return bool(browser.open(entrance(server, application.door.ticket())))


def _made(desk: "Desk", port: int, *, read_only: bool) -> "tuple[Application, Server]":
    from canary_router.cli.trouble import explain

    try:
        from canary_router.dashboard import Application, Controls, Server
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in {"jinja2", "markupsafe"}:
            raise
        raise ConfigurationError(
            "The dashboard is not installed", advice="pip install 'canary-router[dashboard]'."
        ) from missing
    controls = Controls(
        desk.environment,
        desk.ports,
        desk.functions,
        desk.caller,
        desk.nudge,
        desk.stacks,
        advise=lambda error: explain(error)[0],
        read_only=read_only,
    )
    application = Application(controls)
    try:
        return application, Server(port, application)
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} of 127.0.0.1 cannot be served at: {error.strerror}", advice="Name another --port, or none."
        ) from error

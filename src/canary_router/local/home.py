"""Where the project keeps what it makes on this machine: tools, and the state of a running emulator.

Every command must find the same place from any working directory, so the place never depends on where one stands.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from canary_router import settings
from canary_router.errors import ConfigurationError


def state_home(env: Mapping[str, str] = os.environ) -> Path:
    """The directory for the project's own files on this machine; it need not exist yet.

    It is ``$CANARY_ROUTER_HOME`` when that is set; ``.canary-router`` in the checkout when the package runs from a
    source checkout; else ``canary-router`` in the user's state directory (``$XDG_STATE_HOME``, ``~/.local/state``).

    Raises:
        ConfigurationError: Nothing says where the user's files are.
    """
    if chosen := env.get(settings.ENV_HOME):
        return Path(chosen).absolute()
    if checkout := source_checkout():
        return checkout / ".canary-router"
    if xdg := env.get("XDG_STATE_HOME"):
        return Path(xdg).absolute() / "canary-router"
    try:
        return Path.home() / ".local" / "state" / "canary-router"
    except RuntimeError as error:
        raise ConfigurationError(
            "No home directory is known", advice=f"Set {settings.ENV_HOME} to a directory that may be written to."
        ) from error


def tools_home(env: Mapping[str, str] = os.environ) -> Path:
    """The directory for installed tools, which are worth keeping when the state goes.

    In a source checkout it is the same one whatever ``$CANARY_ROUTER_HOME`` says, so that tests with a home directory
    each do not install the tools each.

    Raises:
        ConfigurationError: Nothing says where the user's files are.
    """
    checkout = source_checkout()
    return (checkout / ".canary-router" if checkout else state_home(env)) / "tools"


def source_checkout() -> Path | None:
    """Root of the source checkout that this package runs from, or None when it was installed as a package."""
    root = Path(__file__).resolve().parents[3]
    try:
        said = (root / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        return None
    # Every command comes by here, and to read all of it as TOML would take longer than the command's own work.
    return root if '\n[project]\nname = "canary-router"\n' in f"\n{said}" else None
